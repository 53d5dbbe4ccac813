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

from organology.evaluation import (
    Reliability,
    best_threshold,
    best_thresholds,
    calibrated,
    calibrated_thresholds,
    fit_calibration,
    reliability,
)
from organology.model import InstrumentNet, load_checkpoint, save_checkpoint
from organology.model_metadata import Calibration, ModelMetadata
from organology.taxonomy import LABELS, raise_families
from organology.training.scoring import Scored, evaluate_model, load_scorer
from organology.training.transfer.data import EVALUATION_SEED
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
        Checkpoint; its `model.json` is written anew. What it was calibrated with before does not matter.
    recipe : Recipe
        Its corpora, its mixing, and whether the checkpoint carries one threshold or one per label.
    split : str
    n_mixtures : int
    p_musical : float
    calibrate : bool
        False: scores stay the sigmoids of the logits.
    workers : int, optional
    level_db : float, optional
        Level that the network is to hear at from now on (`InstrumentNet.hear_at`).
    console : rich.console.Console, optional

    Returns
    -------
    dict
        `thresholds` (`single`, `per_label`) and `calibration` (its error and Brier score before and after), with what
        they were tuned on: what the provenance then holds under these names.

    Raises
    ------
    OrganologyError
        If the checkpoint, a corpus or a stem cannot be used.
    """
    network, metadata = load_checkpoint(folder)
    network.calibrate(None)
    if level_db is not None:
        network.hear_at(level_db)
    scored = _unraised(folder, network, metadata, recipe, split, n_mixtures, p_musical, workers, console)
    basis = f"{split}, {n_mixtures} mixtures, p_musical {p_musical}"
    told: dict[str, Any] = {}
    scores, before = raise_families(scored.scores), scored.scores
    if calibrate:
        found = _rounded(fit_calibration(scored.targets, before))
        network.calibrate(_in_order(found, metadata.labels))
        scores = raise_families(calibrated(before, found).astype(np.float32))
        told["calibration"] = {
            "before": _told(reliability(scored.targets, raise_families(before))),
            "after": _told(reliability(scored.targets, scores)),
            "fitted_on": f"{basis}, highest likelihood",
        }
    single = round(float(best_threshold(scored.targets, scores)), 6)
    choose = calibrated_thresholds if calibrate else best_thresholds
    per_label = choose(scored.targets, scores, default=single)
    by_label = {label: round(float(value), 6) for label, value in zip(LABELS, per_label, strict=True)}
    told["thresholds"] = {
        "single": single,
        "per_label": by_label,
        "tuned_on": f"{basis}, {'half of the' if calibrate else 'at the'} highest F1 (single: at the highest macro F1)",
    }
    one = recipe.training.thresholds == "single"
    thresholds = tuple(single if one else by_label[label] for label in metadata.labels)
    provenance = {key: value for key, value in metadata.provenance.items() if key != "calibration"}
    save_checkpoint(
        folder, network, dataclasses.replace(metadata, thresholds=thresholds, provenance={**provenance, **told})
    )
    return told


def _unraised(
    folder: str | os.PathLike[str],
    network: InstrumentNet,
    metadata: ModelMetadata,
    recipe: Recipe,
    split: str,
    n_mixtures: int,
    p_musical: float,
    workers: int | None,
    console: Console | None,
) -> Scored:
    """Scores of a network that are neither calibrated nor raised to those of a family's instruments."""
    order = [metadata.labels.index(label) for label in LABELS]

    @torch.inference_mode()
    def score(waveform: Tensor) -> NDArray[np.float32]:
        return np.asarray(network(waveform).sigmoid().float().numpy()[:, order])

    scorer = dataclasses.replace(load_scorer(folder), score=score)
    return evaluate_model(scorer, recipe, split, n_mixtures, None, 0, TUNING_SEED, workers, p_musical, console)[1]


def _rounded(calibration: Calibration) -> Calibration:
    """As it is written."""
    return Calibration(
        tuple(max(round(slope, 6), 1e-6) for slope in calibration.slopes),
        tuple(round(offset, 6) for offset in calibration.offsets),
    )


def _in_order(calibration: Calibration, labels: tuple[str, ...]) -> Calibration:
    """A calibration of `LABELS` as one of the same labels in another order."""
    order = [LABELS.index(label) for label in labels]
    return Calibration(tuple(calibration.slopes[i] for i in order), tuple(calibration.offsets[i] for i in order))


def _told(measured: Reliability) -> dict[str, float]:
    return {"error": round(measured.error, 6), "brier": round(measured.brier, 6)}
