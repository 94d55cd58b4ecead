"""The output folder: finished sequences, levels.csv, and render.json with the flags."""

import csv
import io
import json
import os
import pathlib
import shutil
import tempfile

from sdkd_tf.errors import UserError
from sdkd_tf.files import atomic_file
from tools.render_benchmark.sequence import Job, Shot

COLUMNS = (
    'path', 'split', 'task', 'factor', 'level', 'object', 'visible_fraction', 'whole_side', 'box_width',
    'box_height', 'object_pixels', 'distractors', 'mean_luminance',
)  # fmt: skip
ROWS = ".rows"  # folder of the rows of finished sequences until levels.csv is written


def claim(out: pathlib.Path, settings: dict) -> None:
    """Creates the folder with render.json, or checks that an existing one was made with the same settings.

    Raises:
      UserError: the folder holds something else or cannot be written.
    """
    path = out / "render.json"
    if path.exists():
        try:
            found = json.loads(path.read_text())
        except ValueError:
            raise UserError(f"{path}: not JSON; expected the flags of the render in --out") from None
        different = [f"--{key}={found.get(key)}" for key in settings if found.get(key) != settings[key]]
        if different:
            raise UserError(f"--out={out} holds a render made with {' '.join(different)}; choose another folder")
        return
    if out.is_dir() and any(out.iterdir()):
        raise UserError(f"--out={out} holds other files and no render.json; expected a new or empty folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
        write(path, json.dumps(settings, indent=2) + "\n")
    except OSError as error:
        raise UserError(f"--out={out} cannot be written: {error.strerror}") from None


def write(path: pathlib.Path, text: str) -> None:
    """Writes a text file atomically."""
    with atomic_file(path, "w") as file:
        file.write(text)


def is_finished(out: pathlib.Path, job: Job) -> bool:
    """Whether the folder holds a complete sequence."""
    return (out / job.folder).is_dir()


def save(out: pathlib.Path, job: Job, shots: list[Shot]) -> None:
    """Writes a sequence. Its image folder is written last, since it marks the sequence as finished."""
    parent = out / ".parts"
    parent.mkdir(exist_ok=True)
    temporary = pathlib.Path(tempfile.mkdtemp(dir=parent))
    for name in ("images", "masks"):
        (temporary / name).mkdir()
    for index, shot in enumerate(shots):
        (temporary / "images" / f"{index:03d}.jpg").write_bytes(shot.jpeg)
        (temporary / "masks" / f"{index:03d}.png").write_bytes(shot.mask)
    rows = out / ROWS / f"{job.folder.replace('/', '-')}.csv"
    rows.parent.mkdir(exist_ok=True)
    write(rows, _format([shot.row for shot in shots]))
    for name, goal in (("masks", out / "masks" / job.folder), ("images", out / job.folder)):
        shutil.rmtree(goal, ignore_errors=True)  # masks of an interrupted run
        goal.parent.mkdir(parents=True, exist_ok=True)
        os.replace(temporary / name, goal)
    temporary.rmdir()


def finish(out: pathlib.Path, jobs: list[Job]) -> None:
    """Writes levels.csv in the order of the jobs and removes temporary files.

    Raises:
      UserError: rows are missing.
    """
    rows: dict[str, dict] = {}
    files = [out / "levels.csv", *sorted((out / ROWS).glob("*.csv"))]
    for path in files:
        if path.exists():
            with path.open(newline="") as file:
                rows.update((row["path"], row) for row in csv.DictReader(file))
    paths = [f"{job.folder}/{index:03d}.jpg" for job in jobs for index in range(job.count)]
    missing = [path for path in paths if path not in rows]
    if missing:
        raise UserError(f"{out / 'levels.csv'}: lacks {missing[0]}; delete its folder and repeat the command")
    write(out / "levels.csv", _format([rows[path] for path in paths]))
    for name in (ROWS, ".parts"):
        shutil.rmtree(out / name, ignore_errors=True)


def _format(rows: list[dict]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
