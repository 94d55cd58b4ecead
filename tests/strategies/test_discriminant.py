"""The FC layer in closed form, against hand-computed values."""

import numpy as np
import pytest

from sdkd_tf.strategies.discriminant import TEMPERATURE, ClassStatistics, oas_shrinkage

rng = np.random.default_rng(0)
LABELS = np.repeat([0, 1, 2], [30, 50, 40])
EMBEDDINGS = rng.normal(size=(120, 5)) @ rng.normal(size=(5, 5)) + 3 * rng.normal(size=(3, 5))[LABELS]


def statistics_of(embeddings, labels, parts=1, classes=3):
    statistics = ClassStatistics(classes, embeddings.shape[1])
    for place in np.array_split(np.arange(len(labels)), parts):
        statistics.add(embeddings[place], labels[place])
    return statistics


def arrays(statistics):
    return [variable.numpy() for variable in (statistics.counts, statistics.means, statistics.scatter)]


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_statistics_do_not_depend_on_how_the_images_are_split_or_ordered(parts):
    order = rng.permutation(len(LABELS))
    means = np.stack([EMBEDDINGS[LABELS == label].mean(axis=0) for label in range(3)])
    deviations = EMBEDDINGS - means[LABELS]
    counts, found, scatter = arrays(statistics_of(EMBEDDINGS[order], LABELS[order], parts))
    np.testing.assert_array_equal(counts, [30, 50, 40])
    np.testing.assert_allclose(found, means, rtol=1e-5)
    np.testing.assert_allclose(scatter, deviations.T @ deviations, rtol=1e-4, atol=1e-3)


def test_two_classes_in_one_dimension():
    """Means 0 and 4, deviations of 1: the border is at 2. The logits are LDA's, x mean / variance, minus their mean."""
    embeddings = np.array([-1.0, 1.0, 3.0, 5.0])[:, None]
    kernel, bias = statistics_of(embeddings, np.array([0, 0, 1, 1]), classes=2).discriminant()
    np.testing.assert_allclose(kernel * TEMPERATURE, [[-1.0, 1.0]], atol=1e-5)  # variance 4 / (4 - 2)
    np.testing.assert_allclose(bias * TEMPERATURE, [2.0, -2.0], atol=1e-4)  # 0 and -mean^2 / variance / 2 = -4


def test_shrinkage_is_that_of_the_formula():
    """Equation 23 of the OAS paper, computed by hand."""
    assert oas_shrinkage(np.eye(4), 100) == 1.0
    covariance = np.diag([1.0, 3.0])
    # ((1 - 1) * 10 + 16) / ((50 + 1 - 1) * (10 - 8))
    assert oas_shrinkage(covariance, 50) == pytest.approx(16 / 100)
    assert oas_shrinkage(covariance, 1) == 1.0


def test_a_class_without_images_is_never_predicted():
    kernel, bias = statistics_of(EMBEDDINGS, LABELS, classes=4).discriminant()
    assert (np.argmax(EMBEDDINGS @ kernel + bias, axis=1) < 3).all()
    assert np.mean(np.argmax(EMBEDDINGS @ kernel + bias, axis=1) == LABELS) > 0.9


def test_few_images_of_many_dimensions_are_no_problem():
    embeddings = rng.normal(size=(6, 50)) + np.repeat(np.eye(50)[:2] * 20, 3, axis=0)
    kernel, bias = statistics_of(embeddings, np.repeat([0, 1], 3), classes=2).discriminant()
    np.testing.assert_array_equal(np.argmax(embeddings @ kernel + bias, axis=1), [0, 0, 0, 1, 1, 1])


def test_statistics_follow_a_change_that_the_images_show():
    """A shift is followed entirely. A slope is halved by the ridge, which is as large as the variance of the images."""
    directions = np.concatenate([np.eye(5), -np.eye(5)])  # the same variance in all directions
    slope, shift = 0.1 * rng.normal(size=(5, 5)), rng.normal(size=5)
    statistics = statistics_of(EMBEDDINGS, LABELS)
    counts, means, scatter = arrays(statistics)
    statistics.move(directions, directions @ (np.eye(5) + slope) + shift)
    matrix = np.eye(5) + slope / 2
    expected = counts, means @ matrix + shift, matrix.T @ scatter @ matrix
    for found, value in zip(arrays(statistics), expected):
        np.testing.assert_allclose(found, value, rtol=1e-4, atol=1e-3)


def test_statistics_stay_where_nothing_changes():
    statistics = statistics_of(EMBEDDINGS, LABELS)
    before = arrays(statistics)
    statistics.move(EMBEDDINGS[:20], EMBEDDINGS[:20])
    for old, new in zip(before, arrays(statistics)):
        np.testing.assert_allclose(new, old, rtol=1e-5)


def test_stored_bytes():
    assert ClassStatistics(20, 448).stored_bytes == 4 * (20 + 20 * 448 + 448 * 449 // 2)


def test_the_distance_is_relative_along_the_axes_of_the_classes_and_plain_across_them():
    """The definition with full matrices, for the same shrunk covariance."""
    statistics = statistics_of(EMBEDDINGS, LABELS, classes=4)  # the last class has no images
    counts, means, scatter = arrays(statistics)
    covariance = scatter / (len(LABELS) - 3)
    deviation = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(deviation, deviation)
    weight = oas_shrinkage(correlation, len(LABELS) - 3)
    within = ((1 - weight) * correlation + weight * np.eye(5)) * np.outer(deviation, deviation)
    center = means[:3].mean(axis=0)
    total = within + (means[:3] - center).T @ (means[:3] - center) / 3
    images = rng.normal(size=(7, 5)) * 4
    nearest = np.min(
        [np.einsum("ij,jk,ik->i", images - m, np.linalg.inv(within), images - m) for m in means[:3]], axis=0
    )
    background = np.einsum("ij,jk,ik->i", images - center, np.linalg.inv(total), images - center)
    whitened, span = (np.linalg.solve(np.linalg.cholesky(within), (x - center).T) for x in (images, means[:3]))
    outside = np.sum((whitened - span @ np.linalg.pinv(span, rcond=1e-5) @ whitened) ** 2, axis=0)
    expected = (nearest - background) / 2 + outside / 5
    np.testing.assert_allclose(statistics.distances(images), expected, rtol=1e-3, atol=1e-3)


def test_a_feature_that_hardly_changes_has_hardly_any_weight():
    """Its class means differ by more than its deviation, but only in rounding errors."""
    dead = 5.0 + 1e-6 * rng.normal(size=(120, 1)) + 1e-5 * LABELS[:, None]
    with_dead, without = statistics_of(np.hstack([EMBEDDINGS, dead]), LABELS), statistics_of(EMBEDDINGS, LABELS)
    logits = np.hstack([EMBEDDINGS, dead]) @ with_dead.discriminant()[0] + with_dead.discriminant()[1]
    expected = EMBEDDINGS @ without.discriminant()[0] + without.discriminant()[1]
    np.testing.assert_allclose(logits, expected, atol=0.05 * np.abs(expected).max())


def test_nearest_mean():
    kernel, bias = statistics_of(EMBEDDINGS, LABELS, classes=4).nearest_mean()  # the last class has no images
    means = np.stack([EMBEDDINGS[LABELS == label].mean(axis=0) for label in range(3)])
    distances = np.linalg.norm(EMBEDDINGS[:, None] - means, axis=2)
    np.testing.assert_array_equal(np.argmax(EMBEDDINGS @ kernel + bias, axis=1), distances.argmin(axis=1))


def test_with_a_single_class_the_distance_is_that_from_its_mean():
    """The mean square after whitening with the covariance, whose correlations are shrunk."""
    embeddings = EMBEDDINGS[:30]
    statistics = statistics_of(embeddings, LABELS[:30])
    deviation, correlation = embeddings.std(axis=0, ddof=1), np.corrcoef(embeddings.T)
    correlation[~np.eye(5, dtype=bool)] *= 1 - oas_shrinkage(correlation, 29)
    centered = (embeddings - embeddings.mean(axis=0)) / deviation
    expected = np.sum(centered * np.linalg.solve(correlation, centered.T).T, axis=1) / 5
    np.testing.assert_allclose(statistics.distances(embeddings), expected, rtol=1e-4)
    statistics.measure_reach(embeddings)
    assert expected.min() < statistics.reach.numpy()[0] <= expected.max() * 1.001
