"""Packages that would leave files where nobody asked for any, imported so that they do not."""

from __future__ import annotations

import atexit
import os
import sys
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from organology.leftovers import locked_folder

_CONFIG = "MPLCONFIGDIR"
_COMPILED = "TORCHINDUCTOR_CACHE_DIR"  # torch makes it even where nothing is compiled
_LONGEST = 72  # of a folder's name: the names of sockets in it must not be longer than 104 bytes, on Linux 108


def takes_sockets(folder: str | os.PathLike[str]) -> bool:
    """Whether worker processes can pass open files on by sockets in a folder: their names may not be long."""
    return len(os.fsencode(folder)) <= _LONGEST


@cache
def own_temporary_folder() -> None:
    """Let temporary files of this process go to a folder that it removes at its end, or the next run if it is killed.

    For programs of ours alone: what others keep in temporary files would go, too.
    """
    stack = ExitStack()
    folder = stack.enter_context(locked_folder())
    atexit.register(stack.close)
    os.environ.setdefault(_COMPILED, str(folder / "torch"))
    if takes_sockets(folder):
        tempfile.tempdir = str(folder)


def import_matplotlib() -> None:
    """Import matplotlib; it keeps its list of fonts only where it has a folder of its own already.

    Raises
    ------
    ModuleNotFoundError
        If it is not installed.
    """
    if "matplotlib" not in sys.modules and _CONFIG not in os.environ and not any(map(Path.is_dir, _own_folders())):
        stack = ExitStack()
        os.environ[_CONFIG] = str(stack.enter_context(locked_folder()))
        atexit.register(stack.close)
    import matplotlib  # noqa: F401


def _own_folders() -> list[Path]:
    """Where matplotlib keeps its settings and its cache unless told otherwise."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  # which raises where there is none
    xdg = [os.environ.get(name) for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME")]
    places = [home / ".matplotlib", home / ".config" / "matplotlib", home / ".cache" / "matplotlib"]
    return places + [Path(place, "matplotlib") for place in xdg if place]
