"""SDKD with experience replay: what a few old images add to the teacher."""

from sdkd_tf.distiller import Distiller
from sdkd_tf.strategies.replay import ExperienceReplay


class SDKDReplay(ExperienceReplay, Distiller):
    """The losses of SDKD on the batches of experience replay; the teacher sees the kept images as well."""

    options = (*ExperienceReplay.options, *Distiller.options)
