"""The verbs that serve need their extra, and nothing else does."""

import subprocess
import sys

import pytest

HEAVY = ("fastapi", "starlette", "uvicorn", "prometheus_client", "sounddevice", "onnxruntime")


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_help_imports_nothing_of_it():
    code = f"""
import sys
from organology.cli import command_line
command_line()
loaded = [name for name in {HEAVY} if name in sys.modules]
assert not loaded, loaded
"""
    result = run(code)
    assert result.returncode == 0, result.stderr


def test_recognition_imports_nothing_of_it():
    result = run(
        "import sys, organology; organology.Recognizer; from organology.batch import job;"
        "assert not {'fastapi', 'uvicorn', 'organology.serving'} & set(sys.modules)"
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("verb", "missing", "extra"), [("serve", "fastapi", "serve"), ("listen", "sounddevice", "listen")]
)
def test_without_the_extra_one_line_says_what_to_install(verb, missing, extra):
    result = run(
        f"import sys; sys.modules[{missing!r}] = None; sys.argv = ['organology', {verb!r}];"
        "from organology.cli import main; main()"
    )
    assert result.returncode == 1
    (line,) = result.stderr.strip().splitlines()
    assert f"pip install '.[{extra}]'" in line
