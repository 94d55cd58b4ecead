"""Selects tasks and objects of a data set, and defines its classes."""

import dataclasses
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Literal

from msgspec import Meta

from sdkd_tf.data.layouts.listing import Images, Layout, Listing
from sdkd_tf.data.layouts.names import canonical, natural_key
from sdkd_tf.errors import UserError
from sdkd_tf.options import about

_INSTANCE_NUMBER = re.compile(r"_\d+$")


@dataclasses.dataclass(frozen=True)
class DataOptions:
    """Options of the data set. An empty list selects everything."""

    data_dir: Annotated[str, about("Data folder (docs/data.md), or `rendered`, the bundled one.", path=True)] = (
        "rendered"
    )
    tasks: Annotated[tuple[str, ...], about("Names of the tasks to use, in this order.")] = ()
    factors: Annotated[tuple[str, ...], about("Some of illumination, occlusion, pixel, clutter.")] = ()
    levels: Annotated[tuple[int, ...], about("Levels to use: 1, 2, 3.")] = ()
    objects: Annotated[tuple[str, ...], about("Objects to use, for instance bottle_01,cup_02.")] = ()
    labels: Annotated[Literal["instance", "category"], about("category: cup_01 and cup_02 are one class.")] = "instance"
    max_tasks: Annotated[Annotated[int, Meta(ge=1)] | None, about("Number of tasks; by default all.")] = None
    class_groups: Annotated[
        tuple[Annotated[int, Meta(ge=1)], ...],
        about("Tasks of new classes instead of conditions: their numbers, as in 12,4,4.", research=True),
    ] = ()
    filelist: Annotated[str | None, about("Avalanche's file list; iros by default.")] = None
    train_masks: Annotated[bool, about("Use the masks and boxes of training images.", research=True)] = True
    skip_bad_images: Annotated[bool, about("Leave out unusable images instead of stopping.")] = False

    def __post_init__(self) -> None:
        for name in ("tasks", "objects"):
            object.__setattr__(self, name, tuple(map(canonical, getattr(self, name))))
        for name in ("factors", "levels", "objects"):  # their order has no meaning
            object.__setattr__(self, name, tuple(sorted(getattr(self, name))))


def select(layout: Layout, options: DataOptions) -> list[Listing]:
    """Selects tasks and objects.

    Tasks are selected by name, then by factor and level; the first `max_tasks` of these are used. Objects are selected
    by the names of instances, even if categories are the classes.

    Raises:
      UserError: a name is unknown or given twice, or the data have no factors, levels or categories.
    """
    chosen = layout.tasks
    if options.tasks:
        by_name = {task.name: task for task in chosen}
        chosen = [by_name[name] for name in _checked("tasks", options.tasks, by_name)]
    for flag, attribute in (("factors", "factor"), ("levels", "level")):
        wanted = getattr(options, flag)
        if wanted:
            found = list(dict.fromkeys(str(getattr(task, attribute)) for task in chosen))
            if found == ["None"]:
                raise UserError(
                    f"{flag} is {','.join(map(str, wanted))}, but the tasks in this layout ({layout.name}) have no"
                    f" {attribute}; expected the release, complete file lists, or tasks named task1 to task12"
                )
            wanted = _checked(flag, wanted, found)
            chosen = [task for task in chosen if str(getattr(task, attribute)) in wanted]
    chosen = chosen[: options.max_tasks]
    if options.objects:
        names = set(_checked("objects", options.objects, _objects(chosen)))
        chosen = [_map_images(task, lambda images: {n: f for n, f in images.items() if n in names}) for task in chosen]
    if options.labels == "category":
        names_found = _objects(chosen)
        if names_found and not any(_INSTANCE_NUMBER.search(name) for name in names_found):
            raise UserError(f"labels is category, but no object has a number: {names_found[0]}; expected bottle_01")
        chosen = [_map_images(task, _merge_instances) for task in chosen]
    return chosen


def _checked(flag: str, given: Iterable[str | int], existing: Iterable[str]) -> list[str]:
    wanted = [str(name) for name in given]
    for name in wanted:
        if name not in existing:
            raise UserError(f"{flag} names {name!r}; expected some of {', '.join(existing)}")
        if wanted.count(name) > 1:
            raise UserError(f"{flag} names {name!r} twice; expected each name once")
    return wanted


def _objects(tasks: list[Listing]) -> list[str]:
    return sorted({name for task in tasks for part in task.splits.values() for name in part.images}, key=natural_key)


def _map_images(task: Listing, change: Callable[[Images], Images]) -> Listing:
    splits = {split: dataclasses.replace(part, images=change(part.images)) for split, part in task.splits.items()}
    return dataclasses.replace(task, splits=splits)


def _merge_instances(images: Images) -> Images:
    merged: Images = {}
    for name in sorted(images, key=natural_key):
        merged.setdefault(_INSTANCE_NUMBER.sub("", name), []).extend(images[name])
    return merged
