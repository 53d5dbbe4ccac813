"""Calibration and thresholds of a finished model, from more mixtures than a training validates on."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor

from organology.errors import ConfigError
from organology.evaluation import (
    Reliability,
    best_threshold,
    best_thresholds,
    calibrated,
    calibrated_thresholds,
    enough,
    fit_calibration,
    reliability,
)
from organology.model.checkpoint import load_checkpoint, save_checkpoint
from organology.model.network import InstrumentNet
from organology.model_metadata import Calibration
from organology.training.data import EVALUATION_SEED
from organology.training.scoring.evaluating import evaluate_model, set_to_evaluate
from organology.training.scoring.scorer import load_scorer
from organology.training.scoring.scores import Scored
from organology.training.transfer.recipe import Recipe

TUNING_SEED = EVALUATION_SEED + 1
"""Of the mixtures that a model is tuned on: others than those whose loss chose the epoch."""


def tune(
    folder: str | os.PathLike[str],
    recipe: Recipe,
    split: str = "validation",
    n_mixtures: int = 2000,
    p_musical: float = 1.0,
    calibrate: bool = True,
    workers: int | None = None,
    level_db: float | None = None,
    console: Console | None = None,
) -> dict[str, Any]:
    """Give a checkpoint calibrated scores, and thresholds for a high F1, on fixed mixtures of a split.

    Calibrated scores get `calibrated_thresholds`, others those with the highest F1 on these mixtures.

    Parameters
    ----------
    folder : path
        Checkpoint; its `model.json` is written anew. Labels that are present or absent in fewer than 10 mixtures keep
        calibration and threshold of a model that was trained on or averaged; else what was before does not matter.
        Presets are dropped.
    recipe : Recipe
        Its corpora, its mixing, and whether the checkpoint carries one threshold or one per label.
    split : str
    n_mixtures : int
    p_musical : float
    calibrate : bool
        False: scores stay the sigmoids of the logits.
    workers : int, optional
    level_db : float, optional
        Level that the network brings its input to from now on (`InstrumentNet.set_level`).
    console : rich.console.Console, optional

    Returns
    -------
    dict
        `thresholds` (`single`, `per_label`) and `calibration` (its error and Brier score before and after), with what
        they were tuned on: the entries of these names in the provenance.

    Raises
    ------
    OrganologyError
        If the checkpoint, a corpus or a stem cannot be used, or the recipe names other labels than the checkpoint's.
    """
    network, metadata = load_checkpoint(folder)
    has_parents = not {"init_from", "average_of"}.isdisjoint(metadata.provenance)
    had = metadata.calibration if calibrate and has_parents else None
    network.calibrate(None)
    if level_db is not None:
        network.set_level(level_db)
    scored = _unraised(folder, network, recipe, split, n_mixtures, p_musical, workers, console)
    basis = f"{split}, {n_mixtures} mixtures, p_musical {p_musical}"
    tuned: dict[str, Any] = {}
    label_set = metadata.label_set
    scores, before = label_set.raise_parents(scored.scores), scored.scores
    if calibrate:
        found = _rounded(fit_calibration(scored.targets, before, had))
        network.calibrate(found)
        scores = label_set.raise_parents(calibrated(before, found).astype(np.float32))
        tuned["calibration"] = {
            "before": _plain(reliability(scored.targets, label_set.raise_parents(before))),
            "after": _plain(reliability(scored.targets, scores)),
            "fitted_on": f"{basis}, highest likelihood",
        }
    single = round(float(best_threshold(scored.targets, scores)), 6)
    choose = calibrated_thresholds if calibrate else best_thresholds
    per_label = choose(scored.targets, scores, default=single)
    kept = ~enough(scored.targets) if had is not None else np.zeros(len(per_label), np.bool_)
    per_label = np.where(kept, metadata.thresholds, per_label)
    by_label = {label: round(float(value), 6) for label, value in zip(label_set.labels, per_label, strict=True)}
    tuned["thresholds"] = {
        "single": single,
        "per_label": by_label,
        "kept": [label for label, same in zip(label_set.labels, kept, strict=True) if same],
        "tuned_on": f"{basis}, {'half of the' if calibrate else 'at the'} highest F1 (single: at the highest macro F1)",
    }
    one = recipe.training.thresholds == "single"
    thresholds = tuple(single if one else by_label[label] for label in label_set.labels)
    provenance = {key: value for key, value in metadata.provenance.items() if key != "calibration"} | tuned
    described = dataclasses.replace(metadata, thresholds=thresholds, presets={}, provenance=provenance)
    save_checkpoint(folder, network, described)
    return tuned


def _unraised(
    folder: str | os.PathLike[str],
    network: InstrumentNet,
    recipe: Recipe,
    split: str,
    n_mixtures: int,
    p_musical: float,
    workers: int | None,
    console: Console | None,
) -> Scored:
    """Scores of a network that are neither calibrated nor raised to those of a label's children."""

    @torch.inference_mode()
    def score(waveform: Tensor) -> NDArray[np.float32]:
        return np.asarray(network(waveform).sigmoid().float().numpy())

    scorer = dataclasses.replace(load_scorer(folder), score=score)
    wanted = set_to_evaluate(scorer, recipe)
    if wanted != scorer.label_set:
        raise ConfigError(
            f"{folder}: it is tuned on its own labels, those of {scorer.label_set.name}; the recipe or --labels names "
            f"{wanted.name}"
        )
    return evaluate_model(scorer, recipe, split, n_mixtures, None, 0, TUNING_SEED, workers, p_musical, console)[1]


def _rounded(calibration: Calibration) -> Calibration:
    """As it is written."""
    return dataclasses.replace(
        calibration,
        slopes=tuple(max(round(slope, 6), 1e-6) for slope in calibration.slopes),
        offsets=tuple(round(offset, 6) for offset in calibration.offsets),
    )


def _plain(measured: Reliability) -> dict[str, float]:
    return {"error": round(measured.error, 6), "brier": round(measured.brier, 6)}
