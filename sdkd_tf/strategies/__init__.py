"""Strategies against forgetting; `STRATEGIES` maps names to subclasses of `base.Strategy`. See docs/strategies.md."""

from sdkd_tf.strategies.base import Strategy
from sdkd_tf.strategies.ewc import EWC, OnlineEWC
from sdkd_tf.strategies.gem import AGEM, GEM
from sdkd_tf.strategies.joint import Joint
from sdkd_tf.strategies.replay import ExperienceReplay, SDKDReplay
from sdkd_tf.strategies.sdkd import SDKD, LwF

STRATEGIES: dict[str, type[Strategy]] = {
    "sdkd": SDKD,
    "finetune": Strategy,
    "joint": Joint,
    "lwf": LwF,
    "ewc": EWC,
    "online_ewc": OnlineEWC,
    "gem": GEM,
    "agem": AGEM,
    "replay": ExperienceReplay,
    "sdkd_replay": SDKDReplay,
}
