"""The loss, over targets of which some are unknown."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from organology.training.parallel.collectives import mean, n_processes


def masked_bce(logits: Tensor, targets: Tensor) -> Tensor:
    """Binary cross-entropy over the known targets.

    Parameters
    ----------
    logits : float tensor, shape (batch, n_labels)
    targets : int tensor, shape (batch, n_labels)
        1 present, 0 absent, -1 unknown: contributes neither to the sum nor to the count.

    Returns
    -------
    tensor, shape ()
        Mean over the known targets of the batch, in nats; 0 if none is known. With several processes their mean is
        that of the whole batch, although the shares have different numbers of known targets.
    """
    known = targets >= 0
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    wanted = targets.to(logits.dtype).clamp(min=0)
    losses = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    n_known = mean(known.sum().to(logits.dtype)).clamp(min=1 / n_processes())
    return torch.where(known, losses, 0.0).sum() / n_known


def transfer_loss(
    logits: Tensor,
    targets: Tensor,
    teacher_scores: Tensor | None = None,
    soft_weight: float = 0.0,
    teacher_knows: Tensor | None = None,
) -> Tensor:
    """Masked cross-entropy of the labels, mixed with that of a teacher's scores where there is one.

    Parameters
    ----------
    logits, targets
        See `masked_bce`.
    teacher_scores : float tensor, shape (batch, n_labels), optional
        Probabilities; they count for labels whose target is unknown, too.
    soft_weight : float
        Share of the teacher, 0 ... 1.
    teacher_knows : bool tensor, shape (n_labels,), optional
        The labels that the teacher gives scores of; default: all.

    Returns
    -------
    tensor, shape ()
    """
    hard = masked_bce(logits, targets)
    if teacher_scores is None:
        return hard
    logits, wanted = logits.float(), teacher_scores.float()
    if teacher_knows is not None and not teacher_knows.all():
        logits, wanted = logits[:, teacher_knows], wanted[:, teacher_knows]
    soft = F.binary_cross_entropy_with_logits(logits, wanted)
    return (1 - soft_weight) * hard + soft_weight * soft
