"""The network: front end, backbone and head behind one configuration."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

import torch
from pydantic import ConfigDict
from torch import Tensor, nn

from organology import taxonomy
from organology.errors import ModelError
from organology.model.backbones.mobilenet import MobileNet
from organology.model.backbones.short_chunk import CHANNELS, ShortChunk
from organology.model.frontend import EFFICIENTAT, MAX_GAIN_DB, PAPER, FrontendConfig, MelFrontend
from organology.model.heads import AnchoredHead, LinearHead, PaperHead
from organology.model.pretrained import load_state, part, read_published
from organology.model_metadata import Calibration

PUBLISHED_WIDTH = 0.4

_PRESETS = {"paper": PAPER, "efficientat": EFFICIENTAT}


@dataclass(frozen=True)
class ModelConfig:
    """What a network is made of.

    Attributes
    ----------
    backbone : {"short-chunk", "mobilenet"}
        "short-chunk": the paper's seven blocks, 512-d embedding. "mobilenet": MobileNetV3 as EfficientAT's
        `mn04_as`, 384-d.
    head : {"paper", "linear", "anchored"}
        "paper": two layers with batch norm and dropout. "linear": one. "anchored": one, added to what the published
        AudioSet classifier says of the same embedding (needs "mobilenet" of width 0.4).
    frontend : FrontendConfig, {"paper", "efficientat"} or None
        None: the one of the backbone ("paper" for "short-chunk", "efficientat" for "mobilenet").
    channels : tuple of int
        Of the blocks of "short-chunk".
    width : float
        Of "mobilenet".
    hidden_size : int or None
        Of the head "paper"; None: as the embedding.
    dropout : float
        Of the head "paper".
    head_norm : bool
        A layer norm before the linear layer of "linear" and "anchored".
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    backbone: Literal["short-chunk", "mobilenet"] = "short-chunk"
    head: Literal["paper", "linear", "anchored"] = "paper"
    frontend: FrontendConfig | Literal["paper", "efficientat"] | None = None
    channels: tuple[int, ...] = CHANNELS
    width: float = PUBLISHED_WIDTH
    hidden_size: int | None = None
    dropout: float = 0.5
    head_norm: bool = False

    def __post_init__(self) -> None:
        if not self.channels or min(self.channels) < 1 or self.width <= 0 or (self.hidden_size or 1) < 1:
            raise ValueError("channels, width and hidden_size are positive")
        if not 0 <= self.dropout < 1:
            raise ValueError("dropout is at least 0 and below 1")
        if self.head == "anchored" and (self.backbone != "mobilenet" or self.width != PUBLISHED_WIDTH):
            raise ValueError(f"the head 'anchored' needs the backbone 'mobilenet' of width {PUBLISHED_WIDTH}")
        bands = self.frontend_config.n_mels
        if self.backbone == "short-chunk" and bands < 2 ** len(self.channels):
            raise ValueError(f"{len(self.channels)} blocks need {2 ** len(self.channels)} bands, not {bands}")

    @property
    def frontend_config(self) -> FrontendConfig:
        """The settings of the front end, whichever way they were given."""
        if isinstance(self.frontend, FrontendConfig):
            return self.frontend
        return _PRESETS[self.frontend or ("paper" if self.backbone == "short-chunk" else "efficientat")]

    def differs_by_level_only(self, other: ModelConfig) -> bool:
        """Whether nothing but the level that they hear at differs, so that each can take the other's weights."""
        own, others = self.frontend_config, other.frontend_config
        leveled = replace(own, level_db=others.level_db, max_gain_db=others.max_gain_db)
        return replace(self, frontend=leveled) == replace(other, frontend=others)


class InstrumentNet(nn.Module):
    """Waveform -> logits of the labels.

    Parameters
    ----------
    config : ModelConfig
    labels : sequence of str
        The outputs: the 15 of the taxonomy, or those of another task (the 50 tags of a pre-training).

    Attributes
    ----------
    config : ModelConfig
        With the front end's settings written out.
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
    slopes: Tensor
    offsets: Tensor

    def __init__(self, config: ModelConfig, labels: Sequence[str] = taxonomy.LABELS) -> None:
        super().__init__()
        self.config = replace(config, frontend=config.frontend_config)
        self.labels = tuple(labels)
        self.frontend = MelFrontend(config.frontend_config)
        self.backbone: ShortChunk | MobileNet
        if config.backbone == "short-chunk":
            self.backbone = ShortChunk(config.channels)
        else:
            self.backbone = MobileNet(config.width)
        self.head: PaperHead | LinearHead | AnchoredHead = _make_head(config, self.backbone.embedding_size, self.labels)
        self.register_buffer("family_table", _family_table(self.labels), persistent=False)
        self._frozen: tuple[nn.Module, ...] = ()
        self.register_buffer("slopes", torch.ones(len(self.labels)), persistent=False)
        self.register_buffer("offsets", torch.zeros(len(self.labels)), persistent=False)
        self.calibrate(None)

    def forward(self, waveform: Tensor) -> Tensor:
        """Logits: waveform (batch, samples) at the front end's sample rate -> (batch, n_labels)."""
        logits: Tensor = self.head(self.embed(waveform))
        return logits

    def embed(self, waveform: Tensor) -> Tensor:
        """Embeddings: waveform (batch, samples) -> (batch, backbone.embedding_size)."""
        embedding: Tensor = self.backbone(self.frontend(waveform))
        return embedding

    def scores(self, waveform: Tensor) -> Tensor:
        """Scores in 0 ... 1, no family below its instruments: waveform (batch, samples) -> (batch, n_labels)."""
        return self.to_scores(self(waveform))

    def to_scores(self, logits: Tensor) -> Tensor:
        """Logits -> calibrated scores in 0 ... 1, no family below its instruments; shape (batch, n_labels) is kept."""
        return torch.sigmoid(logits * self.slopes + self.offsets)[:, self.family_table].amax(-1)

    def hear_at(self, level_db: float | None, max_gain_db: float = MAX_GAIN_DB) -> None:
        """Let every waveform be brought to this level first (as in `FrontendConfig`); None: stay as it is."""
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

    def unfreeze_backbone(self) -> None:
        """Let the whole backbone learn."""
        self.freeze_backbone(len(self.backbone.stages()))

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
            A file of EfficientAT's published weights (`mn04_as_mAP_432.pt`), or a checkpoint folder of ours.

        Raises
        ------
        ModelError
            If it cannot be read, or was made for another backbone or front end.
        """
        from organology.model.checkpoint import read_checkpoint

        if Path(path).is_dir():
            made_for, _, state = read_checkpoint(path)
            backbone, classifier = part(state, "backbone"), part(state, "head.classifier")
        else:
            made_for, state = ModelConfig("mobilenet"), read_published(path)
            backbone, classifier = part(state, "backbone"), part(state, "classifier")
        if made_for.backbone != self.config.backbone:
            raise ModelError(f"{path}: weights of a {made_for.backbone} backbone; this one is {self.config.backbone}")
        if made_for.frontend_config != self.config.frontend_config:
            raise ModelError(f"{path}: the weights were trained behind another front end: {made_for.frontend_config}")
        if isinstance(self.head, AnchoredHead):
            if not classifier:
                raise ModelError(f"{path}: no AudioSet classifier in it, which the head 'anchored' needs")
            load_state(self.head.classifier, classifier, path)
        load_state(self.backbone, backbone, path)


def _make_head(
    config: ModelConfig, embedding_size: int, labels: tuple[str, ...]
) -> PaperHead | LinearHead | AnchoredHead:
    if config.head == "paper":
        return PaperHead(embedding_size, len(labels), config.hidden_size, config.dropout)
    if config.head == "linear":
        return LinearHead(embedding_size, len(labels), config.head_norm)
    foreign = [label for label in labels if label not in taxonomy.LABELS]
    if foreign:
        raise ModelError(f"the head 'anchored' knows only the taxonomy's labels, not {foreign[0]!r}")
    return AnchoredHead(embedding_size, labels, config.head_norm)


def _family_table(labels: tuple[str, ...]) -> Tensor:
    """For each label its own column and those of its instruments, padded with its own."""
    rows = [[i, *(j for j, name in enumerate(labels) if taxonomy.FAMILY_OF.get(name) == label)]
            for i, label in enumerate(labels)]  # fmt: skip
    longest = max(map(len, rows))
    return torch.tensor([row + row[:1] * (longest - len(row)) for row in rows])
