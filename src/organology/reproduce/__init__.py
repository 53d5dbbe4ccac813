"""The experiments of Bradl, Huber and Pernkopf (2023), run and reported: table 1, figure 3, figure 4.

An experiment is a set of *arms*: trainings that differ in one thing (transfer method, `p_musical`) and in the seed.
Each arm is identified by its settings and by what the data hold, so that experiments in one folder share the arms they
have in common, and a folder can be filled bit by bit, by several processes, and after any interruption:

* `recipe`: an experiment as YAML files, at one of three scales;
* `arms`: what has to be trained, and where it lies;
* `run`: training and scoring arm by arm;
* `results`, `claims`, `report`, `pictures`: what is there as figures with intervals, in words, on a page, as pictures.
"""

from organology.reproduce.recipe import ExperimentRecipe, load_experiment

__all__ = ["ExperimentRecipe", "load_experiment"]
