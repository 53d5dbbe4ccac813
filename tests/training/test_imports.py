"""What importing and reading costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

RECIPES = Path(__file__).parents[2] / "src/organology/recipes"


def modules_after(code: str) -> set[str]:
    """Top-level modules that a fresh process has loaded after some code."""
    script = f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_load_recipe_of_every_kind_imports_no_torch() -> None:
    code = (
        "from organology.training import load_pretraining_recipe, load_recipe\n"
        f"load_recipe({str(RECIPES / 'shipped' / 'self_trained.yaml')!r})\n"
        f"load_pretraining_recipe({str(RECIPES / 'pretraining.yaml')!r})\n"
        f"load_pretraining_recipe({str(RECIPES / 'teacher_pretraining.yaml')!r})"
    )
    loaded = modules_after(code)
    assert "organology" in loaded and not {"torch", "lightning"} & loaded


def test_verbs_of_models_import_nothing_heavy() -> None:
    verbs = ("average", "distill", "evaluate", "import_model", "pretrain", "reproduce", "train", "tune")
    loaded = modules_after(f"from organology.cli.models import {', '.join(verbs)}")
    assert not {"torch", "lightning", "pydantic", "numpy", "yaml"} & loaded
