"""Documented modules under the names that they had up to version 0.1: importing one gives the module of today.

They will go with version 1.0.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

MOVED = {
    "organology.experiments": "organology.reproduce",
    "organology.experiments.preparing": "organology.reproduce.preparing",
    "organology.experiments.report": "organology.reproduce.report",
    "organology.experiments.run": "organology.reproduce.run",
    "organology.recognition.batch": "organology.batch.executor",
    "organology.recognition.inputs": "organology.audio.inputs",
    "organology.recognition.job": "organology.batch.job",
    "organology.recognition.modelfile": "organology.recognition.onnx_model",
    "organology.recognition.query_table": "organology.library.table",
    "organology.recognition.store": "organology.library.store",
    "organology.recognition.tags": "organology.filetags.writing",
    "organology.recognition.writers": "organology.outputs.registry",
}
"""Old name -> new name."""


class _Finder(MetaPathFinder, Loader):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return spec_from_loader(fullname, self) if fullname in MOVED else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        new = MOVED[spec.name]
        warnings.warn(f"{spec.name} is now {new}", DeprecationWarning, stacklevel=2)
        module = importlib.import_module(new)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its own spec back; it was executed under its new name."""
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state


def install() -> None:
    """Let the old names be importable."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
