"""One frame of a sequence: places the occluder or the distractors, and measures the result."""

import dataclasses

import numpy as np

from tools.render_benchmark import camera as cameras
from tools.render_benchmark import clutter, levels, occlusion
from tools.render_benchmark.camera import Camera
from tools.render_benchmark.parts import Model
from tools.render_benchmark.scene import Scene

LOW = 128  # pixels: side of the frame in which positions are searched
TARGET, OCCLUDER = "target", "occluder"
AWAY = 50.0  # meters: distance of bodies that are out of use
ROUNDS = 14  # attempts at placing the distractors


@dataclasses.dataclass(frozen=True)
class Measure:
    """Properties of a frame, measured from masks at the full resolution.

    Attributes:
      mask: the visible pixels of the object.
      visible_fraction: of the object's pixels, in [0, 1].
      whole_side: longer side of the bounding box of the whole object, hidden parts included, in pixels.
      distractors: number of visible distractors.
      inside: whether the whole object lies within the frame.
    """

    mask: np.ndarray
    visible_fraction: float
    whole_side: int
    distractors: int
    inside: bool


class Stage:
    """The object during one segment, with an occluder, with distractors, or with neither."""

    def __init__(self, alone: Scene, scene: Scene, target: Model, condition: levels.Condition):
        self.alone = alone  # only the object and the occluder, which is fast to draw
        self.scene = scene  # everything
        self.target = target
        self.condition = condition
        self.occluder: Model | None = None
        self.distractors: dict[str, Model] = {}
        self._spots: dict[str, clutter.Spot] = {}

    def set_occluder(self, model: Model) -> None:
        """Replaces the occluder in both scenes."""
        for scene in (self.alone, self.scene):
            if self.occluder:
                scene.remove(OCCLUDER)
            scene.add(OCCLUDER, model)
        self.occluder = model

    def set_distractors(self, models: dict[str, Model]) -> None:
        """Replaces the distractors; the new ones have no spots yet."""
        for name in self.distractors:
            self.scene.remove(name)
        for name, model in models.items():
            self.scene.add(name, model)
            self.scene.place(name, AWAY, AWAY, 0)
        self.distractors = dict(models)
        self._spots = {}

    def silhouette(self, camera: Camera) -> np.ndarray:
        """Returns the mask of the whole object (LOW, LOW)."""
        self._place_occluder(AWAY, AWAY, 0)
        return self.alone.segment(camera, LOW)[TARGET]

    def occlude(self, camera: Camera, rng: np.random.Generator) -> bool:
        """Places the occluder so that the hidden fraction is about in the middle of the condition's range.

        Returns:
          Whether it succeeded.
        """
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
        """Gives every distractor a spot where it is visible and hides little of the object.

        Returns:
          Whether it succeeded.
        """
        whole = self.silhouette(camera)
        # There is less room for many distractors, so fewer pixels of each have to be visible.
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

    def measure(self, camera: Camera, fractions: dict[str, np.ndarray]) -> Measure:
        """Measures a drawn frame.

        Args:
          camera: the camera of the frame.
          fractions: name of a body -> fraction of each pixel that it covers, (side, side) in [0, 1].
        """
        size = len(fractions[TARGET])
        if self.occluder:
            self.alone.place(OCCLUDER, AWAY, AWAY, 0)
        mask = fractions[TARGET] >= 0.5
        whole = mask
        if self.occluder or self.distractors:
            whole = self.alone.coverage(camera, size, TARGET) >= 0.5
        left, top, width, height = cameras.box(whole)
        fewest = levels.min_pixels(size)
        return Measure(
            mask=mask,
            visible_fraction=float((mask & whole).sum() / max(whole.sum(), 1)),
            whole_side=max(width, height),
            distractors=sum(int((fractions[name] >= 0.5).sum() >= fewest) for name in self.distractors),
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
