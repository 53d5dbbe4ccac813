"""A model and its labels as plain values: what the API and the static page say of them."""

from __future__ import annotations

from typing import Any

from organology._version import __version__
from organology.model_metadata import ModelMetadata


def describe_model(name: str, metadata: ModelMetadata) -> dict[str, Any]:
    """What a client has to know of a model."""
    return {
        "name": name,
        "version": __version__,
        "sample_rate": metadata.sample_rate,
        "window_seconds": metadata.window_seconds,
        "hop_seconds": metadata.hop_seconds,
        "pooling": metadata.pooling,
        "label_set": metadata.label_set.name,
    }


def describe_labels(metadata: ModelMetadata) -> list[dict[str, Any]]:
    """The labels in the order of scores, with their thresholds."""
    label_set = metadata.label_set
    return [
        {
            "label": label,
            "name": label_set.display[label],
            "parent": label_set.parents.get(label),
            "family": label_set.family(label) if label in label_set.parents else None,
            "color": label_set.colors[label],
            "threshold": threshold,
            "presets": {name: thresholds[i] for name, thresholds in metadata.presets.items()},
            "tentative": label in metadata.tentative,
        }
        for i, (label, threshold) in enumerate(zip(label_set.labels, metadata.thresholds, strict=True))
    ]
