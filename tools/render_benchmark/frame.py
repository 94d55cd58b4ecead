"""One frame of a sequence: solve the camera and the things around the object, draw, measure."""

import dataclasses

import numpy as np

from tools.render_benchmark import camera as cameras
from tools.render_benchmark import clutter, levels, occlusion
from tools.render_benchmark.camera import Camera
from tools.render_benchmark.parts import Model
from tools.render_benchmark.scene import Scene

LOW = 128  # pixels: the frame in which places are solved
TARGET, OCCLUDER = "target", "occluder"
AWAY = 50.0  # metres: where a distractor waits that has no spot
ROUNDS = 14  # of placing distractors


@dataclasses.dataclass(frozen=True)
class Measure:
    """Values measured from masks at the full resolution; lengths in pixels, mask of the visible object."""

    mask: np.ndarray
    visible_fraction: float
    whole_side: int
    distractors: int
    inside: bool  # the whole object lies within the frame


class Stage:
    """The object with what stands around it during one segment: an occluder or distractors, or neither."""

    def __init__(self, alone: Scene, scene: Scene, target: Model, condition: levels.Condition):
        self.alone = alone  # holds the object and the occluder, so it draws fast
        self.scene = scene  # holds everything
        self.target = target
        self.condition = condition
        self.occluder: Model | None = None
        self.distractors: dict[str, Model] = {}
        self._spots: dict[str, clutter.Spot] = {}

    def set_occluder(self, model: Model) -> None:
        """Puts another occluder into both scenes."""
        for scene in (self.alone, self.scene):
            if self.occluder:
                scene.remove(OCCLUDER)
            scene.add(OCCLUDER, model)
        self.occluder = model

    def set_distractors(self, models: dict[str, Model]) -> None:
        """Replaces the distractors, none of which has a spot yet."""
        for name in self.distractors:
            self.scene.remove(name)
        for name, model in models.items():
            self.scene.add(name, model)
            self.scene.place(name, AWAY, AWAY, 0)
        self.distractors = dict(models)
        self._spots = {}

    def silhouette(self, camera: Camera) -> np.ndarray:
        """Returns the whole object's mask at the low resolution."""
        self._place_occluder(AWAY, AWAY, 0)
        return self.alone.segment(camera, LOW)[TARGET]

    def occlude(self, camera: Camera, rng: np.random.Generator) -> bool:
        """Places the occluder so that it hides a share from the middle of the range; False if it cannot."""
        occluder = self.occluder
        goal = rng.uniform(*levels.inner(self.condition.hidden, 0.4))
        whole = self.silhouette(camera).sum()
        side = rng.choice([-1, 1])
        yaw = camera.azimuth + rng.choice([0, np.pi / 2, np.pi]) + rng.uniform(-0.15, 0.15)

        def hidden_at(offset: float) -> float:
            x, y = occlusion.position(camera, self.target, occluder, yaw, side * offset)
            self._place_occluder(x, y, yaw)
            return 1 - self.alone.segment(camera, LOW)[TARGET].sum() / max(whole, 1)

        widest = self.target.radius + occluder.radius
        return occlusion.solve_offset(hidden_at, goal, widest) is not None

    def scatter(self, camera: Camera, rng: np.random.Generator) -> bool:
        """Gives every distractor a spot where it shows and hides little; False if that fails."""
        whole = self.silhouette(camera)
        # Few distractors must show more of themselves than many, for which there is less room.
        fewest = levels.min_pixels(LOW) * (6 if len(self.distractors) <= 4 else 2)
        hideable = 0.8 * self.condition.hidden[1] * whole.sum()
        for _ in range(ROUNDS):
            for name, model in self.distractors.items():
                if name in self._spots:
                    continue
                others = [(spot, self.distractors[other]) for other, spot in self._spots.items()]
                spot = clutter.find_spot(camera, model, self.target, others, rng)
                if spot:
                    self._spots[name] = spot
                    self.scene.place(name, spot.x, spot.y, spot.yaw)
            masks = self.scene.segment(camera, LOW)
            hiding = {name: int((masks[name] & whole).sum()) for name in self.distractors}
            bad = {name for name in self._spots if masks[name].sum() < fewest}
            if sum(hiding.values()) > hideable:
                bad |= {name for name, count in hiding.items() if count > hideable / 4}
            if not bad and len(self._spots) == len(self.distractors):
                return True
            for name in bad:
                del self._spots[name]
                self.scene.place(name, AWAY, AWAY, 0)
        return False

    def measure(self, camera: Camera, shares: dict[str, np.ndarray]) -> Measure:
        """Measures a drawn frame from the share of each pixel that each body covers."""
        size = len(shares[TARGET])
        if self.occluder:
            self.alone.place(OCCLUDER, AWAY, AWAY, 0)
        mask = shares[TARGET] >= 0.5
        whole = mask
        if self.occluder or self.distractors:
            whole = self.alone.coverage(camera, size, TARGET) >= 0.5
        left, top, width, height = cameras.box(whole)
        fewest = levels.min_pixels(size)
        return Measure(
            mask=mask,
            visible_fraction=float((mask & whole).sum() / max(whole.sum(), 1)),
            whole_side=max(width, height),
            distractors=sum(int((shares[name] >= 0.5).sum() >= fewest) for name in self.distractors),
            inside=left > 0 and top > 0 and left + width < size and top + height < size,
        )

    def _place_occluder(self, x: float, y: float, yaw: float) -> None:
        if self.occluder:
            for scene in (self.alone, self.scene):
                scene.place(OCCLUDER, x, y, yaw)


def accepts(measure: Measure, condition: levels.Condition) -> bool:
    """Whether a measured frame satisfies the condition."""
    low, high = condition.hidden
    side = measure.whole_side / len(measure.mask)
    fewest, most = condition.distractors
    return (
        measure.inside
        and low <= 1 - measure.visible_fraction <= high
        and condition.side[0] <= side <= condition.side[1]
        and fewest <= measure.distractors <= most
    )
