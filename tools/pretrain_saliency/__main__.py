"""Makes the bundled weights of the saliency branches.

python -m tools.pretrain_saliency
python -m tools.pretrain_saliency --decoder=lite --epochs=28

Renders 1000 scenes, unless the data file exists, and trains on them; about half an hour on two cores. The decoders of the
lite network are trained on blocks 6 and 7 of the full one, so it comes second.
"""

import pathlib

import numpy as np
from absl import app, flags

from sdkd_tf.errors import one_line_errors
from sdkd_tf.files import write_npz
from sdkd_tf.model.network import BUNDLED_BRANCHES, BUNDLED_LITE_DECODERS, branch_layers
from tools.pretrain_saliency import scenes, training

_DATA = flags.DEFINE_string("data", "runs/pretraining.npz", "The rendered images, about 500 MB; rendered if missing.")
_DECODER = flags.DEFINE_enum("decoder", "full", ["full", "lite"], "The decoders to train.")
_SCENES = flags.DEFINE_integer("scenes", 1000, "Number of scenes, of five images each.")
_EPOCHS = flags.DEFINE_integer("epochs", 14, "Passes over the images.")


def main(argv: list[str]) -> None:
    """Renders, trains and writes the weights."""
    del argv
    with one_line_errors():
        data = pathlib.Path(_DATA.value)
        if not data.is_file():
            data.parent.mkdir(parents=True, exist_ok=True)
            write_npz(data, **scenes.render_all(_SCENES.value))
        with np.load(data) as arrays:
            network = training.pretrain(dict(arrays), _EPOCHS.value, _DECODER.value)
        trained, path = branch_layers(network), BUNDLED_BRANCHES
        if _DECODER.value == "lite":
            trained, path = [layer for layer in trained if "decoder" in layer.name], BUNDLED_LITE_DECODERS
        # Half precision: the rounding is far below that of int8.
        variables = [variable for layer in trained for variable in layer.weights]
        named = {variable.name.removesuffix(":0"): variable.numpy().astype(np.float16) for variable in variables}
        write_npz(path, **named)


if __name__ == "__main__":
    app.run(main)
