"""Transfer of a network to the instruments, on Lightning.

The method is section 2.4 of Bradl, Huber and Pernkopf (2023): the fully connected layers are new; the backbone comes
from pre-training and is kept (`frozen`), or learns at a smaller rate (`finetuned`), or everything starts from random
weights (`scratch`). A `Recipe` says it all; `train` follows it and leaves a run folder.

Chance is a function of the recipe's seed and the epoch: the mixtures of an epoch are numbered, and torch's generator
is seeded anew at its start. So a run that was killed and resumed ends with the weights of an undisturbed one.
"""

from organology.training.recipe_files import load_recipe
from organology.training.transfer.recipe import Recipe, SoftTargets, TrainingConfig

__all__ = ["Recipe", "SoftTargets", "TrainingConfig", "load_recipe"]
