"""Recipes of pre-training by a teacher: audio without labels, network, how it learns."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from organology.audio import SAMPLE_RATE
from organology.config import FORBID
from organology.corpora.tagging import ChunkConfig
from organology.mixing.config import MixingConfig
from organology.model.config import ModelConfig
from organology.model.heads import HEADS
from organology.training.config import (
    BaseRecipe,
    Schedule,
    ScheduleConfig,
    check,
    check_above_zero,
    check_at_least,
    check_input,
    check_share,
)


@dataclass(frozen=True, kw_only=True)
class DistillationConfig(ScheduleConfig):
    """How the network learns a teacher's scores. The defaults are ours.

    Attributes
    ----------
    optimizer : {"adam", "adamw"}
    learning_rate : float
        Of all weights.
    validation_mixtures : int
        Chunks of the validation split that are scored after each epoch, the same ones each time.
    test_mixtures : int
        Chunks of the test split that are scored at the end.
    test_split : {"test", "validation"}
        "validation": for corpora without a test split; other chunks of it than those that chose the best epoch.
    present_from : float
        For ROC-AUC and PR-AUC a label counts as present where the teacher's score is at least this.
    min_items : int
        These areas are reported for the labels that are so present in at least so many chunks, and absent in as many.

    The others are those of `ScheduleConfig`.
    """

    __pydantic_config__ = FORBID
    epochs: int = 100
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: float = 0.001
    schedule: Schedule = "cosine"
    final_factor: float = 0.01
    warmup_epochs: float = 1.0
    gradient_clip: float | None = 1.0
    validation_mixtures: int = 320
    test_mixtures: int = 1000
    test_split: Literal["test", "validation"] = "test"
    present_from: float = 0.1
    min_items: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_above_zero("learning_rate", self.learning_rate)
        check(0 < self.present_from < 1, f"present_from must be above 0 and below 1, got {self.present_from}")
        for name in ("validation_mixtures", "test_mixtures", "min_items"):
            check_at_least(1, name, getattr(self, name))


@dataclass(frozen=True)
class DistillationRecipe(BaseRecipe):
    """A pre-training by a teacher: audio, network, and how it learns.

    Attributes
    ----------
    teacher : path
        The published `.pt` file of EfficientAT mn04_as, whose 527 scores are learned, or a published `.pth` file of
        musicnn (Won et al., 2020), whose 50 are.
    teacher_tags : {"mtg-jamendo", "magnatagatune"}
        What a musicnn was trained on.
    corpora : tuple of path
        Prepared corpora of stems, of which mixtures are made; their labels are not learned (but `mixing.balance` may
        draw by them).
    recordings : tuple of path
        Prepared tagging corpora, of which chunks are read; their tags are not used.
    recording_share : float
        Share of the chunks of recordings, where there are both.
    name : str
        Of the run; left out: the recipe's file name.
    seed : int
        Of the audio, the new weights, dropout.
    mixing : MixingConfig
    chunks : ChunkConfig or None
        Of the recordings; None: as long as the mixtures.
    model : ModelConfig
    training : DistillationConfig
    """

    __pydantic_config__ = FORBID
    teacher: Path
    corpora: tuple[Path, ...] = ()
    recordings: tuple[Path, ...] = ()
    recording_share: float = 0.5
    teacher_tags: Literal["mtg-jamendo", "magnatagatune"] = "mtg-jamendo"
    name: str = ""
    seed: int = 0
    mixing: MixingConfig = field(default_factory=MixingConfig)
    chunks: ChunkConfig | None = None
    model: ModelConfig = field(default_factory=ModelConfig)
    training: DistillationConfig = field(default_factory=DistillationConfig)

    def __post_init__(self) -> None:
        check(bool(self.corpora or self.recordings), "corpora and recordings name no prepared folder")
        check_share("recording_share", self.recording_share)
        check_at_least(0, "seed", self.seed)
        rate = self.mixing.sample_rate
        check(rate == SAMPLE_RATE, f"mixing.sample_rate must be {SAMPLE_RATE}, the teacher's, got {rate}")
        only = HEADS[self.model.head].instruments_only
        check(not only, f"model.head: {self.model.head!r} knows only instruments")
        check(self.chunk_config.draw == "random", "chunks.draw must be random")
        same = self.chunk_config.chunk_frames == self.mixing.chunk_frames
        check(same, "chunks.chunk_seconds and mixing.chunk_seconds must be the same")
        check_input(self.model, "mixing", rate, self.mixing.chunk_frames)

    @property
    def chunk_config(self) -> ChunkConfig:
        """How chunks of recordings are drawn."""
        return self.chunks or ChunkConfig(chunk_seconds=self.mixing.chunk_seconds)
