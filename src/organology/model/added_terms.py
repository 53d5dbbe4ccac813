"""The terms of a calibration in frames: what `model_metadata.FrameTerms` says, computed."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from organology.labels import LabelSet
from organology.model_metadata import MOST_TERM_CHANGE, MOST_TERM_LOGIT, FrameTerms

_LEAST_SCORE = 1e-6
"""Scores are cut at it before logits are taken of them."""


class AddedTerms(nn.Module):
    """Calibrated scores of frames -> the same with terms added; parents and children are not made consistent.

    Parameters
    ----------
    terms : FrameTerms
    label_set : LabelSet
        Of the scores.
    """

    offsets: Tensor
    of_frame: Tensor
    of_window: Tensor

    def __init__(self, terms: FrameTerms, label_set: LabelSet) -> None:
        super().__init__()
        columns, n_labels = [label_set.index(label) for label in terms.labels], len(label_set)
        rows, among = torch.tensor(columns), torch.zeros(n_labels, n_labels)
        offsets = torch.zeros(n_labels).index_put((rows,), torch.tensor(terms.offsets))
        self.register_buffer("offsets", offsets, persistent=False)
        for name in ("of_frame", "of_window"):  # from rows of the labels with terms to columns of all labels
            weights = among.index_put((rows[None], rows[:, None]), torch.tensor(getattr(terms, name)))
            self.register_buffer(name, weights, persistent=False)

    def forward(self, windows: Tensor, frames: Tensor) -> Tensor:
        """Scores (batch, n_labels) and (batch, n_frames, n_labels) -> scores of the shape of `frames`."""
        logits, by_window = _logits(frames), _cut(_logits(windows)) @ self.of_window + self.offsets
        change = _cut(logits) @ self.of_frame + by_window[:, None]
        return torch.sigmoid(logits + change.clamp(-MOST_TERM_CHANGE, MOST_TERM_CHANGE))


def _logits(scores: Tensor) -> Tensor:
    within = scores.clamp(_LEAST_SCORE, 1 - _LEAST_SCORE)
    return torch.log(within) - torch.log(1 - within)


def _cut(logits: Tensor) -> Tensor:
    return logits.clamp(-MOST_TERM_LOGIT, MOST_TERM_LOGIT)
