"""The camera: its orbit around the object, and the distance at which the object has a given size in the frame."""

import dataclasses

import numpy as np

FIELD_OF_VIEW = 50.0  # degrees
NEAR, FAR = 0.02, 8.0  # meters
ELEVATION = (15.0, 45.0)  # degrees
MAX_DISTANCE = 1.75  # meters; keeps the camera inside the walls


@dataclasses.dataclass(frozen=True)
class Camera:
    """A camera that looks at a point.

    Attributes:
      center: the point, in meters.
      azimuth, elevation: direction from the center to the camera, in radians.
      distance: from the center to the camera, in meters.
      roll: in radians.
      shift: translation of the image (right, down), in fractions of the frame's side.
    """

    center: tuple[float, float, float]
    azimuth: float
    elevation: float
    distance: float
    roll: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)

    @property
    def toward(self) -> np.ndarray:
        """The unit vector from the center to the camera."""
        flat = np.cos(self.elevation)
        return np.array([np.cos(self.azimuth) * flat, np.sin(self.azimuth) * flat, np.sin(self.elevation)])

    def view(self) -> list[float]:
        """Returns the 4 x 4 view matrix, column by column."""
        back = self.toward
        eye = np.array(self.center) + self.distance * back
        right = np.cross([0.0, 0.0, 1.0], back)
        right /= np.linalg.norm(right)
        up = np.cross(back, right)
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        rows = np.stack([cos * right + sin * up, cos * up - sin * right, back])
        matrix = np.eye(4)
        matrix[:3, :3] = rows
        matrix[:3, 3] = -rows @ eye
        return matrix.T.ravel().tolist()

    def projection(self) -> list[float]:
        """Returns the 4 x 4 projection matrix of a square frame, column by column."""
        focal = 1 / np.tan(np.radians(FIELD_OF_VIEW) / 2)
        matrix = np.zeros((4, 4))
        matrix[0, 0] = matrix[1, 1] = focal
        matrix[0, 2], matrix[1, 2] = -2 * self.shift[0], 2 * self.shift[1]
        matrix[2, 2] = -(FAR + NEAR) / (FAR - NEAR)
        matrix[2, 3] = -2 * FAR * NEAR / (FAR - NEAR)
        matrix[3, 2] = -1
        return matrix.T.ravel().tolist()


@dataclasses.dataclass(frozen=True)
class Orbit:
    """The path of the camera around the object during one sequence; angles in radians."""

    phase: float
    sweep: float
    tilt_phase: float
    tilt_turns: float

    def pose(self, fraction: float) -> tuple[float, float]:
        """Returns (azimuth, elevation) after a fraction of the sequence, in [0, 1]."""
        low, high = np.radians(ELEVATION)
        wave = 0.5 + 0.42 * np.sin(self.tilt_phase + 2 * np.pi * self.tilt_turns * fraction)
        return self.phase + self.sweep * fraction, low + (high - low) * wave


def draw_orbit(rng: np.random.Generator) -> Orbit:
    """Draws an orbit of 260 to 330 degrees in either direction."""
    return Orbit(
        phase=rng.uniform(0, 2 * np.pi),
        sweep=np.radians(rng.uniform(260, 330)) * rng.choice([-1, 1]),
        tilt_phase=rng.uniform(0, 2 * np.pi),
        tilt_turns=rng.uniform(0.6, 1.6),
    )


def box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Returns the bounding box (left, top, width, height) of a mask's true pixels, all 0 if there are none."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(columns):
        return 0, 0, 0, 0
    left, top = int(columns[0]), int(rows[0])
    return left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1


def projected_box(camera: Camera, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the bounding box of projected points.

    Args:
      camera: the camera.
      points: (n, 3), in meters.

    Returns:
      The upper left and the lower right corner as (right, down), measured from the center of the frame in fractions of
      its side.
    """
    view = np.array(camera.view()).reshape(4, 4).T
    seen = points @ view[:3, :3].T + view[:3, 3]
    depth = np.maximum(-seen[:, 2], NEAR)
    focal = 1 / np.tan(np.radians(FIELD_OF_VIEW) / 2)
    right, down = focal * seen[:, 0] / depth / 2, -focal * seen[:, 1] / depth / 2
    return (np.array([right.min(), down.min()]) + camera.shift, np.array([right.max(), down.max()]) + camera.shift)


def frame_object(camera: Camera, side: float, jitter: np.ndarray, points: np.ndarray) -> Camera:
    """Moves the camera so that the object has a given size and place in the frame.

    Args:
      camera: a camera that looks at the object.
      side: the longer side of the object's bounding box, as a fraction of the frame's side.
      jitter: (right, down) in [-1, 1], displacement of the box from the center, as a fraction of the free space.
      points: (n, 3), points of the object in meters.

    Returns:
      A camera with another distance and shift.
    """
    for _ in range(6):
        low, high = projected_box(camera, points)
        distance = camera.distance * float(np.clip((high - low).max() / side, 0.4, 2.5))
        camera = dataclasses.replace(camera, distance=min(distance, MAX_DISTANCE))
    low, high = projected_box(camera, points)
    free = np.maximum(0.5 - (high - low) / 2 - 0.03, 0)
    shift = jitter * free - (low + high) / 2
    return dataclasses.replace(camera, shift=(float(shift[0]), float(shift[1])))
