"""Published taggers that can teach a network all they know: AudioSet's 527 labels, or the 50 tags of a music tagger."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from organology.labels import Vocabulary
from organology.model.taggers.musicnn import MusicTagger
from organology.training.teachers.audioset import AudioSetTeacher
from organology.training.teachers.tag_sets import TAG_SETS


class Teacher(Protocol):
    """Scores of any audio.

    Attributes
    ----------
    knows : str
        What it has scores of.
    labels : tuple of str
        In the order of the scores.
    """

    @property
    def knows(self) -> str:
        """What it has scores of."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the scores, in order."""

    def scores(self, waveform: Tensor) -> Tensor:
        """Probabilities: waveform (batch, samples) at 32 kHz -> (batch, n_labels), on the waveform's device."""

    def describe(self) -> dict[str, Any]:
        """What it is, for the provenance: model, file and its hash, number of labels."""


class MusicTeacher:
    """Scores of the 50 tags of musicnn, as published; it never learns and is in no checkpoint.

    It computes in float32, under autocast too.

    Parameters
    ----------
    path : path-like
        `jamendo_musicnn.pth` or `mtat_musicnn.pth` of sota-music-tagging-models (Won et al., 2020).
    tags : str
        Name of the tags that it was trained on, one of `TAG_SETS`.

    Raises
    ------
    ModelError
        If the file cannot be used.
    """

    def __init__(self, path: str | os.PathLike[str], tags: str) -> None:
        self.path, self._tags = Path(path), TAG_SETS[tags].name
        self._tagger = MusicTagger.from_published(path).requires_grad_(False)

    @property
    def knows(self) -> str:
        """What it has scores of."""
        return f"{self._tags} tags"

    @property
    def labels(self) -> tuple[str, ...]:
        """The tags, in the order of the scores."""
        return tag_names(self._tags)

    @torch.no_grad()
    def scores(self, waveform: Tensor) -> Tensor:
        """Probabilities: waveform (batch, samples) at 32 kHz -> (batch, 50), on the waveform's device."""
        self._tagger.to(waveform.device).eval()
        with torch.autocast(waveform.device.type, enabled=False):
            logits: Tensor = self._tagger(waveform.float())
        return logits.sigmoid()

    def describe(self) -> dict[str, Any]:
        """What it is, for the provenance: model, file and its hash, number of labels."""
        return {
            "model": f"musicnn (Pons and Serra, 2019; weights of Won et al., 2020), {self._tags}",
            "file": self.path.name,
            "sha256": hashlib.sha256(self.path.read_bytes()).hexdigest(),
            "labels": len(self.labels),
        }


def tag_names(tags: str) -> tuple[str, ...]:
    """The 50 tags of a set, as its tagging corpus calls them, in the order of a tagger's scores."""
    tag_set = TAG_SETS[tags]
    if tag_set.has_own_order:
        from organology.corpora.readers.jamendo import TAGS

        return tuple(TAGS)
    return tuple(Vocabulary.load(tag_set.vocabulary).entries)


def open_teacher(path: Path, tags: str) -> Teacher:
    """The teacher of a recipe: EfficientAT's file ends in `.pt`, a music tagger's in `.pth`.

    Parameters
    ----------
    path : path
    tags : str
        What a music tagger was trained on.

    Raises
    ------
    ModelError
        If the file cannot be used.
    """
    return MusicTeacher(path, tags) if path.suffix == ".pth" else AudioSetTeacher(path)
