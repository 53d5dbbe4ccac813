"""The loss, over targets of which some are unknown."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def masked_bce(logits: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Binary cross-entropy over the known targets.

    Parameters
    ----------
    logits : float tensor, shape (batch, n_labels)
    targets : int tensor, shape (batch, n_labels)
        1 present, 0 absent, -1 unknown: contributes neither to the sum nor to the count.
    label_smoothing : float
        Targets become `y (1 - s) + s / 2`.

    Returns
    -------
    tensor, shape ()
        Mean over the known targets of the batch, in nats; 0 if none is known.
    """
    known = targets >= 0
    smooth = targets.to(torch.float32).clamp(min=0) * (1 - label_smoothing) + label_smoothing / 2
    losses = F.binary_cross_entropy_with_logits(logits.float(), smooth, reduction="none")
    return torch.where(known, losses, 0.0).sum() / known.sum().clamp(min=1)


def transfer_loss(
    logits: Tensor,
    targets: Tensor,
    teacher_scores: Tensor | None = None,
    soft_weight: float = 0.0,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Masked cross-entropy of the labels, mixed with that of a teacher's scores where there is one.

    Parameters
    ----------
    logits, targets, label_smoothing
        See `masked_bce`.
    teacher_scores : float tensor, shape (batch, n_labels), optional
        Probabilities; all of them count, those of labels that are unknown too.
    soft_weight : float
        Share of the teacher, 0 ... 1.

    Returns
    -------
    tensor, shape ()
    """
    hard = masked_bce(logits, targets, label_smoothing)
    if teacher_scores is None:
        return hard
    soft = F.binary_cross_entropy_with_logits(logits.float(), teacher_scores.float())
    return (1 - soft_weight) * hard + soft_weight * soft
