"""Renders a tiny benchmark; needs pybullet, trimesh and the models of the Debian package."""

import collections
import csv
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("pybullet")
pytest.importorskip("trimesh")

from tools.render_benchmark import camera as cameras
from tools.render_benchmark import catalogue, contact_sheet, levels, output, run

pytestmark = pytest.mark.skipif(
    not all((catalogue.ARCHIVES / f"{name}.sh3f").exists() for name in catalogue.LICENSES),
    reason="the Debian package sweethome3d-furniture is not installed",
)

SETTINGS = {
    "first": 1,
    "objects": 1,
    "image_size": 128,
    "train": 2,
    "validation": 1,
    "test": 1,
    "seed": 3,
    "quality": 85,
}


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def rendered(tmp_path_factory, cache):
    out = tmp_path_factory.mktemp("render") / "out"
    run.render(out, SETTINGS, workers=2)
    return out


@pytest.fixture(scope="module")
def rows(rendered):
    with (rendered / "levels.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_objects_are_those_from_the_first_on():
    jobs = run.list_jobs({**SETTINGS, "first": 21, "objects": 2})
    assert [job.object for job in jobs[:3]] == ["radio_01", "toaster_01", "radio_01"]


def test_layout(rendered, rows):
    assert sorted(path.name for path in rendered.iterdir()) == sorted(
        ["ATTRIBUTION.md", "levels.csv", "masks", "render.json", "test", "train", "validation"]
    )
    assert len(rows) == 12 * 4
    assert {row["path"] for row in rows} == {path for path in contents(rendered) if path.endswith(".jpg")}
    assert collections.Counter(row["split"] for row in rows) == {"train": 24, "validation": 12, "test": 12}


def test_measured_levels_lie_in_the_ranges_of_the_table(rows):
    for row in rows:
        condition = levels.condition(row["factor"], int(row["level"]))
        hidden = 1 - float(row["visible_fraction"])
        assert condition.hidden[0] - 1e-4 <= hidden <= condition.hidden[1] + 1e-4, row
        assert condition.side[0] <= int(row["whole_side"]) / 128 <= condition.side[1], row
        assert condition.distractors[0] <= int(row["distractors"]) <= condition.distractors[1], row
        low, high = condition.illumination.luminance
        assert low <= float(row["mean_luminance"]) <= high, row


def test_masks_match_the_rows(rendered, rows):
    for row in rows:
        with Image.open((rendered / "masks" / row["path"]).with_suffix(".png")) as image:
            assert image.mode == "1" and image.size == (128, 128)
            mask = np.asarray(image)
        assert cameras.box(mask)[2:] == (int(row["box_width"]), int(row["box_height"]))
        assert mask.sum() == int(row["object_pixels"])


def test_a_run_interrupted_and_resumed_gives_the_same_bytes(rendered, tmp_path):
    out = tmp_path / "out"
    output.claim(out, SETTINGS)
    jobs = run.list_jobs(SETTINGS)
    # What an interruption leaves: two finished sequences, and the masks and a part of another.
    for job in (jobs[0], jobs[-1]):
        shutil.copytree(rendered / job.folder, out / job.folder)
        shutil.copytree(rendered / "masks" / job.folder, out / "masks" / job.folder)
    (out / output.ROWS).mkdir()
    lines = (rendered / "levels.csv").read_text().splitlines(keepends=True)
    kept = [line for line in lines if line.startswith((jobs[0].folder, jobs[-1].folder))]
    (out / output.ROWS / "kept.csv").write_text("".join(lines[:1] + kept))
    stale = out / "masks" / jobs[1].folder
    stale.mkdir(parents=True)
    (stale / "000.png").write_bytes(b"")
    (out / ".parts" / "stopped").mkdir(parents=True)
    run.render(out, SETTINGS, workers=1)
    assert contents(out) == contents(rendered)


def test_a_finished_render_is_left_alone(rendered):
    before = {path: path.stat().st_mtime_ns for path in rendered.rglob("*.jpg")}
    run.render(rendered, SETTINGS, workers=1)
    assert {path: path.stat().st_mtime_ns for path in rendered.rglob("*.jpg")} == before


def test_attribution_names_every_model(rendered):
    text = (rendered / "ATTRIBUTION.md").read_text()
    assert "mug_01 | Coffee mug | Kator Legaz | KatorLegaz#28 | [CC BY 3.0 US]" in text
    assert text.count("distractor: ") == len(run.models.DISTRACTORS)


def test_contact_sheet_has_a_row_for_each_task(rendered):
    assert contact_sheet.draw(rendered).size == (128, 12 * 128)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "--out is missing"),
        (["--objects=41"], "--objects=41: expected 1 to 40"),
        (["--first=21", "--objects=21"], "--objects=21: expected 1 to 20"),
        (["--workers=0"], "--workers=0: expected 1 to 256"),
        (["--seed=9"], "holds a render made with --objects=1"),
    ],
)
def test_bad_flags_get_one_line(rendered, arguments, message):
    out = [] if not arguments else [f"--out={rendered}"]
    command = [sys.executable, "-m", "tools.render_benchmark", *out, *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    # pybullet itself prints its build time when it is loaded.
    lines = [line for line in done.stderr.splitlines() if not line.startswith("pybullet build time")]
    assert len(lines) == 1 and lines[0].startswith("error: ") and message in lines[0]
