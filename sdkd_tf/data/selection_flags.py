"""The flags that say which part of a data set to use; `sequence.load_sequence` takes their values under these names."""

from absl import flags

NAMES = ("max_tasks", "labels", "tasks", "factors", "levels", "objects", "filelist")
flags.DEFINE_integer("max_tasks", None, "Use only the first tasks.", lower_bound=1)
flags.DEFINE_string(
    "labels", "instance", "instance (every object is a class) or category (bottle_01, bottle_02: bottle)."
)
flags.DEFINE_list("tasks", None, "Use these tasks, in this order.")
flags.DEFINE_list("factors", None, "Use these of illumination, occlusion, pixel, clutter.")
flags.DEFINE_list("levels", None, "Use these of the levels 1, 2, 3.")
flags.DEFINE_list("objects", None, "Use these objects, for instance bottle_01,cup_02.")
flags.DEFINE_string(
    "filelist", None, "Of Avalanche's lists: clutter, illumination, occlusion, pixel, or iros (default)."
)


def selection():
    """Returns the flags as keyword arguments of `load_sequence`."""
    return {name: flags.FLAGS[name].value for name in NAMES}
