"""The facts about a network that its users need (Mitchell et al., "Model cards for model reporting", FAT* 2019)."""

import pathlib
from typing import Any

from sdkd_tf.config import make_config
from sdkd_tf.run import Run
from sdkd_tf.strategies import STRATEGIES


def model_card(run: Run) -> dict[str, Any]:
    """Collects the facts of a finished run.

    Returns:
      A dict of text, lists and dicts: how the network was trained, on which data, with which software, and what it can
      be used for.
    """
    config, results = run.config, run.results
    default = make_config(config.architecture, config.strategy)
    default = default.completed(getattr(config.network, "detach_map", None) or False)
    earlier = config.run.continue_from
    return {
        "strategy": config.strategy,
        "what": (STRATEGIES[config.strategy].__doc__ or "").strip().splitlines()[0],
        "architecture": config.architecture,
        "input_size": config.network.input_size,
        "parameters": results.parameters,
        "seed": config.training.seed,
        "options": config.differences(default),
        "classes": results.classes,
        "data": pathlib.Path(config.data.data_dir).name,  # the whole path may name a person
        "fingerprint": results.fingerprint,
        "skipped": len(results.skipped),
        "kept_images": results.tasks[-1].kept_images,
        "continued_from": earlier and pathlib.Path(earlier).name,
        "provenance": results.provenance,
        "use": _intended_use(len(results.classes), run.statistics() is not None),
    }


def _intended_use(classes: int, tells_unknown: bool) -> list[str]:
    other = "It always answers with one of these classes, also for a photo of something else."
    if tells_unknown:
        other = "A photo unlike all classes is called unknown, but an object that resembles one of them may be taken for it."
    return [
        f"The network names the main object of a photo, if it is one of these {classes} classes and the photo looks like"
        " those it was trained on.",
        f"{other} A high probability does not mean that the answer is right.",
        "The test images are from the same collection as the training images; with another camera, in another place or"
        " with other objects the accuracy may be lower, so test it on photos of your own before you rely on it.",
    ]
