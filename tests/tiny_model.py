"""A tiny model of the contract, for tests: label number i of its set answers to a tone of (i + 1) * 400 Hz."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from organology.labels import default_set
from organology.model_metadata import METADATA_KEY, ModelMetadata

LABELS = default_set().labels

WINDOW = 128_000
RATE = 32_000
_FRAME = 800  # 40 Hz: every label's frequency has whole periods in it


def frequency(label, labels=LABELS):
    return 400.0 * (labels.index(label) + 1)


def _tones(labels):
    return LABELS if set(labels) == set(LABELS) else labels


def metadata(**changes):
    return ModelMetadata(**{"label_set": default_set(), "thresholds": (0.5,) * len(LABELS), "name": "tiny", **changes})


def build(path, about=None, text=None, batch="batch", samples=WINDOW, output="scores"):
    """Write the model: the mean power at each label's frequency, against that of a tone of amplitude 0.1."""
    about = about or metadata()
    t = np.arange(_FRAME) / RATE
    angles = 2 * np.pi * np.array([frequency(label, _tones(about.labels)) for label in about.labels])[:, None] * t
    kernels = (2 / _FRAME * np.concatenate([np.cos(angles), np.sin(angles)]))[:, None, :].astype(np.float32)
    n = len(about.labels)
    constants = {
        "kernels": kernels,
        "one": np.array([1], np.int64),
        "pairs": np.array([0, 2, n, -1], np.int64),
        "axes": np.array([1, 3], np.int64),
        "floor": np.float32(1e-9),
        "reference": np.float32(np.log(0.01)),
        "slope": np.float32(2),
        "two": np.float32(2),
    }
    nodes = [
        helper.make_node("Unsqueeze", ["waveform", "one"], ["x"]),
        helper.make_node("Conv", ["x", "kernels"], ["c"], strides=[_FRAME]),
        helper.make_node("Mul", ["c", "c"], ["p"]),
        helper.make_node("Reshape", ["p", "pairs"], ["q"]),
        helper.make_node("ReduceMean", ["q", "axes"], ["half"], keepdims=0),
        helper.make_node("Mul", ["half", "two"], ["power"]),
        helper.make_node("Add", ["power", "floor"], ["positive"]),
        helper.make_node("Log", ["positive"], ["l"]),
        helper.make_node("Sub", ["l", "reference"], ["d"]),
        helper.make_node("Mul", ["d", "slope"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], [output]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("waveform", TensorProto.FLOAT, [batch, samples])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [batch, n])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, {METADATA_KEY: about.to_json() if text is None else text} if text != "" else {})
    onnx.save(model, str(path))
    return path
