"""Lineage: parents by name and hash; files that hold all ancestors are read and cut down to the parents."""

import json

import pytest

from organology import lineage
from organology.errors import ModelError
from organology.labels import default_set
from organology.model_metadata import ModelMetadata

START = {"name": "start", "recipe": {"a/b~c": list(range(200))}}
FOLDED = {
    "average_of": [
        {"seed": 0, "share": 0.5, "name": "one", "goes_on_with": START},
        {
            "seed": 1,
            "share": 0.5,
            "name": "two",
            "sha256": "ab",
            "goes_on_with": {"$ref": "#/average_of/0/goes_on_with"},
        },
    ],
    "seed": 7,
}


def metadata(provenance: dict) -> ModelMetadata:
    return ModelMetadata(default_set(), (0.5,) * len(default_set()), provenance=provenance)


def test_unfold_reference_becomes_the_part_that_it_leads_to():
    whole = lineage.unfold(json.loads(json.dumps(FOLDED)))
    assert whole["average_of"][1]["goes_on_with"] == START
    assert lineage.unfold({"x/y": [START], "again": {"$ref": "#/x~1y/0"}})["again"] == START


def test_unfold_reference_to_nothing_is_refused():
    with pytest.raises(ModelError, match=r"m\.onnx: bad model metadata: provenance: #/a: no #/b before it"):
        ModelMetadata.from_json(metadata({"a": {"$ref": "#/b"}}).to_json(), "m.onnx")


def test_lineage_of_an_earlier_version_keeps_the_parents_alone():
    read = ModelMetadata.from_json(metadata(FOLDED).to_json(), "m.onnx").provenance
    parents = [{"share": 0.5, "name": "one"}, {"share": 0.5, "name": "two", "sha256": "ab"}]
    assert read == {"average_of": parents, "seed": 7}
    started = ModelMetadata.from_json(metadata({"goes_on_with": START, "seed": 1}).to_json(), "m.onnx").provenance
    assert started == {"init_from": {"name": "start"}, "seed": 1}


def test_lineage_written_now_is_read_as_it_was():
    told = metadata({"init_from": {"name": "start", "sha256": "ab"}, "recipe": {"seed": 3}})
    assert ModelMetadata.from_json(told.to_json(), "m") == told
