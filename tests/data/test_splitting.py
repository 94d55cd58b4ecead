"""How a class of a plain folder is split."""

import pathlib
import random

import pytest

from sdkd_tf.data.layouts.splitting import split_class


def numbered(count, prefix=""):
    return [pathlib.Path(f"{prefix}{number:04}.jpg") for number in range(count)]


def clips(*lengths):
    return [path for clip, count in enumerate(lengths) for path in numbered(count, f"clip{clip}_")]


# (images) -> training, left out, validation, left out, test
@pytest.mark.parametrize(
    "count, sizes",
    [
        (0, (0, 0, 0, 0)),
        (1, (0, 0, 1, 0)),
        (2, (0, 1, 1, 0)),
        (3, (1, 1, 1, 0)),
        (9, (5, 1, 3, 0)),
        (10, (4, 1, 3, 2)),
        (15, (7, 1, 5, 2)),
        (20, (11, 2, 5, 2)),
        (100, (60, 10, 20, 10)),
        (101, (60, 10, 21, 10)),
    ],
)
def test_sizes_of_the_blocks(count, sizes):
    split = split_class(numbered(count))
    assert tuple(len(part) for part in split[:4]) == sizes and not split.by_clip
    assert sorted([*split.train, *split.validation, *split.test, *split.unused]) == numbered(count)


def test_no_neighbors_stand_on_both_sides_of_a_split():
    for count in range(10, 400):
        split = split_class(numbered(count))
        assert len(split.test) >= count / 5 and len(split.test) >= (5 if count >= 15 else 3)
        assert abs(len(split.validation) - count / 10) < 1
        last = {name: [int(path.stem) for path in part] for name, part in split._asdict().items() if name != "by_clip"}
        assert max(last["train"]) + 1 < min(last["validation"]) and max(last["validation"]) + 1 < min(last["test"])


def test_clips_stay_whole():
    rng = random.Random(0)
    for _ in range(200):
        lengths = [rng.randint(2, 30) for _ in range(rng.randint(5, 12))]
        files = clips(*lengths)
        split = split_class(files)
        if split.by_clip:
            of_part = [{path.stem[:-4] for path in part} for part in (split.train, split.validation, split.test)]
            assert not of_part[0] & of_part[1] and not of_part[1] & of_part[2] and not of_part[0] & of_part[2]
            assert len(split.test) >= max(5, len(files) / 5) or len(split.test) >= len(files) / 5 and len(files) < 15
            assert split.validation and not split.unused and len(split.train) >= 0.4 * len(files)
        assert split == split_class(files)


def test_the_fewest_images_that_are_enough_go_to_test():
    split = split_class(clips(21, 21, 21, 21, 20))
    assert [len(part) for part in split[:3]] == [63, 20, 21] and split.by_clip
    assert {path.stem[:6] for path in split.test} == {"clip3_"}
    assert [len(part) for part in split_class(clips(10, 10, 10, 10, 10))[:3]] == [30, 10, 10]


@pytest.mark.parametrize(
    "files",
    [
        clips(25, 25, 25, 25),  # too few clips
        clips(960, 10, 10, 10, 10),  # one is nearly all
        [pathlib.Path(f"{letter}{number}.jpg") for letter in "abcdefghijkl" for number in (3,)],  # one image each
        [pathlib.Path(f"photo {letter}.jpg") for letter in "abcdefghijkl"],  # no number
    ],
)
def test_blocks_where_names_tell_no_clips(files):
    split = split_class(files)
    assert not split.by_clip and split.unused and split.test == files[-len(split.test) :]
