"""Outputs that other programs read stay what they are: no formula in CSV, no number in JSON that is none."""

import ast
import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import organology
from organology.errors import OrganologyError
from organology.outputs.registry import FORMATS
from organology.outputs.writers.base import WriterOptions
from organology.outputs.writers.tables import original_cell, safe_cell
from organology.recognition import Recognition, SegmentSettings
from outputs.test_formats import made

JSON_WRITERS = ("json.dump", "json.dumps", "json.JSONEncoder")
FORMULAS = ("=1+1.wav", "+a.wav", "-a.wav", "@sum.wav", "\t=1.wav", "'=1.wav", "\r=1")


@given(st.text(alphabet="=+-@'\t\ra ", max_size=5) | st.text())
def test_safe_cell_is_no_formula_and_can_be_undone(text):
    cell = safe_cell(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")) and original_cell(cell) == text


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("form", ["csv", "segments"])
@pytest.mark.parametrize("timeline", [False, True])
def test_csv_of_a_name_that_looks_like_a_formula_is_text(name, form, timeline):
    stream = io.StringIO(newline="")
    with FORMATS[form].make(stream, WriterOptions(timeline=timeline), {}, None) as writer:
        writer.add(made(name))
    rows = list(csv.reader(io.StringIO(stream.getvalue(), newline="")))[1:]
    assert rows and {row[0][0] for row in rows} == {"'"} and {original_cell(row[0]) for row in rows} == {name}


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_json_with_a_number_that_is_not_finite_is_refused(number):
    one = made()
    broken = Recognition(**{**vars_of(one), "file_scores": np.full(15, number, np.float32)})
    with pytest.raises(OrganologyError, match=r"a b\.wav: cannot be written as JSON"):
        broken.to_json()
    text = one.to_json().replace('"duration": 10.7', f'"duration": {json.dumps(number)}')
    with pytest.raises(OrganologyError, match="must be finite"):
        Recognition.from_json(text)
    with pytest.raises(ValueError, match="min_seconds must be finite"):
        SegmentSettings(min_seconds=number)


def vars_of(recognition):
    return {name: getattr(recognition, name) for name in recognition.__dataclass_fields__}


def test_json_is_written_without_nan_everywhere():
    for path in Path(organology.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in JSON_WRITERS:
                said = {each.arg: ast.unparse(each.value) for each in node.keywords}
                assert said.get("allow_nan") == "False", f"{path}:{node.lineno}: may write NaN"
