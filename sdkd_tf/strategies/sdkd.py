"""Distillation from the frozen model of the previous task: SDKD (SDKD paper, figure 4) and the simpler LwF.

The teacher preserves the features. Class statistics preserve the classes: after each task, SDKD computes the FC layer
from them in closed form.
"""

import dataclasses
import random
from typing import Annotated, Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from sdkd_tf.data.difficulty.rehearsal import Difficulties
from sdkd_tf.data.pipeline import rehearsed, shuffled_passes
from sdkd_tf.data.task_data import TaskData
from sdkd_tf.model.network import Outputs, as_outputs
from sdkd_tf.model.translator import build_paraphraser, build_translator
from sdkd_tf.options import about
from sdkd_tf.strategies import losses
from sdkd_tf.strategies.base import Fc, Strategy, Terms, embedding_of
from sdkd_tf.strategies.discriminant import ClassStatistics

_UNKNOWN = -1e9  # logit of a class that the teacher does not know: its probability is 0


class LwF(Strategy):
    """Learning without Forgetting (Li, Hoiem, ECCV 2016): only soft targets from the model of the previous task.

    Labels mean the same in all tasks here, so there is a single head without warm-up. The soft targets leave out the
    classes that the teacher has not seen. The loss of the LwF paper, the cross-entropy of the softened predictions, has
    the same gradient as the divergence in SDKD's equation 2.

    The teacher is a copy of the student, made when a task begins. The first task has no teacher.
    """

    @dataclasses.dataclass(frozen=True)
    class Options(Strategy.Options):
        """Options of LwF."""

        lambda2: Annotated[float, about("Weight of the soft-target loss (equation 3).", ge=0)] = 0.2
        temperature: Annotated[float, about("T of the soft targets (equation 2).", gt=0)] = 20.0

    term_names = (*Strategy.term_names, "soft_target")

    def __init__(self, student: keras.Model, options: Any = None, teacher: keras.Model | None = None):
        """Args:
        student: a network that returns `network.Outputs`.
        options: an instance of `Options`; None for the defaults.
        teacher: a network like the student, to distill from in the first task; None starts without a teacher.
        """
        super().__init__(student, options)
        self.teacher = keras.models.clone_model(student) if teacher is None else teacher
        self.teacher.trainable = False
        # A variable, so that train_step is not traced again when the first teacher is set.
        self.has_teacher = tf.Variable(teacher is not None, trainable=False, name="has_teacher")
        self.known = tf.Variable(tf.fill([student.outputs[0].shape[1]], teacher is not None), trainable=False)

    def begin_task(self, task: TaskData) -> dict[str, float]:
        numbers = super().begin_task(task)
        if task.index:
            self.promote()
        return numbers

    def promote(self) -> None:
        """The student becomes the frozen teacher."""
        self.teacher.set_weights(self.student.get_weights())
        self.has_teacher.assign(True)

    def terms(self, batch: dict[str, tf.Tensor], outputs: Outputs) -> Terms:
        """The terms of the loss. The distillation terms are 0 without a teacher."""
        names = [name for name in self.term_names if name not in Strategy.term_names]
        images, own = self.taught(batch["image"]), Outputs(*(x if x is None else self.taught(x) for x in outputs))
        distilled = tf.cond(
            self.has_teacher,
            lambda: self.distillation_terms(as_outputs(self.teacher(images, training=False)), own),
            lambda: (0.0,) * len(names),
        )
        return {**super().terms(batch, outputs), **dict(zip(names, distilled, strict=True))}

    def taught(self, values: tf.Tensor) -> tf.Tensor:
        """The values `[n, ...]` of the images that the teacher is asked about, of those `[batch, ...]` of a batch: all."""
        return values

    def distillation_terms(self, teacher: Outputs, student: Outputs) -> tuple[tf.Tensor, ...]:
        """The distillation terms, in the order of `term_names`."""
        target, logits = (tf.where(self.known, outputs.logits, _UNKNOWN) for outputs in (teacher, student))
        return (losses.soft_target_loss(target, logits, self.options.temperature),)

    def end_task(self, task: TaskData) -> None:
        super().end_task(task)
        seen = np.isin(np.arange(self.known.shape[0]), [example.label for example in task.examples])
        self.known.assign(self.known.numpy() | seen)

    def handed_over(self, classes: int) -> None:
        self.known.assign(np.arange(self.known.shape[0]) < classes)

    def total(self, terms: Terms) -> tf.Tensor:
        return super().total(terms) + self.options.lambda2 * terms["soft_target"]


class SDKD(LwF):
    """Distills from the model of the previous task: factor transfer on saliency maps, soft targets on logits.

    When a task begins, the student becomes the frozen teacher, and the teacher translator, an autoencoder, is trained
    on the teacher's maps of the new images. The student translator is trained with the student.

    When a task ends, the statistics of the classes so far follow the change of the embeddings from teacher to student,
    the task's images are added, and the FC layer is computed from them. The trained FC layer, which classifies worse
    but guides the training of the features, returns for the next task.
    """

    @dataclasses.dataclass(frozen=True)
    class Options(LwF.Options):
        """Options of SDKD."""

        lambda1: Annotated[float, about("Weight of the factor-transfer loss (equation 3).", ge=0)] = 1.0
        teacher_share: Annotated[float, about("The teacher's share in the averaged weights; paper: 0.", ge=0, le=1)] = (
            0.5
        )
        rehearsal: Annotated[bool, about("Show half of each batch as hard as earlier images.")] = True
        fc: Fc = "closed_form"

    term_names = (*Strategy.term_names, "factor_transfer", "soft_target")

    def __init__(self, student: keras.Model, options: Any = None, teacher: keras.Model | None = None):
        """Args: see LwF. Without saliency or with lambda1 = 0, there are no translators, and L_ft is 0."""
        super().__init__(student, options, teacher)
        self.has_factors = self.has_saliency and self.options.lambda1 > 0
        if self.has_factors:
            map_size = student.outputs[1].shape[1]
            self.paraphraser, self.teacher_translator = build_paraphraser(map_size)
            self.paraphraser.compile(keras.optimizers.Adam(1e-2), loss="mae")
            self.paraphraser.distribute_reduction_method = "first"  # see Strategy
            self.paraphraser.optimizer.build(self.paraphraser.trainable_variables)
            self.student_translator = build_translator(map_size)
        if self.statistics:
            self.teacher_embedding = embedding_of(self.teacher)
        self.difficulties = Difficulties() if self.options.rehearsal else None

    @property
    def trained_variables(self) -> list[tf.Variable]:
        translator = self.student_translator.trainable_variables if self.has_factors else []
        return super().trained_variables + translator

    @property
    def saved_variables(self) -> list[tf.Variable]:
        optimizer = self.paraphraser.optimizer.variables if self.has_factors else []
        return [*super().saved_variables, *optimizer]

    def begin_task(self, task: TaskData) -> dict[str, float]:
        numbers = super().begin_task(task)
        if task.index and task.epochs and self.has_factors:
            numbers["translator_error"] = self.train_teacher_translator(task.batches())
        return numbers

    def train_teacher_translator(self, batches: tf.data.Dataset, epochs: int = 10) -> float:
        """Trains the autoencoder, unsupervised, on the teacher's maps; its encoder becomes the student translator.

        Args:
          batches: batches of training images from `pipeline.make_dataset`.
          epochs: number of epochs.

        Returns:
          The autoencoder's L1 reconstruction error in the last epoch.
        """
        maps = tf.concat([as_outputs(self._teach(batch["image"])).saliency for batch in batches], axis=0)
        order = shuffled_passes(len(maps), random.getrandbits(31)).batch(min(32, len(maps)))
        pairs = order.map(lambda indices: (tf.gather(maps, indices),) * 2)
        steps = max(1, len(maps) // 32)
        history = self.paraphraser.fit(pairs, steps_per_epoch=steps, epochs=epochs, verbose=0)
        self.student_translator.set_weights(self.teacher_translator.get_weights())
        return float(history.history["loss"][-1])

    @tf.function
    def _teach(self, images: tf.Tensor) -> Any:
        return self.teacher(images, training=False)

    def training_batches(self, task: TaskData) -> tf.data.Dataset:
        """The batches of one epoch; from the second task on, with rehearsal, half of each shows old difficulties."""
        return task.augmented(rows=self.difficulties.known_rows if self.difficulties else None)

    def taught(self, values: tf.Tensor) -> tf.Tensor:
        """Only those of the rehearsed images: the teacher has not learned the conditions of the others."""
        return rehearsed(values) if self.difficulties else values

    def end_task(self, task: TaskData) -> None:
        self.average_weights()
        super().end_task(task)
        if self.difficulties:
            self.difficulties.add(task.batches())

    def average_weights(self) -> None:
        """Averages the weights of student and teacher; `teacher_share` is the share of the teacher.

        Not in the paper. Follows Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022, equation 1:
        models between the weights before and after fine-tuning perform well on both tasks.
        """
        share = self.options.teacher_share
        if share and self.has_teacher.numpy():
            for new, old in zip(self.student.variables, self.teacher.variables, strict=True):
                new.assign((1 - share) * new + share * old)

    def update(self, statistics: ClassStatistics, task: TaskData) -> None:
        """Moves class statistics with the change of the embeddings, and adds a task's images to them.

        The change is seen on augmented images, half of them rehearsed, because these resemble images of other tasks.
        """
        if task.index and task.epochs:
            both = [self._embed_batch_twice(batch["image"]) for batch in self.training_batches(task)]
            statistics.move(*(np.concatenate(embeddings) for embeddings in zip(*both, strict=True)))
        super().update(statistics, task)

    @tf.function(autograph=False)
    def _embed_batch_twice(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Embeddings by the teacher and by the student."""
        return self.teacher_embedding(images, training=False), self.embedding(images, training=False)

    @property
    def kept_variables(self) -> list[tf.Variable]:
        return [*super().kept_variables, *(self.difficulties.variables if self.difficulties else ())]

    @property
    def stored_bytes(self) -> int:
        return super().stored_bytes + (self.difficulties.stored_bytes if self.difficulties else 0)

    def distillation_terms(self, teacher: Outputs, student: Outputs) -> tuple[tf.Tensor, ...]:
        factor_transfer = 0.0
        if self.has_factors:
            factors = self.teacher_translator(teacher.saliency), self.student_translator(student.saliency)
            factor_transfer = losses.factor_transfer_loss(*factors)
        return (factor_transfer, *super().distillation_terms(teacher, student))

    def total(self, terms: Terms) -> tf.Tensor:
        """Equation 3 and the saliency supervision."""
        options = self.options
        equation3 = losses.sdkd_loss(
            terms["classification"], terms["factor_transfer"], terms["soft_target"], options.lambda1, options.lambda2
        )
        return equation3 + options.saliency_weight * terms["saliency"]
