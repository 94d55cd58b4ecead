"""One sequence: the images of one object in one task and split, with masks and measurements."""

import dataclasses
import io
import pathlib
import tempfile

import numpy as np
from PIL import Image

from sdkd_tf.errors import UserError
from tools.render_benchmark import camera as cameras
from tools.render_benchmark import clutter, exposure, levels, models, occlusion, parts, seeds
from tools.render_benchmark import room as rooms
from tools.render_benchmark.frame import TARGET, Stage, accepts
from tools.render_benchmark.scene import Light, Scene

ROOM = "room"
ATTEMPTS = 100  # per frame
FRESH = 4  # attempts after which the occluder or the distractors are replaced


@dataclasses.dataclass(frozen=True)
class Job:
    """A sequence to render; `task` starts at 1, `quality` is that of the JPEG files, 1 to 95."""

    split: str
    task: int
    object: str
    count: int
    image_size: int
    seed: int
    quality: int

    @property
    def folder(self) -> str:
        """Path of the sequence in the folders of the images and of the masks."""
        return f"{self.split}/task{self.task}/{self.object}"


@dataclasses.dataclass(frozen=True)
class Shot:
    """A finished image: its JPEG file, the PNG file of its mask, and its row of levels.csv."""

    jpeg: bytes
    mask: bytes
    row: dict


class _Director:
    """Renders the frames of one sequence."""

    def __init__(self, job: Job, cache: pathlib.Path, alone: Scene, scene: Scene):
        self.job, self.cache, self.scene = job, cache, scene
        self.rng = seeds.generator(job.seed, "sequence", job.split, job.task, job.object)
        self.factor, self.level = levels.TASKS[job.task - 1]
        self.condition = levels.condition(self.factor, self.level)
        target = parts.load(models.OBJECTS[job.object], cache)
        alone.add(TARGET, target)
        scene.add(TARGET, target)
        self.stage = Stage(alone, scene, target, self.condition)
        self.outline = target.points()
        self.orbit = cameras.draw_orbit(self.rng)

    def surround(self, attempt: int) -> None:
        """Chooses the occluder or the distractors that the task requires, if any."""
        if self.factor == "occlusion" and self.level > 1:
            name = models.OCCLUDERS[int(self.rng.integers(len(models.OCCLUDERS)))]
            model = parts.load(models.DISTRACTORS[name], self.cache)
            scale = occlusion.occluder_scale(self.stage.target, model, self.rng, attempt // FRESH)
            self.stage.set_occluder(model.scaled(scale))
        if self.condition.distractors[1]:
            fewest, most = self.condition.distractors
            count = int(self.rng.integers(fewest, most + 1))
            names = self.rng.permutation(list(models.DISTRACTORS))[:count]
            scale = clutter.distractor_scale(self.stage.target)
            self.stage.set_distractors(
                {str(name): parts.load(models.DISTRACTORS[name], self.cache).scaled(scale) for name in names}
            )

    def shoot(self, index: int, light: Light) -> Shot:
        """Renders one frame; repeats it with other random values until it satisfies the condition of the task.

        Raises:
          UserError: no attempt satisfies it.
        """
        for attempt in range(ATTEMPTS):
            if attempt and attempt % FRESH == 0:
                self.surround(attempt)
            shot = self._attempt(index, attempt, light)
            if shot:
                return shot
        raise UserError(f"{self.job.folder}: no frame fits {self.factor} level {self.level}; try another --seed")

    def _attempt(self, index: int, attempt: int, light: Light) -> Shot | None:
        rng, job = self.rng, self.job
        azimuth, elevation = self.orbit.pose((index + rng.uniform(-0.2, 0.2)) / job.count)
        if attempt:
            elevation = np.radians(rng.uniform(*cameras.ELEVATION))
        low, high = levels.inner(self.condition.side)
        if self.condition.distractors[1]:
            # A slightly smaller object, seen from a lower angle, leaves more of the frame to the distractors.
            high = (low + high) / 2
            lowest = np.radians(cameras.ELEVATION[0])
            elevation = lowest + 0.6 * (elevation - lowest)
        camera = cameras.Camera(
            center=(0.0, 0.0, self.stage.target.size[2] / 2),
            azimuth=azimuth,
            elevation=elevation,
            distance=1.2 * max(self.stage.target.size) / low,
            roll=np.radians(rng.uniform(-6, 6)),
        )
        camera = cameras.frame_object(camera, rng.uniform(low, high), rng.uniform(-0.8, 0.8, 2), self.outline)
        if self.stage.occluder and not self.stage.occlude(camera, rng):
            return None
        if self.stage.distractors and not self.stage.scatter(camera, rng):
            return None
        colors, fractions = self.scene.draw(camera, job.image_size, light)
        measure = self.stage.measure(camera, fractions)
        if not accepts(measure, self.condition):
            return None
        picture = Image.fromarray(exposure.expose(colors, light.level, rng))
        jpeg = _encode(picture, "JPEG", quality=job.quality, optimize=True)
        mean = exposure.mean_luminance(np.asarray(Image.open(io.BytesIO(jpeg))))
        if not light.level.luminance[0] <= mean <= light.level.luminance[1]:
            return None
        _, _, width, height = cameras.box(measure.mask)
        row = {
            "path": f"{job.folder}/{index:03d}.jpg",
            "split": job.split,
            "task": job.task,
            "factor": self.factor,
            "level": self.level,
            "object": job.object,
            "visible_fraction": f"{measure.visible_fraction:.4f}",
            "whole_side": measure.whole_side,
            "box_width": width,
            "box_height": height,
            "object_pixels": int(measure.mask.sum()),
            "distractors": measure.distractors,
            "mean_luminance": f"{mean:.2f}",
        }
        return Shot(jpeg, _encode(Image.fromarray(measure.mask), "PNG"), row)


def _encode(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def render(job: Job, cache: pathlib.Path) -> list[Shot]:
    """Renders a sequence. The files depend only on the job."""
    shots = []
    segments = np.array_split(np.arange(job.count), rooms.SEGMENTS)
    with tempfile.TemporaryDirectory() as folder, Scene() as alone, Scene() as scene:
        director = _Director(job, cache, alone, scene)
        for number, indices in enumerate(segments):
            if not len(indices):
                continue
            room = rooms.draw(job.seed, job.split, job.task, number)
            surfaces = pathlib.Path(folder) / str(number)
            surfaces.mkdir()
            if number:
                scene.remove(ROOM)
            scene.add(ROOM, rooms.surfaces(room, surfaces))
            scene.place(ROOM, 0, 0, room.yaw)
            light = Light(room.light, room.tint, director.condition.illumination)
            director.surround(0)
            shots += [director.shoot(int(index), light) for index in indices]
    return shots
