"""Task sequences from flat options, as the flags give them."""

from sdkd_tf.data.selection import DataOptions
from sdkd_tf.data.sequence import load_tasks
from sdkd_tf.options import make_options


def load(data_dir, problems=None, **options):
    """What `load_tasks` reads with these options."""
    return load_tasks(make_options(DataOptions, {"data_dir": data_dir, **options}), problems)
