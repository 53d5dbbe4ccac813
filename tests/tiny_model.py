"""A tiny model of the contract, for tests: label number i of its set answers to a tone of (i + 1) * 400 Hz.

With frame settings in its metadata it gives scores of frames, too: the power within 0.16 s of their instants.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from organology.labels import default_set
from organology.model_metadata import METADATA_KEY, FrameSettings, ModelMetadata

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


def frame_metadata(frames=None, **changes):
    """Metadata of a tiny model that gives scores of frames; `frames` changes their settings."""
    n = len(changes.get("label_set", LABELS))
    shifts = {"frame_shifts": (0.0,) * n, "window_shifts": (-3.0,) * n}
    return metadata(**{"frames": FrameSettings(**{**shifts, **(frames or {})}), **changes})


def _frame_weights(seconds):
    """Which share each piece of sound has in each frame: (pieces, frames)."""
    middles = (np.arange(WINDOW // _FRAME) + 0.5) * _FRAME / RATE
    instants = np.arange(int(WINDOW / RATE / seconds + 1e-6) + 1) * seconds
    near = np.abs(middles[:, None] - instants) <= seconds / 2
    return (near / near.sum(axis=0)).astype(np.float32)


def _frame_nodes():
    return [
        helper.make_node("ReduceMean", ["q", "pair_axis"], ["piece_half"], keepdims=0),
        helper.make_node("MatMul", ["piece_half", "frame_weights"], ["frame_half"]),
        helper.make_node("Mul", ["frame_half", "two"], ["frame_power"]),
        helper.make_node("Add", ["frame_power", "floor"], ["frame_positive"]),
        helper.make_node("Log", ["frame_positive"], ["frame_l"]),
        helper.make_node("Sub", ["frame_l", "reference"], ["frame_d"]),
        helper.make_node("Mul", ["frame_d", "slope"], ["frame_logits"]),
        helper.make_node("Transpose", ["frame_logits"], ["frames_first"], perm=[0, 2, 1]),
        helper.make_node("Sigmoid", ["frames_first"], ["frame_scores"]),
    ]


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
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, [batch, n])]
    if about.frames is not None:
        weights = _frame_weights(about.frames.seconds)
        constants |= {"pair_axis": np.array([1], np.int64), "frame_weights": weights}
        nodes += _frame_nodes()
        outputs.append(helper.make_tensor_value_info("frame_scores", TensorProto.FLOAT, [batch, weights.shape[1], n]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("waveform", TensorProto.FLOAT, [batch, samples])],
        outputs,
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, {METADATA_KEY: about.to_json() if text is None else text} if text != "" else {})
    onnx.save(model, str(path))
    return path
