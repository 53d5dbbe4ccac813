"""The registry of poolings: one function and one registration add a rule."""

from pathlib import Path

import numpy as np
import pytest

from organology import Recognizer, audio
from organology.cli.models.export import _poolings
from organology.recognition import pooling
from organology.recognition.serialization import schema
from tiny_model import RATE, build, metadata


@pytest.fixture
def lowest():
    pooling.register("lowest", "the lowest window", lambda scores, *_: scores.min(axis=0))
    yield
    del pooling.POOLINGS["lowest"]


def test_register_pooling_adds_it_to_models_schema_and_command_line(lowest, tmp_path):
    model = build(tmp_path / "m.onnx", metadata(pooling="lowest"))
    recognition = Recognizer(model, threads=1).recognize(audio.from_array(np.full(9 * RATE, 0.1), RATE))
    np.testing.assert_allclose(recognition.file_scores, recognition.scores.min(axis=0))
    assert "lowest" in schema()["$defs"]["model"]["properties"]["pooling"]["enum"] and "lowest" in _poolings()


def test_every_pooling_gives_scores_within_those_of_the_windows_or_above():
    scores = np.random.default_rng(0).random((9, 3)).astype(np.float32)
    for name in pooling.POOLINGS:
        pooled = pooling.pool(scores, name, np.arange(9.0), np.arange(9.0) + 4)
        assert pooled.shape == (3,) and (pooled >= scores.min(axis=0)).all() and (pooled <= 1).all(), name


def test_docs_list_the_poolings():
    page = (Path(__file__).parents[2] / "docs" / "recognition.md").read_text("utf-8")
    block = page.split("<!-- poolings -->\n")[1].split("<!-- end poolings -->")[0]
    assert block.splitlines()[2:] == [f"| `{one.name}` | {one.what} |" for one in pooling.POOLINGS.values()]
