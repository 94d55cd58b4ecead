"""The keras.Model that trains a student against the frozen model of the task before (SDKD paper, figure 4)."""

import tensorflow as tf
import tf_keras as keras

from sdkd_tf import losses
from sdkd_tf.model.backbone import pretrained_variables
from sdkd_tf.model.network import as_outputs
from sdkd_tf.model.translator import build_paraphraser, build_translator


class Distiller(keras.Model):
    """Student, frozen teacher, teacher translator and student translator, and the train_step that joins them.

    The teacher is a copy of the student, made by `promote`. Before the first promotion there is no teacher and the loss
    is L_cls alone (plus saliency supervision).
    """

    def __init__(
        self,
        student,
        lambda1=1.0,
        lambda2=1.0,
        temperature=20.0,
        alpha=0.7,
        saliency_weight=0.0,
        factor_width=8,
        factor_reduction="mean",
        soft_target_reduction="batch",
        teacher=None,
    ):
        """Args:
        student: a network that returns `network.Outputs`; without saliency, L_ft and its supervision are 0.
        lambda1, lambda2: weights of L_ft and L_st (equation 3).
        temperature, alpha: of L_st (equation 2).
        saliency_weight: weight of CPD's supervision of both maps; 0 for the paper's loss.
        factor_width: channels of the factors.
        factor_reduction, soft_target_reduction: see `losses`.
        teacher: a network like the student, to distil from at once; None starts without.
        """
        super().__init__(name="distiller")
        self.student = student
        self.teacher = keras.models.clone_model(student) if teacher is None else teacher
        self.teacher.trainable = False
        self.has_saliency = len(student.outputs) > 1
        if self.has_saliency:
            map_size = student.outputs[1].shape[1]
            self.paraphraser, self.teacher_translator = build_paraphraser(map_size, factor_width)
            self.paraphraser.compile(keras.optimizers.Adam(1e-2), loss="mae")
            self.student_translator = build_translator(map_size, factor_width)
        self.lambda1, self.lambda2 = lambda1, lambda2
        self.temperature, self.alpha = temperature, alpha
        self.saliency_weight = saliency_weight
        self.factor_reduction, self.soft_target_reduction = factor_reduction, soft_target_reduction
        # A variable, so that the promotion of the first teacher does not trace the train_step again.
        self.has_teacher = tf.Variable(teacher is not None, trainable=False, name="has_teacher")
        names = ("loss", "classification", "factor_transfer", "soft_target", "saliency")
        self.trackers = {name: keras.metrics.Mean(name=name) for name in names}
        self.accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")

    def compile(self, optimizer, backbone_optimizer=None):
        """Takes the optimizers; the losses are this class's own.

        Args:
          optimizer: of the parts that start untrained: decoders, refined layer, FC, student translator.
          backbone_optimizer: of the pretrained blocks; None lets `optimizer` train them as well.
        """
        super().compile(optimizer=optimizer)
        self.backbone_optimizer = backbone_optimizer
        variables = self.student.trainable_variables
        if self.has_saliency:
            variables = variables + self.student_translator.trainable_variables
        pretrained = {v.ref() for v in pretrained_variables(self.student)} if backbone_optimizer else set()
        self._parts = [(optimizer, [v for v in variables if v.ref() not in pretrained])]
        if backbone_optimizer:
            self._parts.append((backbone_optimizer, [v for v in variables if v.ref() in pretrained]))
        # Built here, since variables that are created inside the train_step make TensorFlow trace it twice.
        for part, its_variables in self._parts:
            part.build(its_variables)

    @property
    def metrics(self):
        return [*self.trackers.values(), self.accuracy]

    def call(self, images, training=False):
        return self.student(images, training=training)

    def promote(self, dataset, epochs=20):
        """Begins a task: the student becomes the frozen teacher and the teacher translator learns its maps.

        Args:
          dataset: the new task's training images, batches as `pipeline.make_dataset` gives them.
          epochs: of the autoencoder's training.

        Returns:
          The autoencoder's L1 reconstruction error after the last epoch; None for a network without saliency.
        """
        self.teacher.set_weights(self.student.get_weights())
        error = self.train_teacher_translator(dataset, epochs) if self.has_saliency else None
        self.has_teacher.assign(True)
        return error

    def train_teacher_translator(self, dataset, epochs=20):
        """Trains the autoencoder on the teacher's maps, unsupervised, and starts the student translator from its encoder."""
        maps = tf.concat([as_outputs(self._teach(batch["image"])).saliency for batch in dataset], axis=0)
        history = self.paraphraser.fit(maps, maps, epochs=epochs, batch_size=32, verbose=0)
        self.student_translator.set_weights(self.teacher_translator.get_weights())
        return history.history["loss"][-1]

    @tf.function
    def _teach(self, images):
        return self.teacher(images, training=False)

    @tf.autograph.experimental.do_not_convert  # Nothing here is for AutoGraph, whose pass over every layer takes long.
    def train_step(self, batch):
        with tf.GradientTape() as tape:
            student = as_outputs(self.student(batch["image"], training=True))
            terms = self.loss_terms(batch, student)
            loss = losses.sdkd_loss(
                terms["classification"], terms["factor_transfer"], terms["soft_target"], self.lambda1, self.lambda2
            )
            loss += self.saliency_weight * terms["saliency"]
        gradients = tape.gradient(loss, [variables for _, variables in self._parts])
        for (optimizer, variables), part in zip(self._parts, gradients):
            optimizer.apply_gradients((g, v) for g, v in zip(part, variables) if g is not None)
        for name, value in {"loss": loss, **terms}.items():
            self.trackers[name].update_state(value)
        self.accuracy.update_state(batch["label"], student.logits)
        return {metric.name: metric.result() for metric in self.metrics}

    def loss_terms(self, batch, student):
        """The terms of equation 3 before their weights.

        Args:
          batch: as `pipeline.make_dataset` gives it.
          student: the student's Outputs on it.

        Returns:
          A dict of scalars: classification, factor_transfer, soft_target (both 0 without a teacher), saliency.
        """
        classification = keras.losses.sparse_categorical_crossentropy(batch["label"], student.logits, from_logits=True)
        saliency = 0.0
        if self.has_saliency:
            saliency = losses.saliency_loss(
                student.attention_logits, student.detection_logits, batch["mask"], batch["has_mask"]
            )
        factor_transfer, soft_target = tf.cond(
            self.has_teacher, lambda: self._distillation_terms(batch["image"], student), lambda: (0.0, 0.0)
        )
        return {
            "classification": tf.reduce_mean(classification),
            "factor_transfer": factor_transfer,
            "soft_target": soft_target,
            "saliency": saliency,
        }

    def _distillation_terms(self, images, student):
        teacher = as_outputs(self.teacher(images, training=False))
        factor_transfer = 0.0
        if self.has_saliency:
            factors = self.teacher_translator(teacher.saliency), self.student_translator(student.saliency)
            factor_transfer = losses.factor_transfer_loss(*factors, self.factor_reduction)
        soft_target = losses.soft_target_loss(
            teacher.logits, student.logits, self.temperature, self.alpha, self.soft_target_reduction
        )
        return factor_transfer, soft_target
