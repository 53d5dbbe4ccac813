"""Scores of fixed items, and the files that hold them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch import Tensor

from organology.errors import OrganologyError
from organology.evaluation import Evaluation
from organology.evaluation.folder import write_evaluation
from organology.model.checkpoint import load_checkpoint
from organology.training.compute.memory_format import channels_last
from organology.training.compute.precision import autocast
from organology.training.config import Precision
from organology.training.data import Batch, one_line


@dataclass(frozen=True)
class Scored:
    """Targets and float32 scores of items, shape (n, n_labels), and the song of each.

    Targets are int8, or float32 where they are the scores of a teacher.
    """

    targets: NDArray[Any]
    scores: NDArray[np.float32]
    songs: NDArray[np.str_]


def score_batches(
    batches: Iterable[Any],
    n_items: int,
    score: Callable[[Tensor], NDArray[np.float32]],
    console: Console | None = None,
    targets_of: Callable[[Tensor], NDArray[np.float32]] | None = None,
    what: str = "mixtures",
) -> Scored:
    """Scores of all items of some batches.

    Parameters
    ----------
    batches : iterable of Batch
    n_items : int
        How many they are, for the progress bar.
    score : callable
        Waveforms (batch, samples) -> scores (batch, n_labels).
    console : rich.console.Console, optional
    targets_of : callable, optional
        Gives waveforms their targets; default: those of the batches.
    what : str
        What the items are.

    Raises
    ------
    OrganologyError
        If audio cannot be read.
    """
    targets: list[NDArray[Any]] = []
    scores: list[NDArray[np.float32]] = []
    songs: list[str] = []
    shown = track(batches, f"scoring {n_items} {what}", console=console or Console(stderr=True))
    try:
        for batch in shown:
            waveform, labels, names = Batch(*batch)
            targets.append(labels.numpy() if targets_of is None else targets_of(waveform))
            scores.append(score(waveform))
            songs += names
    except OrganologyError as error:
        raise one_line(error) from None
    return Scored(np.concatenate(targets), np.concatenate(scores), np.array(songs))


def score_checkpoint(
    checkpoint: Path,
    batches: Iterable[Any],
    n_items: int,
    device: str,
    precision: Precision,
    console: Console | None = None,
    teacher: Callable[[Tensor], Tensor] | None = None,
    what: str = "mixtures",
) -> Scored:
    """Scores that the network of a checkpoint gives; the targets are those of the batches, or a teacher's scores.

    Raises
    ------
    OrganologyError
        If the checkpoint or audio cannot be read.
    """
    network = load_checkpoint(checkpoint)[0].to(device)
    channels_last(network.backbone)

    @torch.inference_mode()
    def score(waveform: Tensor) -> NDArray[np.float32]:
        with autocast(device, precision):
            logits = network(waveform.to(device))
        return np.asarray(network.to_scores(logits.float()).cpu().numpy())

    def targets_of(waveform: Tensor) -> NDArray[np.float32]:
        assert teacher is not None
        return np.asarray(teacher(waveform.to(device)).cpu().numpy())

    return score_batches(batches, n_items, score, console, targets_of if teacher is not None else None, what)


def write_results(folder: Path, evaluation: Evaluation, scored: Scored, about: dict[str, Any]) -> None:
    """Write `evaluation.json`, `evaluation.md`, `evaluation.png` and `scores.npz`.

    Parameters
    ----------
    folder : path
        Made where it is missing.
    evaluation : Evaluation
    scored : Scored
    about : dict
        What was evaluated on what, as plain values.
    """
    arrays = {"targets": scored.targets, "scores": scored.scores, "songs": scored.songs}
    write_evaluation(folder, evaluation, arrays, about)
