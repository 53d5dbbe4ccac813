"""The network: front end, backbone and head behind one configuration."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from organology.errors import ModelError
from organology.labels import LabelSet, default_set
from organology.model.added_terms import AddedTerms
from organology.model.backbones import BACKBONES
from organology.model.checkpoint_files import read_checkpoint
from organology.model.config import MAX_GAIN_DB, ModelConfig
from organology.model.frontend import MelFrontend
from organology.model.heads import HEADS
from organology.model.registry import build, load_target
from organology.model.weights import load_state, part
from organology.model_metadata import Calibration, label_set_of

FRAME_CONTEXT = 3
"""Embeddings over time of which a frame's score is taken: fewer waver, more blur the edges."""


class InstrumentNet(nn.Module):
    """Waveform -> logits of the labels.

    Parameters
    ----------
    config : ModelConfig
    labels : LabelSet or iterable of str, optional
        The outputs: a label set, or the names of another task's (the 50 tags of a pre-training). Default:
        `default_set()`.

    Attributes
    ----------
    config : ModelConfig
        With the front end's settings written out.
    label_set : LabelSet
    labels : tuple of str
    frontend, backbone, head : torch.nn.Module
        `backbone.embedding_size` is what the head takes.
    calibration : Calibration or None
        What `calibrate` was given.

    Examples
    --------
    >>> net = InstrumentNet(ModelConfig("mobilenet", "linear")).eval()
    >>> net(torch.zeros(2, 128_000)).shape
    torch.Size([2, 15])
    """

    family_table: Tensor
    parents: Tensor
    slopes: Tensor
    offsets: Tensor

    def __init__(self, config: ModelConfig, labels: LabelSet | Iterable[str] | None = None) -> None:
        super().__init__()
        self.config = replace(config, frontend=config.frontend_config)
        self.label_set = labels if isinstance(labels, LabelSet) else label_set_of(labels) if labels else default_set()
        self.frontend = MelFrontend(config.frontend_config)
        self.backbone: Any = build(BACKBONES[config.backbone], config)
        self.head: Any = build(HEADS[config.head], config, self.backbone.embedding_size, self.label_set)
        self.register_buffer("family_table", _family_table(self.label_set), persistent=False)
        self.register_buffer("parents", _parents(self.label_set), persistent=False)
        self._frozen: tuple[nn.Module, ...] = ()
        self.register_buffer("slopes", torch.ones(len(self.labels)), persistent=False)
        self.register_buffer("offsets", torch.zeros(len(self.labels)), persistent=False)
        self._terms: AddedTerms | None = None
        self.calibrate(None)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the outputs, in order."""
        return self.label_set.labels

    def forward(self, waveform: Tensor) -> Tensor:
        """Logits: waveform (batch, samples) at the front end's sample rate -> (batch, n_labels)."""
        logits: Tensor = self.head(self.embed(waveform))
        return logits

    def embed(self, waveform: Tensor) -> Tensor:
        """Embeddings: waveform (batch, samples) -> (batch, backbone.embedding_size)."""
        embedding: Tensor = self.backbone(self.frontend(waveform))
        return embedding

    def scores(self, waveform: Tensor) -> Tensor:
        """Scores in 0 ... 1, no label below its children: waveform (batch, samples) -> (batch, n_labels)."""
        return self.to_scores(self(waveform))

    def frame_scores(self, waveform: Tensor) -> Tensor:
        """Scores of frames: waveform (batch, samples) -> (batch, n_frames, n_labels).

        Needs a backbone that gives `frames`. A frame is scored by the mean of `FRAME_CONTEXT` embeddings around it.
        """
        _, frames = self.window_and_frames(self.backbone.frames(self.frontend(waveform)))
        return frames

    def window_and_frames(self, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of windows (batch, n_labels) and of frames (batch, n_frames, n_labels).

        Parameters
        ----------
        embeddings : tensor, shape (batch, n_frames, embedding_size)
            As the backbone's `frames` gives them.
        """
        n_frames, size = embeddings.shape[1:]
        over_time = embeddings.transpose(1, 2)
        around = nn.functional.avg_pool1d(over_time, FRAME_CONTEXT, 1, FRAME_CONTEXT // 2, count_include_pad=False)
        both = torch.cat([over_time.mean(2, keepdim=True), around], dim=2).transpose(1, 2)
        scores = self.to_scores(self.head(both.reshape(-1, size))).reshape(-1, 1 + n_frames, len(self.labels))
        return scores[:, 0], self.with_terms(scores[:, 0], scores[:, 1:])

    def with_terms(self, windows: Tensor, frames: Tensor) -> Tensor:
        """Scores of frames with the calibration's terms added, no label below its children; the same shape.

        Parameters
        ----------
        windows : tensor, shape (batch, n_labels)
        frames : tensor, shape (batch, n_frames, n_labels)
            Calibrated scores, without terms.
        """
        return frames if self._terms is None else self._consistent(self._terms(windows, frames))

    def to_scores(self, logits: Tensor) -> Tensor:
        """Logits -> calibrated scores in 0 ... 1, no label below its children; shape (batch, n_labels) is kept."""
        return self._consistent(torch.sigmoid(logits * self.slopes + self.offsets))

    def _consistent(self, scores: Tensor) -> Tensor:
        """No label below its children, which are capped or their parents raised; shape (..., n_labels)."""
        capped = getattr(self.head, "capped", None)
        if capped is None:
            return scores[..., self.family_table].amax(-1)
        raised = (scores * (1 - capped))[..., self.family_table].amax(-1)
        return torch.where(capped > 0, torch.minimum(scores, raised[..., self.parents]), raised)

    def set_level(self, level_db: float | None, max_gain_db: float = MAX_GAIN_DB) -> None:
        """Bring every waveform to this level first (as in `FrontendConfig`); None: leave it as it is."""
        frontend = replace(self.frontend.config, level_db=level_db, max_gain_db=max_gain_db)
        self.config = replace(self.config, frontend=frontend)
        self.frontend = MelFrontend(frontend).to(self.family_table.device)

    def calibrate(self, calibration: Calibration | None) -> None:
        """Let scores (not logits) be calibrated from now on; None: let them be the sigmoids of the logits.

        The calibration is no part of the weights: `save_checkpoint` puts it into the metadata, from where
        `load_checkpoint` takes it.
        """
        self.calibration = calibration
        n_labels = len(self.labels)
        slopes = torch.ones(n_labels) if calibration is None else torch.tensor(calibration.slopes)
        offsets = torch.zeros(n_labels) if calibration is None else torch.tensor(calibration.offsets)
        if slopes.shape != self.slopes.shape:
            raise ModelError(f"a calibration of {len(slopes)} labels for a network of {n_labels}")
        self.slopes.copy_(slopes)
        self.offsets.copy_(offsets)
        terms = None if calibration is None else calibration.frame_terms
        self._terms = None if terms is None else AddedTerms(terms, self.label_set).to(self.slopes.device)

    def freeze_backbone(self, learn_last: int = 0) -> None:
        """Let the backbone learn no more, but for its last `learn_last` stages.

        Frozen stages get no gradients and stay in eval mode (batch norms use and keep their running statistics),
        whatever `train()` says later.

        Parameters
        ----------
        learn_last : int
            How many of `backbone.stages()`, counted from the output, go on learning.
        """
        stages = self.backbone.stages()
        if not 0 <= learn_last <= len(stages):
            raise ValueError(f"learn_last is between 0 and {len(stages)}, not {learn_last}")
        self.backbone.requires_grad_(True)
        self._frozen = stages[: len(stages) - learn_last]
        for stage in self._frozen:
            stage.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """As of any module, but what is frozen stays in eval mode."""
        super().train(mode)
        for stage in self._frozen:
            stage.eval()
        return self

    def backbone_parameters(self) -> Iterator[nn.Parameter]:
        """The parameters of the backbone that learn."""
        return (p for p in self.backbone.parameters() if p.requires_grad)

    def head_parameters(self) -> Iterator[nn.Parameter]:
        """The parameters of the head that learn."""
        return (p for p in self.head.parameters() if p.requires_grad)

    def load_pretrained(self, path: str | os.PathLike[str]) -> None:
        """Fill the backbone with weights trained on another task; the head stays as it is.

        The frozen classifier inside the head "anchored" belongs to the backbone and is filled with it.

        Parameters
        ----------
        path : path
            A file of the backbone's published weights (EfficientAT's `mn04_as_mAP_432.pt`), or a checkpoint folder.

        Raises
        ------
        ModelError
            If it cannot be read, or was made for another backbone or front end.
        """
        made_for, backbone, classifier = self._read_pretrained(Path(path))
        if made_for.backbone != self.config.backbone:
            raise ModelError(f"{path}: weights of a {made_for.backbone} backbone; this one is {self.config.backbone}")
        if made_for.frontend_config != self.config.frontend_config:
            raise ModelError(f"{path}: the weights were trained behind another front end: {made_for.frontend_config}")
        if hasattr(self.head, "classifier"):
            if not classifier:
                raise ModelError(f"{path}: no AudioSet classifier in it, which the head {self.config.head!r} needs")
            load_state(self.head.classifier, classifier, path)
        load_state(self.backbone, backbone, path)

    def _read_pretrained(self, path: Path) -> tuple[ModelConfig, dict[str, Tensor], dict[str, Tensor]]:
        """What the weights were made for, those of the backbone, and those of a classifier if there is one."""
        if path.is_dir():
            made_for, _, state = read_checkpoint(path)
            return made_for, part(state, "backbone"), part(state, "head.classifier")
        published = [entry for entry in BACKBONES if entry.published is not None]
        own = BACKBONES[self.config.backbone]
        entry = own if own.published is not None else published[0]  # whose name the error then tells
        state = load_target(str(entry.published))(path)
        return ModelConfig(entry.name), part(state, "backbone"), part(state, "classifier")


def _family_table(label_set: LabelSet) -> Tensor:
    """For each label its own column and those of all labels below it, padded with its own."""
    rows = [[i] for i in range(len(label_set))]
    for j, label in enumerate(label_set.labels):
        while (parent := label_set.parents.get(label)) is not None:
            rows[label_set.index(parent)].append(j)
            label = parent
    longest = max(map(len, rows))
    return torch.tensor([row + row[:1] * (longest - len(row)) for row in rows])


def _parents(label_set: LabelSet) -> Tensor:
    """For each label the column of its parent, or its own."""
    return torch.tensor([label_set.index(label_set.parents.get(label, label)) for label in label_set.labels])
