"""Documented import paths of version 0.1."""

import importlib
import subprocess
import sys

import pytest

from organology._moved import MOVED


@pytest.mark.parametrize(("old", "new"), MOVED.items())
def test_old_path_imports_the_module_of_today(old, new):
    pytest.importorskip("torch")
    with pytest.warns(DeprecationWarning, match=f"is now {new}"):
        sys.modules.pop(old, None)
        found = importlib.import_module(old)
    assert found is importlib.import_module(new) and found.__name__ == new


def test_old_path_leaves_the_new_module_importable_by_its_name():
    code = (
        "import importlib, organology.recognition.store as a, organology.library.store as b\n"
        "assert a.Store is b.Store; importlib.reload(b)"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def test_unknown_module_is_still_not_found():
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("organology.recognition.nothing")
