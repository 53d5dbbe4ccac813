"""An evaluation as a picture, after figure 4 of Bradl, Huber and Pernkopf (2023)."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from organology.atomic import written_whole
from organology.evaluation.arrays import Floats
from organology.evaluation.bootstrap import Estimate
from organology.evaluation.result import Evaluation

_DARK, _LIGHT = "#1f4e79", "#9ec3e6"
_WIDTH = 0.38


def plot(evaluation: Evaluation, path: str | os.PathLike[str], decisions: str | None = None) -> None:
    """Draw F1 and accuracy of each label, and below them ROC-AUC and PR-AUC, with their intervals.

    Parameters
    ----------
    evaluation : Evaluation
    path : path-like
        The picture; its suffix says the format (PNG, PDF, SVG).
    decisions : str, optional
        Which thresholds; left out: the first of `evaluation.decisions`.
    """
    from matplotlib.figure import Figure

    name = decisions if decisions is not None else next(iter(evaluation.decisions))
    chosen = evaluation.decisions[name]
    labels = [evaluation.display.get(each.label, each.label) for each in evaluation.labels]
    figure = Figure(figsize=(11, 8), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    _bars(upper, -_WIDTH / 2, chosen.f1, chosen.intervals.get("f1"), "F1", _DARK)
    _bars(upper, _WIDTH / 2, chosen.accuracy, chosen.intervals.get("accuracy"), "accuracy", _LIGHT)
    upper.set_title(f"F1 and accuracy, threshold {name}: macro F1 {chosen.macro['f1']}", fontsize=10)
    _estimates(lower, -_WIDTH / 2, [each.roc_auc for each in evaluation.labels], "ROC-AUC", _DARK)
    _estimates(lower, _WIDTH / 2, [each.pr_auc for each in evaluation.labels], "PR-AUC", _LIGHT)
    lower.set_title(
        f"macro ROC-AUC {evaluation.macro['roc_auc']}, PR-AUC {evaluation.macro['pr_auc']}, loss {evaluation.loss}",
        fontsize=10,
    )
    lower.set_xticks(range(len(labels)), labels, rotation=40, ha="right")
    for axes in (upper, lower):
        axes.set_ylim(0, 1.02)
        axes.set_yticks(np.linspace(0, 1, 6))
        axes.grid(axis="y", color="0.85")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    figure.suptitle(f"{evaluation.n_items} mixtures of {evaluation.n_groups} songs", fontsize=11)
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=150)


def _bars(axes: Any, offset: float, values: Floats, ends: tuple[Floats, Floats] | None, name: str, color: str) -> None:
    places = np.arange(len(values)) + offset
    axes.bar(places, np.nan_to_num(values), width=_WIDTH, label=name, color=color)
    if ends is not None:
        low, high = np.maximum(values - ends[0], 0), np.maximum(ends[1] - values, 0)
        known = np.isfinite(values) & np.isfinite(low) & np.isfinite(high)
        axes.errorbar(
            places[known], values[known], yerr=[low[known], high[known]], fmt="none", ecolor="0.25", elinewidth=1
        )


def _estimates(axes: Any, offset: float, estimates: list[Estimate], name: str, color: str) -> None:
    values, low, high = (np.array([getattr(e, end) for e in estimates]) for end in ("value", "low", "high"))
    _bars(axes, offset, values, (low, high), name, color)
