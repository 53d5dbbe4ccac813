"""repeats: what stands many times is written once, and read as it was."""

import json

import pytest

from organology import repeats
from organology.errors import ModelError
from organology.labels import default_set
from organology.model_metadata import ModelMetadata
from organology.taxonomy import LABELS

START = {"name": "start", "recipe": {"a/b~c": list(range(200))}}


def family(generations: int) -> dict:
    """Each network is the mean of two that go on with the one before."""
    told = START
    for seed in range(generations):
        told = {"average_of": [{"seed": 2 * seed + i, "goes_on_with": told} for i in range(2)]}
    return told


def test_each_part_is_written_once_and_read_as_it_was():
    told = family(8)
    folded = repeats.fold(told)
    assert len(json.dumps(told)) > 200 * len(json.dumps(START))
    assert len(json.dumps(folded)) < 4 * len(json.dumps(START))
    assert repeats.unfold(json.loads(json.dumps(folded))) == told


def test_references_are_json_pointers():
    part = START["recipe"]
    assert repeats.fold({"x/y": [part], "again": part}) == {"x/y": [part], "again": {"$ref": "#/x~1y/0"}}
    assert repeats.fold({"a": {"b": 1}, "c": {"b": 1}}) == {"a": {"b": 1}, "c": {"b": 1}}


def test_metadata_carry_the_provenance_folded():
    told = ModelMetadata(default_set(), (0.5,) * len(LABELS), provenance=family(6))
    text = told.to_json()
    assert len(text) < 5000 and '"$ref"' in text
    assert ModelMetadata.from_json(text, "m") == told


def test_a_reference_to_nothing_is_refused():
    told = ModelMetadata(default_set(), (0.5,) * len(LABELS), provenance={"a": {"$ref": "#/b"}})
    with pytest.raises(ModelError, match=r"m\.onnx: bad model metadata: provenance: #/a: no #/b before it"):
        ModelMetadata.from_json(told.to_json(), "m.onnx")
