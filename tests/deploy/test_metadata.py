"""The metadata, read back slot by slot with the FlatBuffers library, and the archive of labels."""

import zipfile

import flatbuffers
import flatbuffers.encode
import flatbuffers.packer
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import number_types as types
from flatbuffers.table import Table

from sdkd_tf.deploy.tflite import Classifier


class Reader(Table):
    """A FlatBuffers table read by slot."""

    def _at(self, slot):
        return self.Offset(4 + 2 * slot)

    def text(self, slot):
        return self.String(self._at(slot) + self.Pos).decode()

    def number(self, slot):
        return self.Get(types.Int8Flags, self._at(slot) + self.Pos)

    def child(self, slot):
        return Reader(self.Bytes, self.Indirect(self._at(slot) + self.Pos))

    def children(self, slot):
        start = self.Vector(self._at(slot))
        return [Reader(self.Bytes, self.Indirect(start + 4 * i)) for i in range(self.VectorLen(self._at(slot)))]

    def floats(self, slot):
        start = self.Vector(self._at(slot))
        return [self.Get(types.Float32Flags, start + 4 * i) for i in range(self.VectorLen(self._at(slot)))]


def test_what_mediapipe_and_android_studio_read(models):
    model = schema.ModelT.InitFromPackedBuf((models / "net_classifier.tflite").read_bytes())
    entry = next(m for m in model.metadata if m.name == b"TFLITE_METADATA")
    content = bytes(model.buffers[entry.buffer].data)
    assert content[4:8] == b"M001"
    root = Reader(content, flatbuffers.encode.Get(flatbuffers.packer.uoffset, content, 0))
    assert root.text(0) == "SDKD" and "3 objects" in root.text(1)
    (subgraph,) = root.children(3)
    (image,), (probability,) = subgraph.children(2), subgraph.children(3)
    assert (image.text(0), probability.text(0)) == ("image", "probability")
    assert image.child(3).number(0) == 2 and image.child(3).child(1).number(0) == 1  # ImageProperties, RGB
    (normalization,) = image.children(4)
    assert normalization.number(0) == 1  # NormalizationOptions
    assert (normalization.child(1).floats(0), normalization.child(1).floats(1)) == ([127.5], [127.5])
    assert (image.child(5).floats(0), image.child(5).floats(1)) == ([255.0], [0.0])
    assert (probability.child(5).floats(0), probability.child(5).floats(1)) == ([1.0], [0.0])
    (file,) = probability.children(6)
    assert file.text(0) == "labels.txt" and file.number(2) == 2  # TENSOR_AXIS_LABELS


def test_labels_lie_behind_the_model(models):
    with zipfile.ZipFile(models / "net_classifier.tflite") as archive:
        assert archive.namelist() == ["labels.txt"]
        assert archive.read("labels.txt").decode() == (models / "labels.txt").read_text() == "cup\nball\ntower\n"


def test_the_classifier_answers_as_the_file_with_both_outputs(models):
    image = np.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    both, alone = Classifier(models / "net.tflite")(image), Classifier(models / "net_classifier.tflite")(image)
    np.testing.assert_allclose(alone.probabilities, both.probabilities, atol=1e-6)
    assert alone.saliency is None and both.saliency.shape == (4, 4)
