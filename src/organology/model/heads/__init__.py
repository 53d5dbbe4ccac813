"""Heads: embeddings (batch, size) -> logits (batch, n_labels). `HEADS` lists them; it imports none.

Each ends in a linear layer: `features(embedding)` is what goes into it, and `blend` mixes another such layer in.
"""

from __future__ import annotations

from typing import Any

from organology.model.backbones import PUBLISHED_WIDTH
from organology.model.registry import Head, Registry

HEADS: Registry[Head] = Registry("head")


def _check_anchored(config: Any) -> None:
    if config.backbone != "mobilenet" or config.width != PUBLISHED_WIDTH:
        raise ValueError(f"the head {config.head!r} needs the backbone 'mobilenet' of width {PUBLISHED_WIDTH}")


HEADS.register(
    Head(
        "paper",
        "organology.model.heads.paper:PaperHead",
        "linear, batch norm, ReLU, dropout, linear",
        settings={"hidden_size": "hidden_size", "dropout": "dropout"},
    )
)
HEADS.register(
    Head(
        "linear",
        "organology.model.heads.linear:LinearHead",
        "linear, after a layer norm if `head_norm`",
        settings={"norm": "head_norm"},
    )
)
HEADS.register(
    Head(
        "anchored",
        "organology.model.heads.anchored:AnchoredHead",
        "linear, added to what the published AudioSet classifier says of the same embedding",
        settings={"norm": "head_norm"},
        check=_check_anchored,
        instruments_only=True,
    )
)
HEADS.register(
    Head(
        "extended",
        "organology.model.heads.extended:ExtendedHead",
        "as anchored, with fixed terms between labels",
        check=_check_anchored,
        instruments_only=True,
    )
)
