"""Which tasks and objects of a data set to use, and what counts as a class."""

import dataclasses
import re

from sdkd_tf.errors import UserError

LABELS = ("instance", "category")
_INSTANCE_NUMBER = re.compile(r"_\d+$")


def select(layout, max_tasks=None, labels="instance", tasks=None, factors=None, levels=None, objects=None):
    """Chooses tasks and objects; None or an empty list takes all.

    Args:
      layout: a `listing.Layout`.
      max_tasks: keep only so many of the tasks that the other arguments leave, from the start.
      labels: `instance`, every object is a class; `category`, objects whose names differ in the number at the end
        (`bottle_01`, `bottle_02`) are one.
      tasks: names of tasks, in the order they shall arrive.
      factors: names out of `listing.FACTORS`.
      levels: out of 1, 2, 3; numbers or their digits.
      objects: names of objects, always as instances. The order of classes stays the data's.

    Returns:
      A list of `listing.Listing`.

    Raises:
      UserError: a name that the data do not have or a name given twice, or factors, levels or categories asked of data
        that do not tell them.
    """
    if labels not in LABELS:
        raise UserError(f"labels is {labels!r}; expected one of {', '.join(LABELS)}")
    if max_tasks is not None and max_tasks < 1:
        raise UserError(f"max_tasks is {max_tasks}; expected 1 or more")
    chosen = layout.tasks
    if tasks:
        by_name = {task.name: task for task in chosen}
        chosen = [by_name[name] for name in _checked("tasks", tasks, by_name)]
    for flag, wanted, attribute in (("factors", factors, "factor"), ("levels", levels, "level")):
        if wanted:
            found = list(dict.fromkeys(str(getattr(task, attribute)) for task in chosen))
            if found == ["None"]:
                raise UserError(
                    f"{flag} is {','.join(map(str, wanted))}, but the tasks of this data ({layout.name}) tell no"
                    f" {attribute}; expected the release, complete file lists, or tasks named task1 to task12"
                )
            wanted = _checked(flag, wanted, found)
            chosen = [task for task in chosen if str(getattr(task, attribute)) in wanted]
    chosen = chosen[:max_tasks]
    if objects:
        wanted = set(_checked("objects", objects, _objects(chosen)))
        chosen = [_map_images(task, lambda images: {n: f for n, f in images.items() if n in wanted}) for task in chosen]
    if labels == "category":
        names = _objects(chosen)
        if names and not any(_INSTANCE_NUMBER.search(name) for name in names):
            raise UserError(
                f"labels is category, but no object has a number: {names[0]}; expected names like bottle_01"
            )
        chosen = [_map_images(task, _merge_instances) for task in chosen]
    return chosen


def _checked(flag, wanted, existing):
    wanted = [str(name) for name in wanted]
    for name in wanted:
        if name not in existing:
            raise UserError(f"{flag} names {name!r}; expected some of {', '.join(existing)}")
        if wanted.count(name) > 1:
            raise UserError(f"{flag} names {name!r} twice; expected each name once")
    return wanted


def _objects(tasks):
    return list(dict.fromkeys(name for task in tasks for part in task.splits.values() for name in part.images))


def _map_images(task, change):
    splits = {split: dataclasses.replace(part, images=change(part.images)) for split, part in task.splits.items()}
    return dataclasses.replace(task, splits=splits)


def _merge_instances(images):
    merged = {}
    for name, files in images.items():
        merged.setdefault(_INSTANCE_NUMBER.sub("", name), []).extend(files)
    return merged
