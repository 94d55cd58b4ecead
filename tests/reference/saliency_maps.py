"""Maps and masks to score, drawn from a fixed seed, so that two environments see the same ones without storing them."""

import numpy as np


def cases():
    """{name: (map, mask)}, uint8 `[h, w]`; masks are 0 or 255."""
    rng = np.random.RandomState(0)  # the old generator: its stream is the same in every version of NumPy

    def noise(shape):
        return rng.randint(0, 256, shape).astype(np.uint8)

    def ellipse(shape, centre, radii):
        rows, columns = np.indices(shape)
        inside = ((rows - centre[0]) / radii[0]) ** 2 + ((columns - centre[1]) / radii[1]) ** 2 <= 1
        return (255 * inside).astype(np.uint8)

    def blend(mask, noise, weight):
        return (weight * mask.astype(int) + (255 - weight) * noise.astype(int)) // 255

    wide, tall = (24, 32), (31, 17)
    middle, corner = ellipse(wide, (11, 14), (6, 9)), ellipse(tall, (28, 15), (8, 5))
    speckle = np.where(noise(wide) > 127, 255, 0)
    pixel = ellipse(wide, (0, 0), (0.5, 0.5))
    black, grey, white = (np.full(wide, value) for value in (0, 77, 255))
    found = {
        "noise on noise": (noise(wide), speckle),
        "good": (blend(middle, noise(wide), 180), middle),
        "fair": (blend(corner, noise(tall), 90), corner),
        "faint, good": (100 + blend(middle, noise(wide), 200) // 8, middle),
        "wrong": (blend(255 - middle, noise(wide), 200), middle),
        "perfect": (middle, middle),
        "inverted": (255 - corner, corner),
        "one pixel": (blend(pixel, noise(wide), 150), pixel),
        "noise, no object": (noise(wide), black),
        "noise, all object": (noise(tall), np.full(tall, 255)),
        "black": (black, middle),
        "white": (white, middle),
        "grey, no object": (grey, black),
        "grey, all object": (grey, white),
    }
    return {name: (saliency.astype(np.uint8), mask.astype(np.uint8)) for name, (saliency, mask) in found.items()}
