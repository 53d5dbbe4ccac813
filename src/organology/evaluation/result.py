"""What an evaluation found, in one object."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from organology.evaluation.bootstrap import Estimate
from organology.evaluation.decisions import Decisions


@dataclass(frozen=True)
class LabelMetrics:
    """Metrics of one label that need no threshold.

    Each metric is also an attribute: `label.roc_auc` is `label.metrics["roc_auc"]`.

    Attributes
    ----------
    label : str
    n_present, n_absent, n_unknown : int
        Items by target.
    scored : bool
        Whether it has both present and absent items, and so counts in the macro means.
    metrics : dict of str to Estimate
        By the name of the metric.
    """

    label: str
    n_present: int
    n_absent: int
    n_unknown: int
    scored: bool
    metrics: dict[str, Estimate]

    def __getattr__(self, name: str) -> Any:
        metrics = self.__dict__.get("metrics", {})
        if name not in metrics:
            raise AttributeError(f"LabelMetrics has no attribute {name!r}")
        return metrics[name]


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found.

    Attributes
    ----------
    labels : tuple of LabelMetrics
    macro : dict of str to Estimate
        By the name of the metric: means over the scored labels.
    loss : Estimate
        Binary cross-entropy over all known targets of all labels, as training minimizes it.
    decisions : dict of str to Decisions
        Metrics at thresholds: "best single", and those that were given by name.
    n_items, n_groups, n_bootstrap, seed : int
    confidence : float
        Of the intervals.
    display : mapping of str to str
        Names of the labels for people.
    fewest_present : int
        Present items that a label needs to count in the macro means.
    items, groups : str
        What an item and a group are called, in the plural.
    """

    labels: tuple[LabelMetrics, ...]
    macro: dict[str, Estimate]
    loss: Estimate
    decisions: dict[str, Decisions]
    n_items: int
    n_groups: int
    n_bootstrap: int
    seed: int
    confidence: float
    display: Mapping[str, str] = field(default_factory=dict)
    fewest_present: int = 1
    items: str = "mixtures"
    groups: str = "songs"

    @property
    def left_out(self) -> tuple[str, ...]:
        """Labels without absent items or with too few present ones."""
        return tuple(each.label for each in self.labels if not each.scored)

    def to_dict(self) -> dict[str, Any]:
        """Everything but names for people as plain values that JSON can hold; NaN becomes None."""
        names = [each.label for each in self.labels]
        whole = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in _FOR_PEOPLE}
        whole["labels"] = [_flat(each) for each in self.labels]
        whole["decisions"] = {name: _by_label(_flat(each), names) for name, each in self.decisions.items()}
        plain: dict[str, Any] = _plain(whole)
        return {**plain, "left_out": list(self.left_out)}

    def to_json(self) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)


_FOR_PEOPLE = ("display", "items", "groups")


def _flat(of: LabelMetrics | Decisions) -> dict[str, Any]:
    """The fields by name, with the metrics among them."""
    values: dict[str, Any] = {}
    for each in fields(of):
        value = getattr(of, each.name)
        values.update(value if each.name == "metrics" else {each.name: value})
    return values


def _by_label(decisions: dict[str, Any], labels: list[str]) -> dict[str, Any]:
    """Arrays of one value a label as mappings from the label."""
    values = {
        name: dict(zip(labels, value, strict=True)) if isinstance(value, np.ndarray) else value
        for name, value in decisions.items()
    }
    values["intervals"] = {
        name: {label: [low, high] for label, low, high in zip(labels, *ends, strict=True)}
        for name, ends in decisions["intervals"].items()
    }
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, Estimate):
        return _plain({"value": value.value, "low": value.low, "high": value.high})
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
