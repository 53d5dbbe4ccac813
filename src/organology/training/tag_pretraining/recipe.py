"""Recipes of pre-training on tags: tagged recordings, network, how it learns."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from organology.audio import SAMPLE_RATE
from organology.config import FORBID
from organology.corpora.tagging import ChunkConfig
from organology.model.config import ModelConfig
from organology.model.heads import HEADS
from organology.training.config import BaseRecipe, LoopConfig, check, check_above_zero, check_at_least, check_input

Optimizer = Literal["adam", "adamw", "sgd"]


@dataclass(frozen=True)
class Phase:
    """A stretch of the training with one optimizer and one learning rate.

    Attributes
    ----------
    optimizer : {"adam", "adamw", "sgd"}
        "sgd": with Nesterov's momentum of 0.9.
    learning_rate : float
    after_epochs : int
        The phase begins when so many epochs are done, from the weights with the lowest validation loss so far and
        with a fresh optimizer. It lasts until the next one.
    """

    __pydantic_config__ = FORBID
    optimizer: Optimizer
    learning_rate: float
    after_epochs: int = 0

    def __post_init__(self) -> None:
        check_above_zero("learning_rate", self.learning_rate)
        check_at_least(0, "after_epochs", self.after_epochs)


WON = (Phase("adam", 1e-4), Phase("sgd", 1e-3, 80), Phase("sgd", 1e-4, 100), Phase("sgd", 1e-5, 120))
"""Won, Ferraro, Bogdanov and Serra (2020), as in their published code."""


@dataclass(frozen=True, kw_only=True)
class PretrainingConfig(LoopConfig):
    """How the network learns tags. Defaults: Won et al. (2020), which the paper's CNN is taken from.

    Attributes
    ----------
    epochs, batches_per_epoch, batch_size : int
        Chunks are drawn at random, so an epoch is a number of batches; 2 000 of 16 are as many chunks as
        MTG-Jamendo's training split has tracks.
    phases : tuple of Phase
        In order; the first one begins after 0 epochs.
    validation_tracks : int or None
        After each epoch one chunk of so many tracks of the validation split is scored, the same ones each time, spread
        evenly over the split; None, or more than there are: of every track.
    test_tracks : int or None
        The same of the test split, for the metrics at the end.
    test_chunks_per_track : int
        Scores of a track are the mean over so many chunks of it. Won et al. take 16.

    The others are those of `LoopConfig`.
    """

    __pydantic_config__ = FORBID
    epochs: int = 200
    batches_per_epoch: int = 2000
    phases: tuple[Phase, ...] = WON
    weight_decay: float = 0.0001
    validation_tracks: int | None = 2000
    test_tracks: int | None = None
    test_chunks_per_track: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("validation_tracks", "test_tracks", "test_chunks_per_track"):
            if getattr(self, name) is not None:
                check_at_least(1, name, getattr(self, name))
        starts = [phase.after_epochs for phase in self.phases]
        in_order = bool(starts) and starts[0] == 0 and starts == sorted(set(starts))
        check(in_order, f"phases must begin after 0 epochs and each after the one before, got {starts}")

    def phase(self, epoch: int) -> Phase:
        """The phase of an epoch, counted from 0."""
        return next(phase for phase in reversed(self.phases) if phase.after_epochs <= epoch)


@dataclass(frozen=True)
class PretrainingRecipe(BaseRecipe):
    """A pre-training: tagged recordings, network, and how it learns.

    Attributes
    ----------
    corpora : tuple of path
        Prepared tagging corpora with the same tags.
    name : str
        Of the run; left out: the recipe's file name.
    seed : int
        Of the chunks, the new weights, dropout.
    chunks : ChunkConfig
        How chunks are drawn; for validation and test they are taken in turn.
    model : ModelConfig
    training : PretrainingConfig
    """

    __pydantic_config__ = FORBID
    corpora: tuple[Path, ...]
    name: str = ""
    seed: int = 0
    chunks: ChunkConfig = field(default_factory=ChunkConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: PretrainingConfig = field(default_factory=PretrainingConfig)

    def __post_init__(self) -> None:
        check(len(self.corpora) > 0, "corpora names no prepared folder")
        check_at_least(0, "seed", self.seed)
        check(self.chunks.draw == "random", "chunks.draw must be random: the order of the table teaches badly")
        only = HEADS[self.model.head].instruments_only
        check(not only, f"model.head: {self.model.head!r} knows only instruments, no tags")
        check_input(self.model, "chunks", SAMPLE_RATE, self.chunks.chunk_frames)
