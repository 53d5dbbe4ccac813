"""Backbones: mel spectrograms -> embeddings. `BACKBONES` lists them; it imports none."""

from __future__ import annotations

from organology.model.registry import Backbone, Registry

CHANNELS = (128, 128, 256, 256, 256, 256, 512)
"""Of the seven blocks of `short-chunk`, after Won et al. (2020)."""

PUBLISHED_WIDTH = 0.4
"""Of `mobilenet` in EfficientAT's `mn04_as`."""

BACKBONES: Registry[Backbone] = Registry("backbone")

BACKBONES.register(
    Backbone(
        "short-chunk",
        "organology.model.backbones.short_chunk:ShortChunk",
        "the paper's seven blocks, 512-d embedding",
        settings={"channels": "channels"},
        smallest=lambda config: int(2 ** len(config.channels)),
    )
)
BACKBONES.register(
    Backbone(
        "mobilenet",
        "organology.model.backbones.mobilenet:MobileNet",
        "MobileNetV3 as EfficientAT's mn04_as, 384-d embedding",
        frontend="efficientat",
        settings={"width": "width", "norm_momentum": "norm_momentum"},
        published="organology.model.backbones.mobilenet:read_published",
    )
)
BACKBONES.register(
    Backbone(
        "fcn-jamendo",
        "organology.model.backbones.fcn:FCN",
        "Choi's FCN as published for MTG-Jamendo's tags, 64-d embedding",
        frontend="jamendo",
        settings={"norm_momentum": "norm_momentum"},
        published="organology.model.backbones.fcn:read_published",
        smallest=lambda config: 96,
    )
)
BACKBONES.register(
    Backbone(
        "musicnn-jamendo",
        "organology.model.backbones.musicnn:Musicnn",
        "musicnn as published for MTG-Jamendo's tags, 200-d embedding",
        frontend="jamendo",
        settings={"norm_momentum": "norm_momentum"},
        published="organology.model.backbones.musicnn:read_published",
        smallest=lambda config: 96,
    )
)
