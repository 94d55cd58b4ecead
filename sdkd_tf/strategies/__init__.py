"""What is done against forgetting: one file a strategy, each a subclass of `learner.Learner`. See docs/strategies.md."""

from sdkd_tf.distiller import Distiller
from sdkd_tf.learner import Learner
from sdkd_tf.strategies.ewc import EWC, OnlineEWC
from sdkd_tf.strategies.gem import AGEM, GEM
from sdkd_tf.strategies.generative_replay import GenerativeReplay
from sdkd_tf.strategies.joint import Joint
from sdkd_tf.strategies.lwf import LwF
from sdkd_tf.strategies.replay import ExperienceReplay
from sdkd_tf.strategies.sdkd_replay import SDKDReplay

STRATEGIES = {
    "sdkd": Distiller,
    "finetune": Learner,
    "joint": Joint,
    "lwf": LwF,
    "ewc": EWC,
    "online_ewc": OnlineEWC,
    "gem": GEM,
    "agem": AGEM,
    "generative_replay": GenerativeReplay,
    "replay": ExperienceReplay,
    "sdkd_replay": SDKDReplay,
}
