"""What is there of an experiment: its arms with their figures and resamples."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from organology.errors import ConfigError
from organology.evaluation import best_threshold, best_thresholds
from organology.labels.bradl15 import LABELS
from organology.reproduce.clips import FEWEST_PRESENT
from organology.reproduce.preparing import Request
from organology.reproduce.recipe import Changes, ExperimentRecipe
from organology.reproduce.run import TEST, TUNING, Outcome, load_scores
from organology.reproduce.runs import ArmFolder, RunSpec, described, folder_of, make_run_spec
from organology.reproduce.statistics import Sampled, columns_with, decisions, ranking
from organology.training.scoring import Scored

SINGLE, PER_CLASS = "single", "per class"
CLIPS = "clips"
"""Name of the real recordings among the test sets."""


@dataclass(frozen=True)
class ArmResult:
    """What came of one arm.

    Attributes
    ----------
    arm : RunSpec
    folder : ArmFolder
    tests : dict of str to dict of str to Sampled
        Ranking figures, by the name of the test set: its number of mixtures, or "clips".
    thresholds : dict of str to array
        `single` (one number) and `per class` (15), tuned on validation.
    decided : dict of str to dict of str to Sampled
        Figures at these thresholds on the largest test set.
    """

    arm: RunSpec
    folder: ArmFolder
    tests: dict[str, dict[str, Sampled]]
    thresholds: dict[str, Any]
    decided: dict[str, dict[str, Sampled]]


@dataclass(frozen=True)
class Results:
    """All arms of an experiment that are there.

    Attributes
    ----------
    recipe : ExperimentRecipe
    arms : list of ArmResult
        By transfer method, `p_musical` and seed.
    missing : list of dict
        Arms of the recipe that are not there: `transfer`, `p_musical` and `seed`.
    test_sets : dict of str to dict
        By name, the largest one of mixtures first, real recordings last: what they hold.
    """

    recipe: ExperimentRecipe
    arms: list[ArmResult]
    missing: list[dict[str, Any]]
    test_sets: dict[str, dict[str, Any]]

    @property
    def largest(self) -> str:
        """Name of the largest test set of mixtures."""
        return str(max(self.recipe.test.mixtures))

    def conditions(self) -> dict[str, list[ArmResult]]:
        """Arms that differ in the seed alone, under the name of what is varied."""
        by: dict[str, list[ArmResult]] = {}
        for result in self.arms:
            by.setdefault(self._name_of(result.arm), []).append(result)
        return by

    def _name_of(self, arm: RunSpec) -> str:
        if self.recipe.experiment == "sweep":
            return f"{arm.transfer}, p_musical {arm.p_musical:g}{described(arm.changes)}"
        varied = arm.transfer if self.recipe.experiment == "table1" else f"{arm.p_musical:g}"
        return f"{varied}{described(arm.changes)}"


def gather(request: Request, outcome: Outcome) -> Results:
    """Take up every arm of the experiment that is trained and scored, whoever asked for it.

    Beside the recipe's seeds and values of `p_musical` those are looked for that any arm of the folder has.
    """
    recipe, out = request.recipe, request.out
    known = [json.loads(path.read_text("utf-8")) for path in sorted((out / "arms").glob("*/arm.json"))]
    varied = recipe.experiment == "figure3"
    shares = sorted({*recipe.arms.p_musical, *(arm["p_musical"] for arm in known if varied)})
    wanted_seeds = set(request.seeds or recipe.seeds)
    seeds = sorted({*wanted_seeds, *(arm["seed"] for arm in known)})
    found, missing = [], []
    for transfer, share, changes, seed in itertools.product(
        recipe.arms.transfer, shares, recipe.arms.variants(), seeds
    ):
        result = _take_up((transfer, share, seed, changes), out, outcome, recipe)
        if result is not None:
            found.append(result)
        elif share in recipe.arms.p_musical and seed in {*recipe.seeds, *wanted_seeds}:
            varied_too = {"changes": dict(changes)} if changes else {}
            missing.append({"transfer": transfer, "p_musical": share, "seed": seed, **varied_too})
    return Results(recipe, found, missing, _test_sets(found, outcome, recipe))


def _take_up(
    settings: tuple[str, float, int, Changes], out: Path, outcome: Outcome, recipe: ExperimentRecipe
) -> ArmResult | None:
    try:
        arm = make_run_spec(outcome.setup, *settings, recipe.arms.of_transfer.get(settings[0]))
    except ConfigError:  # pre-trained weights are not there yet
        return None
    folder = folder_of(out, arm)
    places = {name: folder.scores(wanted.name) for name, wanted in outcome.sets.items()}
    if not folder.is_trained() or not all(place.is_file() for place in places.values()):
        return None
    test, tuning = load_scores(places[TEST]), load_scores(places[TUNING])
    n = recipe.test.bootstrap
    tests = {str(size): ranking(_first(test, size), n) for size in sorted(recipe.test.mixtures)}
    if outcome.clips is not None and folder.scores(outcome.clips.name).is_file():
        clips = load_scores(folder.scores(outcome.clips.name))
        columns = columns_with(clips.targets, FEWEST_PRESENT)
        if columns:
            tests[CLIPS] = ranking(clips, n, columns)
    single = best_threshold(tuning.targets, tuning.scores)
    thresholds = {SINGLE: single, PER_CLASS: best_thresholds(tuning.targets, tuning.scores, default=single)}
    decided = {
        name: decisions(test, np.broadcast_to(np.asarray(values), (len(LABELS),)), n)
        for name, values in thresholds.items()
    }
    return ArmResult(arm, folder, tests, thresholds, decided)


def _first(scored: Scored, size: int) -> Scored:
    return Scored(scored.targets[:size], scored.scores[:size], scored.songs[:size])


def _test_sets(found: list[ArmResult], outcome: Outcome, recipe: ExperimentRecipe) -> dict[str, dict[str, Any]]:
    if not found:
        return {}
    scored = load_scores(found[0].folder.scores(outcome.sets[TEST].name))
    sets = {str(size): _contents(_first(scored, size)) for size in sorted(recipe.test.mixtures, reverse=True)}
    clips = outcome.clips
    if clips is not None:
        whole = _contents(Scored(clips.targets, np.zeros(clips.targets.shape, np.float32), clips.groups))
        columns = columns_with(clips.targets, FEWEST_PRESENT)
        sets[CLIPS] = {**whole, "left_out": [label for i, label in enumerate(LABELS) if i not in columns]}
    return sets


def _contents(scored: Scored) -> dict[str, Any]:
    present, absent = ((scored.targets == value).sum(axis=0) for value in (1, 0))
    return {
        "items": len(scored.targets),
        "songs": len(np.unique(scored.songs)),
        "present": dict(zip(LABELS, present.tolist(), strict=True)),
        "left_out": [label for label, p, a in zip(LABELS, present, absent, strict=True) if not (p and a)],
    }
