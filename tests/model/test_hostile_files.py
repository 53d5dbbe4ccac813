"""Model files that nobody wrote: any bytes, and whole ones with odd values, are a value or one line."""

import json
import zipfile

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from bounds import bounded
from model_signals import TINY, metadata, settled
from organology.errors import ConfigError, ModelError
from organology.model import ModelConfig, load_checkpoint, save_checkpoint
from organology.model.checkpoint_files import DESCRIPTION, WEIGHTS
from organology.model_metadata import ModelMetadata
from organology.training.run_folder import RunFolder
from tiny_model import frame_metadata

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ODD = st.one_of(
    st.sampled_from(
        [None, True, float("nan"), float("inf"), -1, 0, 10**9, 10**30, 1e308, "", "piano", "\x1b[31m", [], {}, [[]]]
    ),
    st.text(max_size=5),
    st.lists(st.sampled_from([0.5, float("nan"), "piano", None, 10**9]), max_size=16),
    st.dictionaries(st.sampled_from(["piano", "$ref", "name"]), st.sampled_from([1, "#", [], "piano"]), max_size=2),
)
BYTES = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from([b"{", b"}", b'"format"', b":", b"[", b"1e999", b"NaN", b",", b"\xff"]), max_size=30).map(
        b"".join
    ),
)


def places(value, place=()):
    """Where anything stands in JSON."""
    yield place
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*place, key))


def changed(values, place, odd):
    """JSON with something else in one place."""
    whole = {"": json.loads(json.dumps(values))}
    inner, key = whole, ""
    for part in place:
        inner, key = inner[key], part
    inner[key] = odd
    return whole[""]


CHAIN = {"p0": [0] * 10, **{f"p{i}": [{"$ref": f"#/p{i - 1}"}] * 10 for i in range(1, 12)}}
GIVEN = json.loads(frame_metadata(presets={"strict": (0.9,) * 15}, provenance={"a": [1, {"b": 2}]}).to_json())
PLACES = list(places(GIVEN))


@FEW
@given(st.sampled_from(PLACES), ODD)
@example(("thresholds", 0), float("nan"))
@example(("window_seconds",), 1e308)
@example(("sample_rate",), 10**30)
@example(("provenance",), CHAIN)
@example(("provenance",), {"init_from": {"$ref": ["#"]}})
@example(("label_set", "parents"), {"voice": "singer", "singer": "voice"})
def test_model_metadata_odd_value_is_read_or_refused(place, odd):
    text = json.dumps(changed(GIVEN, place, odd))
    with bounded(ModelError):
        again = ModelMetadata.from_json(text, "m.onnx").to_json()
        assert "NaN" not in again and "Infinity" not in again
        ModelMetadata.from_json(again, "m.onnx")


@FEW
@given(BYTES)
@example(b"[" * 100_000)
@example(b"9" * 10_000)
def test_model_metadata_any_bytes_are_refused(data):
    with bounded(ModelError):
        ModelMetadata.from_json(data.decode("latin-1"), "m.onnx")
        pytest.fail("no metadata")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    net = settled(ModelConfig("short-chunk", "paper", channels=TINY))
    save_checkpoint(folder := tmp_path_factory.mktemp("checkpoint") / "whole", net, metadata(net))
    return json.loads((folder / DESCRIPTION).read_text()), (folder / WEIGHTS).read_bytes()


@FEW
@given(st.data(), ODD)
def test_checkpoint_odd_value_is_read_or_refused(whole, tmp_path, data, odd):
    description, weights = whole
    place = data.draw(st.sampled_from(list(places(description))))
    (tmp_path / DESCRIPTION).write_text(json.dumps(changed(description, place, odd)))
    (tmp_path / WEIGHTS).write_bytes(weights)
    with bounded(ModelError):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("key", "odd"),
    [("channels", [10**6] * 7), ("channels", [10**18] * 7), ("hidden_size", 10**12)],
)
def test_checkpoint_of_a_huge_network_is_refused_before_memory_is_taken(whole, tmp_path, key, odd):
    description, weights = whole
    (tmp_path / DESCRIPTION).write_text(json.dumps(changed(description, ("config", key), odd)))
    (tmp_path / WEIGHTS).write_bytes(weights)
    with bounded(ModelError):
        load_checkpoint(tmp_path)
        pytest.fail("read")


@FEW
@given(BYTES, st.integers(0, 10**6), st.booleans())
def test_checkpoint_any_bytes_are_refused(whole, tmp_path, data, place, of_weights):
    description, weights = whole
    text = json.dumps(description).encode()
    damaged = weights if of_weights else text
    place %= len(damaged)
    damaged = damaged[:place] + data + damaged[place + len(data) :]
    (tmp_path / DESCRIPTION).write_bytes(text if of_weights else damaged)
    (tmp_path / WEIGHTS).write_bytes(damaged if of_weights else weights)
    with bounded(ModelError):
        load_checkpoint(tmp_path)


@FEW
@given(BYTES)
@example(b"PK\x05\x06" + bytes(18))
def test_state_to_resume_from_any_bytes_are_refused(tmp_path, data):
    (tmp_path / "last.ckpt").write_bytes(data)
    with bounded(ModelError, ConfigError):
        RunFolder(tmp_path).epochs_done(5)
        pytest.fail("read")


@pytest.mark.parametrize(
    "state",
    [[], [1], "text", {"epoch": "many"}, {"epoch": None}, {"epoch": 10**400}, {"epoch": 1}, {}, torch.zeros(3)],
    ids=repr,
)
def test_state_to_resume_from_of_another_kind_is_refused(tmp_path, state):
    torch.save(state, tmp_path / "last.ckpt")
    with bounded(ModelError, ConfigError):
        RunFolder(tmp_path).epochs_done(5)
        pytest.fail("read")


def test_state_to_resume_from_cut_short_is_refused(tmp_path):
    keys = ("global_step", "state_dict", "optimizer_states", "lr_schedulers", "callbacks", "loops")
    torch.save({"epoch": 1, **dict.fromkeys(keys, torch.zeros(100))}, tmp_path / "last.ckpt")
    assert RunFolder(tmp_path).epochs_done(5) == 2
    content = (tmp_path / "last.ckpt").read_bytes()
    for size in range(0, len(content), 97):
        (tmp_path / "last.ckpt").write_bytes(content[:size])
        with bounded(ModelError):
            RunFolder(tmp_path).epochs_done(5)
            pytest.fail("read")
    assert zipfile.is_zipfile(tmp_path / "last.ckpt") is False


def test_weights_with_a_damaged_copy_of_the_description_are_refused(whole, tmp_path):
    description, weights = whole
    (tmp_path / WEIGHTS).write_bytes(weights)
    for copy in ("", "[]", "{", json.dumps(changed(description, ("config", "n"), 1))):
        save_file(load_file(tmp_path / WEIGHTS), tmp_path / WEIGHTS, metadata={"organology": copy})
        (tmp_path / DESCRIPTION).write_text(json.dumps(description))
        with bounded(ModelError):
            load_checkpoint(tmp_path)
            pytest.fail("read")
