"""Renders the images of the pretraining: random objects on random grounds, with masks of the main object.

No object and no ground appears in the bundled benchmark: the models are others, and the grounds are photographs of
materials or textures drawn with other seeds.
"""

import concurrent.futures
import functools
import io
import multiprocessing
import pathlib
import tempfile

import numpy as np
from PIL import Image
from tqdm import tqdm

from sdkd_tf.deploy.child import die_with_parent
from tools.render_benchmark import camera as cameras
from tools.render_benchmark import catalogue, clutter, exposure, levels, parts, seeds, textures
from tools.render_benchmark import room as rooms
from tools.render_benchmark.frame import AWAY, TARGET
from tools.render_benchmark.scene import Light, Scene

# Places in the furniture catalogue, none of them in `render_benchmark.models`.
OBJECTS = (
    *(f"BlendSwap-CC-0#{n}" for n in (7, 8, 11, 14, 18, 19, 23, 43, 47, 69, 72, 76, 82, 84, 94, 106, 147, 162)),
    *(f"BlendSwap-CC-BY#{n}" for n in (9, 15, 32, 48, 72, 89, 98, 99, 100, 103, 108)),
    *(f"KatorLegaz#{n}" for n in (25, 27, 79)),
    *(f"Scopia#{n}" for n in (70, 120, 197, 206, 262, 264, 267, 355)),
)
MATERIALS = {
    "BlendSwap-CC-0": ("rock2/rock2", "couch2/Fabric_011_COLOR", "couch/Plain001", "rock1/rock01"),
    "BlendSwap-CC-BY": ("sofa3/dark-brown_leather",),
    "KatorLegaz": ("oriental-rug/rug",),
    "Scopia": (
        "bonsai-tree/soil", "stoneGrillDevice/textureStone", "wood_logs/wood_logs_texture", "coffee-table2/little_stones",
        "table-on-trestles/texture-bois", "fireplace2/stones-baked", "round-table/oaktexture", "curtain/beige_pattern",
        "doormat/texturedoormat", "puerta/tilewood", "round-carpet/round-carpet-texture", "child_swing/pine-wood",
        "swimming-pool/swimming-pool-tiles", "folded_clothes/blue-fabric", "hammock/fabricTexture",
        "acacia/leaves-for-twigs-combined", "bowlWithSalad/textureSaladBase", "copperBeech/copperBeechTexture",
    ),
}  # fmt: skip
SIDE = 160  # pixels
FRAMES = 5  # of one object in a row
SIZES = (0.15, 0.9)  # longer side of the object's box, as a fraction of the frame's
ILLUMINATIONS = (
    levels.Illumination(ambient=0.35, diffuse=0.70, specular=0.15, luminance=(95, 190), noise=0),
    levels.Illumination(ambient=0.50, diffuse=0.50, specular=0.10, luminance=(65, 120), noise=2),
    levels.Illumination(ambient=0.60, diffuse=0.40, specular=0.05, luminance=(24, 70), noise=4),
)


@functools.cache  # read once per process, not once per scene
def materials() -> list[np.ndarray]:
    """Returns photographs of materials, uint8 (SIDE, SIDE, 3) each."""
    found = []
    for archive, stems in MATERIALS.items():
        opened = catalogue.open_archive(archive)
        for name in opened.namelist():
            if any(name.rsplit(".", 1)[0].endswith(stem) for stem in stems) and name.lower().endswith(
                (".jpg", ".png", ".jpeg")
            ):
                image = Image.open(io.BytesIO(opened.read(name))).convert("RGB")
                found.append(np.asarray(image.resize((textures.SIDE,) * 2, Image.Resampling.BOX)))
    return found


def _surface(rng: np.random.Generator, photographs: list[np.ndarray], patterns: tuple) -> np.ndarray:
    """Draws a texture: a photograph in another color and scale, or a pattern."""
    if rng.random() < 0.4:
        return textures.draw(rng, patterns)
    image = photographs[int(rng.integers(len(photographs)))].astype(float)
    if rng.random() < 0.5:
        cut = int(rng.integers(textures.SIDE // 4, textures.SIDE))
        y, x = rng.integers(textures.SIDE - cut, size=2)
        image = np.asarray(
            Image.fromarray(image[y : y + cut, x : x + cut].astype(np.uint8)).resize((textures.SIDE,) * 2), float
        )
    image = image * rng.uniform(0.6, 1.3, 3) if rng.random() < 0.7 else image
    return np.clip(image * rng.uniform(0.7, 1.2), 0, 255).astype(np.uint8)


def render(index: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, int]:
    """Renders FRAMES images of one object.

    Returns:
      images uint8 (FRAMES, SIDE, SIDE, 3), masks bool (FRAMES, SIDE, SIDE), the number of the object.
    """
    rng = seeds.generator(seed, "pretraining", index)
    label = index % len(OBJECTS)
    cache = parts.parts_folder()
    target = parts.load(OBJECTS[label], cache)
    images, masks = [], []
    with tempfile.TemporaryDirectory() as folder, Scene() as scene:
        scene.add(TARGET, target)
        photographs = materials()
        room = rooms.Room(
            table=_surface(rng, photographs, textures.TABLE_PATTERNS),
            wall=_surface(rng, photographs, textures.WALL_PATTERNS),
            tile=float(rng.choice([1, 2, 4])),
            light=rooms.draw(seed, "pretraining", index, 0).light,
            tint=tuple(rng.uniform(0.85, 1.0, 3)),
            yaw=float(rng.uniform(0, np.pi / 2)),
        )
        scene.add("room", rooms.surfaces(room, pathlib.Path(folder)))
        scene.place("room", 0, 0, room.yaw)
        others = {}
        if rng.random() < 0.65:
            names = rng.permutation([name for name in OBJECTS if name != OBJECTS[label]])[: int(rng.integers(1, 9))]
            scale = clutter.distractor_scale(target)
            for name in names:
                others[str(name)] = parts.load(str(name), cache).scaled(scale * rng.uniform(0.7, 1.2))
                scene.add(str(name), others[str(name)])
        frames, attempts = 0, 0
        while frames < FRAMES and attempts < 40:
            attempts += 1
            side = rng.uniform(*SIZES)
            camera = cameras.Camera(
                (0.0, 0.0, target.size[2] / 2), rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(5, 70)),
                1.2 * max(target.size) / side, np.radians(rng.uniform(-15, 15)),
            )  # fmt: skip
            camera = cameras.frame_object(camera, side, rng.uniform(-0.8, 0.8, 2), target.points())
            spots = []
            for name, model in others.items():
                spot = clutter.find_spot(camera, model, target, spots and [(s, m) for s, m in spots], rng)
                scene.place(name, *((spot.x, spot.y, spot.yaw) if spot else (AWAY, AWAY, 0)))
                if spot:
                    spots.append((spot, model))
            light = Light(room.light, room.tint, ILLUMINATIONS[int(rng.choice(3, p=(0.5, 0.25, 0.25)))])
            colors, fractions = scene.draw(camera, SIDE, light)
            mask = fractions[TARGET] >= 0.5
            _, _, width, height = cameras.box(mask)
            if max(width, height) < 0.6 * side * SIDE or not 0.008 < mask.mean() < 0.75:
                continue
            if others and max((fractions[name] >= 0.5).mean() for name in others) > 1.2 * mask.mean():
                continue  # the object meant would be ambiguous
            images.append(exposure.expose(colors, light.level, rng))
            masks.append(mask)
            frames += 1
    if not images:
        return np.zeros((0, SIDE, SIDE, 3), np.uint8), np.zeros((0, SIDE, SIDE), bool), label
    return np.stack(images), np.stack(masks), label


def render_all(count: int, workers: int = 2, seed: int = 0) -> dict[str, np.ndarray]:
    """Renders `count` scenes in several processes. Returns arrays image, mask and label."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, context, die_with_parent) as pool:
        results = list(tqdm(pool.map(render, range(count), [seed] * count, chunksize=8), total=count, unit="scene"))
    images, masks, labels = zip(*results, strict=True)
    counts = [len(image) for image in images]
    return {"image": np.concatenate(images), "mask": np.concatenate(masks), "label": np.repeat(labels, counts)}
