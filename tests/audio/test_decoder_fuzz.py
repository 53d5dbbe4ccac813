"""Damaged files of every kind: samples or one line of error, nothing printed, whatever was done to them.

Thousands of them, in processes with limits of time and memory: `benchmarks/fuzz.py`.
"""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "fuzz.py"


@pytest.fixture(scope="module")
def fuzz():
    if not SCRIPT.exists():
        pytest.skip("benchmarks/ is not here")
    spec = importlib.util.spec_from_file_location("fuzz", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_decode_damaged_files_cost_a_line_at_most(fuzz, tmp_path, capfd):
    files = fuzz.sound_files(0.1)
    assert len(files) >= 20
    for number in range(400):
        suffix, content = fuzz.case(files, 1, number)
        source = content
        if number % 2:
            source = tmp_path / f"case.{suffix}"
            source.write_bytes(content)
        assert not fuzz.decode(source).startswith("WRONG"), f"case {number} ({suffix})"
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def test_decode_whole_files_of_every_kind_are_read(fuzz):
    for suffix, content in fuzz.sound_files(0.3):
        assert fuzz.decode(content) == "samples", suffix


def test_decode_file_that_points_before_its_beginning_prints_nothing(fuzz, capfd):
    files = fuzz.sound_files()
    for number in (370, 1270):
        assert not fuzz.decode(fuzz.case(files, 0, number)[1]).startswith("WRONG")
    assert capfd.readouterr().err == ""


def test_fuzz_case_is_a_function_of_its_number(fuzz):
    files = fuzz.sound_files(0.05)
    assert fuzz.case(files, 3, 77) == fuzz.case(files, 3, 77) != fuzz.case(files, 4, 77)
