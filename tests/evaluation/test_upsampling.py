import numpy as np
import pytest
from PIL import Image

from sdkd_tf.evaluation.upsampling import upsample


def test_halfway_between_two_cells_is_the_mean_of_the_logits():
    # Half-pixel centers: of 4 columns from 2, the inner two lie 1/4 and 3/4 of the way; logits are -2, 2.
    p = 1 / (1 + np.exp(-2.0))
    found = upsample([[1 - p, p]], 1, 4)
    np.testing.assert_allclose(found, 1 / (1 + np.exp([[2.0, 1.0, -1.0, -2.0]])), rtol=1e-5)


def test_same_size_changes_nothing_and_0_and_1_stay_near():
    saliency = np.random.default_rng(0).uniform(0.01, 0.99, (6, 5))
    np.testing.assert_allclose(upsample(saliency, 6, 5), saliency, atol=1e-6)
    np.testing.assert_allclose(upsample([[0.0, 1.0]], 1, 2), [[1 / 512, 1 - 1 / 512]], rtol=1e-4)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_constant_map_stays_constant(value):
    found = upsample(np.full((4, 4), value), 9, 7)
    assert found.shape == (9, 7) and np.ptp(found) < 1e-6


def test_several_maps_at_once_and_pillow_agrees():
    maps = np.random.default_rng(1).uniform(0.05, 0.95, (3, 6, 5)).astype(np.float32)
    expected = []
    for logits in np.log(maps / (1 - maps)):
        stretched = np.asarray(Image.fromarray(logits).resize((17, 20), Image.Resampling.BILINEAR))
        expected.append(1 / (1 + np.exp(-stretched)))
    np.testing.assert_allclose(upsample(maps, 20, 17), expected, atol=1e-6)
