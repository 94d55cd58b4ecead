"""Standard metrics of saliency maps against object masks.

Maps and masks are `[h, w]`. Maps are in [0, 1]; a mask marks the object where it is above 0.5. A curve has one value
for each threshold t = 0..255; a pixel counts as salient if floor(255 * map) >= t. The values equal those of
pysodmetrics (https://github.com/lartpang/PySODMetrics) wherever that does not return nan.
"""

from collections.abc import Iterable

import numpy as np

BETA_SQUARED = 0.3  # weights precision over recall, as is customary since Achanta et al. (CVPR 2009)


def saliency_scores(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Scores a data set.

    Every map is first stretched to [0, 1], as in CPD's test code and pysodmetrics. These scores thus do not distinguish
    a confident map from a faint one, while `mean_absolute_error` does. Curves are averaged over the images before the
    maximum is taken: one threshold for the whole data set. (CPD's script averages precision and recall instead.)

    Args:
      pairs: an iterable of (map, mask).

    Returns:
      {`mae`, `max_f`, `s_measure`, `mean_e`, `max_e`} -> float; mean and max are over the thresholds.

    Raises:
      ValueError: there is no pair, the shapes differ, or a map is not in [0, 1].
    """
    rows = []
    for saliency, mask in pairs:
        saliency, mask = _checked(saliency, mask)
        scores = (mean_absolute_error, f_measure_curve, s_measure, e_measure_curve)
        rows.append([score(stretch(saliency), mask) for score in scores])
    if not rows:
        raise ValueError("there is no map to score")
    mae, f, s, e = (np.mean(column, axis=0) for column in zip(*rows))
    means = {"mae": mae, "max_f": f.max(), "s_measure": s, "mean_e": e.mean(), "max_e": e.max()}
    return {name: float(value) for name, value in means.items()}


def stretch(saliency: np.ndarray) -> np.ndarray:
    """Stretches a map linearly to [0, 1]; a constant map is returned unchanged."""
    saliency = np.asarray(saliency, np.float64)
    low, high = saliency.min(), saliency.max()
    return (saliency - low) / (high - low) if high > low else saliency


def mean_absolute_error(saliency: np.ndarray, mask: np.ndarray) -> float:
    """MAE (Perazzi et al., CVPR 2012): mean absolute difference of a map in [0, 1] and a mask of the same shape."""
    saliency, mask = np.asarray(saliency, np.float64), np.asarray(mask, np.float64)
    if saliency.shape != mask.shape:
        raise ValueError(f"map has shape {saliency.shape}, mask {mask.shape}; expected the same")
    return float(np.mean(np.abs(saliency - mask)))


def f_measure_curve(saliency: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """F-beta = (1 + b) P R / (b P + R), b = 0.3, at every threshold: `[256]`; 0 where the object is missed entirely."""
    found, hits, objects = _counts(*_checked(saliency, mask))
    # F with P = hits / found and R = hits / objects inserted; the maximum avoids 0 / 0.
    return (1 + BETA_SQUARED) * hits / np.maximum(BETA_SQUARED * objects + found, BETA_SQUARED)


def e_measure_curve(saliency: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Enhanced-alignment measure (Fan et al., IJCAI 2018) at every threshold: `[256]`.

    Subtracting the means from the binary map and the mask gives x and y. The alignment of a pixel is
    a = 2 x y / (x^2 + y^2), its score (1 + a)^2 / 4. For an empty mask, the score is the fraction of pixels that are
    not salient; for a full mask, the fraction of those that are. Sums are divided by h * w - 1, as in the authors' code
    (h * w in the paper), so a perfect map scores slightly above 1.
    """
    saliency, mask = _checked(saliency, mask)
    found, hits, objects = _counts(saliency, mask)
    n = mask.size
    if objects == 0:
        return (n - found) / (n - 1)
    if objects == n:
        return found / (n - 1)
    pixels = {(1, 1): hits, (1, 0): found - hits, (0, 1): objects - hits, (0, 0): n - found - objects + hits}
    total = np.zeros(256)
    for (salient, is_object), count in pixels.items():
        x, y = salient - found / n, is_object - objects / n
        total += count * (1 + 2 * x * y / (x**2 + y**2)) ** 2 / 4
    return total / (n - 1)


def s_measure(saliency: np.ndarray, mask: np.ndarray, alpha: float = 0.5) -> float:
    """Structure measure (Fan et al., ICCV 2017): alpha * object + (1 - alpha) * region similarity, at least 0.

    For an empty mask it is 1 - the map's mean, for a full mask the map's mean. If the object's center of mass lies in
    the last row or column, empty quadrants are ignored; pysodmetrics returns nan in this case.
    """
    saliency, mask = _checked(saliency, mask)
    share = mask.mean()
    if share in (0, 1):
        return float(1 - np.abs(saliency - share).mean())
    objects = share * _object_similarity(saliency[mask]) + (1 - share) * _object_similarity(1 - saliency[~mask])
    # The four quadrants around the object's center of mass, whose row and column belong to the upper left one.
    y, x = np.argwhere(mask).mean(axis=0).round().astype(int) + 1
    quadrants = [np.s_[rows, columns] for rows in (np.s_[:y], np.s_[y:]) for columns in (np.s_[:x], np.s_[x:])]
    windows = [(saliency[q], mask[q]) for q in quadrants if mask[q].size]
    regions = sum(window[1].size / mask.size * _region_similarity(*window) for window in windows)
    return max(0.0, float(alpha * objects + (1 - alpha) * regions))


def _object_similarity(values: np.ndarray) -> float:
    """2 m / (m^2 + 1 + s) for mean m and standard deviation s of values that should be 1."""
    return 2 * values.mean() / (values.mean() ** 2 + 1 + np.sqrt(_covariance(values, values)))


def _region_similarity(saliency: np.ndarray, mask: np.ndarray) -> float:
    """Structural similarity of a window of map and mask; 1 if both are constant, 0 if only one of them is."""
    x, y = saliency.mean(), mask.mean()
    contrast = (x**2 + y**2) * (_covariance(saliency, saliency) + _covariance(mask, mask))
    if contrast == 0:
        return 1.0
    return 4 * x * y * _covariance(saliency, mask) / contrast


def _covariance(a: np.ndarray, b: np.ndarray) -> float:
    """Sample covariance of two arrays of the same shape; exactly 0 for a single value or a constant array."""
    a, b = (np.ravel(values).astype(np.float64) for values in (a, b))
    # Means have rounding errors; after subtracting its first value, a constant array is exactly 0.
    a, b = a - a[0], b - b[0]
    return np.sum((a - a.mean()) * (b - b.mean())) / max(1, a.size - 1)


def _counts(saliency: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Counts (salient pixels `[256]`, salient pixels on the object `[256]`, pixels of the object)."""
    levels = (saliency * 255).astype(np.uint8)

    def at_least(values: np.ndarray) -> np.ndarray:
        return np.bincount(values, minlength=256)[::-1].cumsum()[::-1]

    return at_least(levels.ravel()), at_least(levels[mask]), int(np.count_nonzero(mask))


def _checked(saliency: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    saliency, mask = np.asarray(saliency, np.float64), np.asarray(mask) > 0.5
    if saliency.shape != mask.shape or saliency.ndim != 2:
        raise ValueError(f"map has shape {saliency.shape}, mask {mask.shape}; expected the same [h, w]")
    if not (saliency.min() >= 0 and saliency.max() <= 1):
        raise ValueError(f"map has values in [{saliency.min()}, {saliency.max()}]; expected [0, 1]")
    return saliency, mask
