"""Learning without Forgetting (Li, Hoiem, ECCV 2016): soft targets of the model of the task before, and nothing else."""

from sdkd_tf.distiller import Distiller


class LwF(Distiller):
    """SDKD without factor transfer. Here all tasks share their labels, so there is one head and no warm-up of a new one.

    The paper's loss is the cross-entropy of the softened predictions, which has the gradient of equation 2's divergence.
    With the temperature T its gradient would shrink by T * T; equation 2 makes up for that.
    """

    options = ("lambda2", "temperature", "alpha", "soft_target_reduction")

    def __init__(self, student, **distiller):
        super().__init__(student, lambda1=0.0, **distiller)
