"""Training of networks, on Lightning: transfer to instruments, and the pre-trainings that it starts from.

`train` (in `run`) is the one loop. A recipe holds all settings of a run; its kind says which task gives data, network
and test: `transfer` (section 2.4 of Bradl, Huber and Pernkopf, 2023), `tag_pretraining` or `distillation`.

Chance is a function of the recipe's seed and the epoch: the mixtures of an epoch are numbered, and torch's generator
is seeded anew at its start. So a run that was killed and resumed ends with the weights of an undisturbed one.

Names are imported when they are asked for, and recipes are read without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from organology.training.recipes import load_pretraining_recipe, load_recipe
    from organology.training.teachers.config import SelfTraining, SoftTargets
    from organology.training.transfer.recipe import Recipe, TrainingConfig

_MODULE_OF = {
    "Recipe": "transfer.recipe",
    "SelfTraining": "teachers.config",
    "SoftTargets": "teachers.config",
    "TrainingConfig": "transfer.recipe",
    "load_pretraining_recipe": "recipes",
    "load_recipe": "recipes",
}

__all__ = ["Recipe", "SelfTraining", "SoftTargets", "TrainingConfig", "load_pretraining_recipe", "load_recipe"]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
