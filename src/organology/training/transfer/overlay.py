"""Mixtures, whose labels are known, on top of recordings, of which a model tells what they hold."""

from __future__ import annotations

import torch
from torch import Tensor

from organology.taxonomy import PRESENT, UNKNOWN

_LEAST = 1e-6  # root mean square that counts as silence


def overlay(
    recordings: Tensor,
    scores: Tensor,
    mixtures: Tensor,
    labels: Tensor,
    probability: float,
    level_db: tuple[float, float],
) -> tuple[Tensor, Tensor, Tensor]:
    """Add a mixture, drawn at random, to some of the recordings.

    Parameters
    ----------
    recordings : float tensor, shape (n, samples)
    scores : float tensor, shape (n, n_labels)
        What they hold, 0 ... 1.
    mixtures : float tensor, shape (m, samples)
    labels : int tensor, shape (m, n_labels)
        1 present, 0 absent, -1 unknown.
    probability : float
        Of a mixture on top of a recording.
    level_db : (float, float)
        Of the mixture, over that of the recording; drawn evenly.

    Returns
    -------
    recordings : tensor, shape (n, samples)
    targets : tensor, shape (n, n_labels)
        1 where the mixture on top has the label, else the recording's score.
    known : bool tensor, shape (n, n_labels)
        False where it is unknown whether the mixture on top has the label.
    """
    n = len(recordings)
    which = torch.randint(len(mixtures), (n,)).to(recordings.device)
    lowest, highest = level_db
    drawn = torch.rand(2, n, 1).to(recordings.device)
    chosen = drawn[0] < probability
    top, on_top = mixtures[which], labels[which]
    gain = 10 ** ((lowest + (highest - lowest) * drawn[1]) / 20) * _level(recordings) / _level(top).clamp(min=_LEAST)
    targets = torch.where(chosen & (on_top == PRESENT), 1.0, scores)
    return recordings + chosen * gain * top, targets, ~(chosen & (on_top == UNKNOWN))


def _level(waveform: Tensor) -> Tensor:
    return waveform.square().mean(1, keepdim=True).sqrt()
