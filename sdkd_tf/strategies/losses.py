"""The losses of SDKD (paper, equations 1-3) and CPD's saliency loss, one function each."""

import tensorflow as tf


def factor_transfer_loss(teacher_factor: tf.Tensor, student_factor: tf.Tensor) -> tf.Tensor:
    """Equation 1, after Factor Transfer (Kim, Park, Kwak, NeurIPS 2018): L1 distance of L2-normalized factors.

        L_ft = || F_T / ||F_T||_2 - F_S / ||F_S||_2 ||_1

    Args:
      teacher_factor, student_factor: `[batch, h, w, m]`, normalized over all but the batch. A factor of norm 0 is kept.

    Returns:
      A scalar, at least 0: the mean over the elements of a factor, as in Factor Transfer's code, and over the batch.
      Taken literally, the equation is a sum over the h * w * m elements; for that, multiply lambda1 by their number. No
      gradient flows into the teacher's factor.
    """
    teacher = tf.math.l2_normalize(_flat(tf.stop_gradient(teacher_factor)), axis=1)
    student = tf.math.l2_normalize(_flat(student_factor), axis=1)
    return tf.reduce_mean(tf.reduce_mean(tf.abs(teacher - student), axis=1))


def soft_target_loss(
    teacher_logits: tf.Tensor, student_logits: tf.Tensor, temperature: float = 20.0, alpha: float = 0.7
) -> tf.Tensor:
    """Equation 2: divergence of the student's softened prediction from the teacher's.

        L_st = KL(softmax(o_t / T) || softmax(o_s / T)) * T * T * 2 * alpha

    The paper writes KL(o_s, o_t). The direction here is that of the usual implementation with this factor: the teacher
    is the target, and both predictions are softened.

    Args:
      teacher_logits, student_logits: `[batch, classes]`.
      temperature: T, above 0.
      alpha: constant factor, at least 0; 0.7 in the paper.

    Returns:
      A scalar, at least 0: the sum over classes, averaged over the batch. No gradient flows into the teacher's logits.
    """
    teacher = tf.stop_gradient(teacher_logits) / temperature
    student = student_logits / temperature
    elements = tf.nn.softmax(teacher) * (tf.nn.log_softmax(teacher) - tf.nn.log_softmax(student))
    return tf.reduce_mean(tf.reduce_sum(elements, axis=1)) * (temperature * temperature * 2.0 * alpha)


def sdkd_loss(
    classification: tf.Tensor,
    factor_transfer: tf.Tensor,
    soft_target: tf.Tensor,
    lambda1: float = 1.0,
    lambda2: float = 1.0,
) -> tf.Tensor:
    """Equation 3: L = L_cls + lambda1 * L_ft + lambda2 * L_st."""
    return classification + lambda1 * factor_transfer + lambda2 * soft_target


def saliency_loss(
    attention_logits: tf.Tensor, detection_logits: tf.Tensor, mask: tf.Tensor, has_mask: tf.Tensor
) -> tf.Tensor:
    """CPD's supervision (Wu, Su, Huang, CVPR 2019, equation 4): cross-entropy of both maps against the object mask.

    Args:
      attention_logits, detection_logits: `[batch, h, w, 1]`, upsampled by this function to the size of the mask.
      mask: `[batch, H, W, 1]`, 0 or 1.
      has_mask: `[batch]`, 1, or 0 to ignore an image.

    Returns:
      A scalar: the sum over the two maps, averaged over pixels and over the images that have a mask; 0 without any.
    """
    total = 0.0
    for logits in (attention_logits, detection_logits):
        logits = tf.image.resize(logits, tf.shape(mask)[1:3])
        pixels = tf.nn.sigmoid_cross_entropy_with_logits(labels=mask, logits=logits)
        per_image = tf.reduce_mean(pixels, axis=(1, 2, 3))
        total += tf.math.divide_no_nan(tf.reduce_sum(per_image * has_mask), tf.reduce_sum(has_mask))
    return total


def _flat(x: tf.Tensor) -> tf.Tensor:
    return tf.reshape(x, [tf.shape(x)[0], -1])
