"""SDKD: a student is trained against the frozen model of the task before (SDKD paper, figure 4)."""

import random

import tensorflow as tf
import tf_keras as keras

from sdkd_tf import losses
from sdkd_tf.data.pipeline import shuffled_passes
from sdkd_tf.learner import Learner
from sdkd_tf.model.network import as_outputs
from sdkd_tf.model.translator import build_paraphraser, build_translator


class Distiller(Learner):
    """Student, frozen teacher, teacher translator and student translator, and the losses that join them.

    The teacher is a copy of the student, made by `promote`. Before the first promotion there is no teacher and the loss
    is L_cls alone (plus saliency supervision).
    """

    options = (
        "lambda1", "lambda2", "temperature", "alpha", "factor_width", "factor_reduction", "soft_target_reduction",
        "teacher_share",
    )  # fmt: skip
    term_names = (*Learner.term_names, "factor_transfer", "soft_target")

    def __init__(
        self,
        student,
        lambda1=1.0,
        lambda2=1.0,
        temperature=20.0,
        alpha=0.7,
        factor_width=8,
        factor_reduction="mean",
        soft_target_reduction="batch",
        teacher_share=0.0,
        teacher=None,
        **learner,
    ):
        """Args:
        student: a network that returns `network.Outputs`; without saliency, L_ft is 0.
        lambda1, lambda2: weights of L_ft and L_st (equation 3); with lambda1 = 0 there are no translators.
        temperature, alpha: of L_st (equation 2).
        factor_width: channels of the factors.
        factor_reduction, soft_target_reduction: see `losses`.
        teacher_share: see `end_task`; 0 is the paper.
        teacher: a network like the student, to distil from at once; None starts without.
        **learner: further arguments of Learner.
        """
        super().__init__(student, **learner)
        self.teacher = keras.models.clone_model(student) if teacher is None else teacher
        self.teacher.trainable = False
        self.has_factors = self.has_saliency and lambda1 > 0
        if self.has_factors:
            map_size = student.outputs[1].shape[1]
            self.paraphraser, self.teacher_translator = build_paraphraser(map_size, factor_width)
            self.paraphraser.compile(keras.optimizers.Adam(1e-2), loss="mae")
            self.paraphraser.distribute_reduction_method = "first"  # see Learner
            self.paraphraser.optimizer.build(self.paraphraser.trainable_variables)
            self.student_translator = build_translator(map_size, factor_width)
        self.lambda1, self.lambda2 = lambda1, lambda2
        self.temperature, self.alpha = temperature, alpha
        self.factor_reduction, self.soft_target_reduction = factor_reduction, soft_target_reduction
        self.teacher_share = teacher_share
        # A variable, so that the promotion of the first teacher does not trace the train_step again.
        self.has_teacher = tf.Variable(teacher is not None, trainable=False, name="has_teacher")

    @property
    def trained_variables(self):
        translator = self.student_translator.trainable_variables if self.has_factors else []
        return super().trained_variables + translator

    @property
    def saved_variables(self):
        optimizer = self.paraphraser.optimizer.variables if self.has_factors else []
        return [*super().saved_variables, *optimizer]

    def begin_task(self, index, batches):
        error = self.promote(batches) if index else None
        return {**super().begin_task(index, batches), **({} if error is None else {"translator_error": error})}

    def promote(self, batches, epochs=10):
        """Begins a task: the student becomes the frozen teacher and the teacher translator learns its maps.

        Args:
          batches: the new task's training images, as `pipeline.make_dataset` gives them.
          epochs: of the autoencoder's training.

        Returns:
          The autoencoder's L1 reconstruction error after the last epoch; None without factor transfer.
        """
        self.teacher.set_weights(self.student.get_weights())
        error = self.train_teacher_translator(batches, epochs) if self.has_factors else None
        self.has_teacher.assign(True)
        return error

    def train_teacher_translator(self, batches, epochs=10):
        """Trains the autoencoder on the teacher's maps, unsupervised, and starts the student translator from its encoder."""
        maps = tf.concat([as_outputs(self._teach(batch["image"])).saliency for batch in batches], axis=0)
        order = shuffled_passes(len(maps), random.getrandbits(31)).batch(min(32, len(maps)))
        pairs = order.map(lambda indices: (tf.gather(maps, indices),) * 2)
        steps = max(1, len(maps) // 32)
        history = self.paraphraser.fit(pairs, steps_per_epoch=steps, epochs=epochs, verbose=0)
        self.student_translator.set_weights(self.teacher_translator.get_weights())
        return history.history["loss"][-1]

    def end_task(self, examples, make):
        """Ends a task: the student's weights become their average with the teacher's, whose weight is `teacher_share`.

        Not in the paper. After Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022, equation 1: between the
        weights before and after fine-tuning lie models that know both.
        """
        if self.teacher_share and self.has_teacher.numpy():
            for new, old in zip(self.student.variables, self.teacher.variables, strict=True):
                new.assign((1 - self.teacher_share) * new + self.teacher_share * old)

    @tf.function
    def _teach(self, images):
        return self.teacher(images, training=False)

    def terms(self, batch, outputs):
        """Those of equation 3, and the saliency supervision; L_ft and L_st are 0 without a teacher."""
        factor_transfer, soft_target = tf.cond(
            self.has_teacher, lambda: self._distillation_terms(batch["image"], outputs), lambda: (0.0, 0.0)
        )
        return {**super().terms(batch, outputs), "factor_transfer": factor_transfer, "soft_target": soft_target}

    def total(self, terms):
        equation3 = losses.sdkd_loss(
            terms["classification"], terms["factor_transfer"], terms["soft_target"], self.lambda1, self.lambda2
        )
        return equation3 + self.saliency_weight * terms["saliency"]

    def _distillation_terms(self, images, student):
        teacher = as_outputs(self.teacher(images, training=False))
        factor_transfer = 0.0
        if self.has_factors:
            factors = self.teacher_translator(teacher.saliency), self.student_translator(student.saliency)
            factor_transfer = losses.factor_transfer_loss(*factors, self.factor_reduction)
        soft_target = losses.soft_target_loss(
            teacher.logits, student.logits, self.temperature, self.alpha, self.soft_target_reduction
        )
        return factor_transfer, soft_target
