"""Thresholds tuned anew, on more mixtures than a training validates on."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from rich.console import Console

from organology.evaluation import best_threshold, best_thresholds
from organology.model import load_checkpoint, save_checkpoint
from organology.taxonomy import LABELS
from organology.training.data import EVALUATION_SEED
from organology.training.recipe import Recipe
from organology.training.scoring import evaluate_model, load_scorer

TUNING_SEED = EVALUATION_SEED + 1
"""Of the mixtures that thresholds are tuned on: others than those whose loss chose the epoch."""


def tune_thresholds(
    folder: str | os.PathLike[str],
    recipe: Recipe,
    split: str = "validation",
    n_mixtures: int = 2000,
    p_musical: float = 1.0,
    workers: int | None = None,
    console: Console | None = None,
) -> dict[str, Any]:
    """Give a checkpoint the thresholds with the highest F1 on fixed mixtures of a split.

    Parameters
    ----------
    folder : path
        Checkpoint; its `model.json` is written anew.
    recipe : Recipe
        Its corpora, its mixing, and whether the checkpoint carries one threshold or one per label.
    split : str
    n_mixtures : int
    p_musical : float
    workers : int, optional
    console : rich.console.Console, optional

    Returns
    -------
    dict
        `single`, `per_label`, and on what they were tuned: what the provenance then holds under `thresholds`.

    Raises
    ------
    OrganologyError
        If the checkpoint, a corpus or a stem cannot be used.
    """
    network, metadata = load_checkpoint(folder)
    _, scored = evaluate_model(
        load_scorer(folder), recipe, split, n_mixtures, None, 0, TUNING_SEED, workers, p_musical, console
    )
    single = best_threshold(scored.targets, scored.scores)
    per_label = best_thresholds(scored.targets, scored.scores, default=single)
    by_label = {label: round(float(value), 6) for label, value in zip(LABELS, per_label, strict=True)}
    one = recipe.training.thresholds == "single"
    told = {
        "single": round(float(single), 6),
        "per_label": by_label,
        "tuned_on": f"{split}, {n_mixtures} mixtures, p_musical {p_musical}, highest F1 (single: macro F1)",
    }
    tuned = dataclasses.replace(
        metadata,
        thresholds=tuple(round(float(single), 6) if one else by_label[label] for label in metadata.labels),
        provenance={**metadata.provenance, "thresholds": told},
    )
    save_checkpoint(folder, network, tuned)
    return told
