"""Settings of teachers; no torch is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from organology.config import FORBID
from organology.training.config import check, check_at_least, check_share


@dataclass(frozen=True)
class SoftTargets:
    """Scores of the published AudioSet tagger as further targets: "Distilling the knowledge in a neural network".

    The loss becomes `(1 - weight) * BCE(labels) + weight * BCE(teacher's scores)`, which keeps a fine-tuned network
    from forgetting what the mixtures do not hold (Hinton et al., 2015; not in the paper of this project).

    Attributes
    ----------
    teacher : path
        The published `.pt` file of EfficientAT mn04_as.
    weight : float
        0 ... 1.
    """

    __pydantic_config__ = FORBID
    teacher: Path
    weight: float = 0.5

    def __post_init__(self) -> None:
        check_share("soft_targets.weight", self.weight)


@dataclass(frozen=True)
class SelfTraining:
    """Recordings without labels among the mixtures, with pseudo-labels: the scores of a finished model.

    The network that learns starts as this model, head included.

    A music tagger may contribute to the pseudo-labels, and so hand on what it learned from real music; see
    `PseudoLabeler`. The loss becomes `(1 - weight) * loss(mixtures) + weight * BCE(pseudo-labels of recordings)`.
    "Self-training with noisy student" (Xie et al., 2020) and distillation; not in the paper of this project.

    Attributes
    ----------
    recordings : tuple of path
        Prepared tagging corpora; their tags are not used.
    model : path
        Checkpoint folder of the finished model.
    tagger : path or None
        Published weights of musicnn on MTG-Jamendo (`musicnn.pth`).
    tagger_share : float
        Share of the tagger in the pseudo-labels that it contributes to.
    tagger_labels : tuple of str
        The labels that it contributes to; empty: all that it has tags for.
    per_batch : int
        Recordings in a batch, beside its `batch_size` mixtures.
    weight : float
        0 ... 1.
    gain_db : (float, float)
        Lowest and highest gain of a recording, drawn evenly.
    """

    __pydantic_config__ = FORBID
    recordings: tuple[Path, ...]
    model: Path
    tagger: Path | None = None
    tagger_share: float = 0.5
    tagger_labels: tuple[str, ...] = ()
    per_batch: int = 8
    weight: float = 1 / 3
    gain_db: tuple[float, float] = (-12.0, 3.0)

    def __post_init__(self) -> None:
        check(len(self.recordings) > 0, "self_training.recordings names no prepared folder")
        check_share("self_training.tagger_share", self.tagger_share)
        check_share("self_training.weight", self.weight)
        check_at_least(1, "self_training.per_batch", self.per_batch)
        lowest, highest = self.gain_db
        check(lowest <= highest, f"self_training.gain_db must be a lowest and a highest gain, got {self.gain_db}")
