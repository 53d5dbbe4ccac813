"""Pictures of the experiments, as PNG and SVG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from organology.atomic import written_whole
from organology.labels.bradl15 import DISPLAY_NAMES, LABELS
from organology.reproduce import paper
from organology.reproduce.results import CLIPS, PER_CLASS, SINGLE, Results
from organology.reproduce.runs import described
from organology.traceless import import_matplotlib

_COLORS = ("#1f4e79", "#c55a11", "#548235")
_PAPER = "#7f7f7f"


def draw(results: Results, data: dict[str, Any], folder: Path) -> list[str]:
    """Draw an experiment; the names of its PNG pictures in `folder`."""
    experiment = results.recipe.experiment
    if experiment == "sweep":  # its table says all
        return []
    import_matplotlib()
    figure = {"table1": table1, "figure3": figure3, "figure4": figure4}[experiment](data)
    return _save(figure, folder, experiment)


def _save(figure: Any, folder: Path, name: str) -> list[str]:
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": "organology"}):  # the same bytes each time
        for suffix, metadata in ((".png", {"Software": None}), (".svg", {"Date": None})):
            with written_whole(folder / f"{name}{suffix}") as temporary:
                figure.savefig(temporary, dpi=150, metadata=metadata)
    return [f"{name}.png"]


def _figure(width: float, height: float, columns: int, rows: int = 1, **how: Any) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **how)


def _tests(data: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Name, caption and color of each test set, the one in which the paper's metrics come first."""
    sizes = sorted((name for name in data["test_sets"] if name != CLIPS), key=int)
    named = [(name, f"{name} mixtures") for name in sizes]
    if any(CLIPS in each["tests"] for each in data["conditions"].values()):
        named.append((CLIPS, "real recordings"))
    return [(name, caption, _COLORS[i % len(_COLORS)]) for i, (name, caption) in enumerate(named)]


def _ends(figures: Sequence[dict[str, Any]]) -> Any:
    """Lengths of error bars, shape (2, n)."""
    values, low, high = (_values(figures, name) for name in ("value", "low", "high"))
    return np.nan_to_num(np.stack([np.maximum(values - low, 0), np.maximum(high - values, 0)]))


def _values(figures: Sequence[dict[str, Any]], name: str = "value") -> Any:
    return np.array([np.nan if figure[name] is None else figure[name] for figure in figures])


def table1(data: dict[str, Any]) -> Any:
    """Dots with intervals: a panel a figure, a row a transfer method; small dots are seeds, diamonds the paper's."""
    figure, axes = _figure(12, 3.6, 3, sharey=True)
    methods = [name for name in paper.TABLE1 if name in data["conditions"]]
    tests = _tests(data)
    for panel, (metric, title) in zip(axes[0], paper.METRICS.items(), strict=True):
        for number, (test, caption, color) in enumerate(tests):
            shown = [name for name in methods if test in data["conditions"][name]["tests"]]
            figures = [data["conditions"][name]["tests"][test][metric] for name in shown]
            rows = np.array([methods.index(name) for name in shown]) + 0.18 * (number - (len(tests) - 1) / 2)
            panel.errorbar(_values(figures), rows, xerr=_ends(figures), fmt="o", color=color, label=caption)
            for row, each in zip(rows, figures, strict=True):
                panel.plot(each["seeds"], [row] * len(each["seeds"]), ".", color=color, alpha=0.5, markersize=4)
        panel.plot([paper.TABLE1[name][metric] for name in methods], range(len(methods)), "D", color=_PAPER,
                   markerfacecolor="none", label="paper, 120 mixtures")  # fmt: skip
        panel.set_title(title + (" (lower is better)" if metric in paper.LOWER_IS_BETTER else ""), fontsize=10)
        panel.set_yticks(range(len(methods)), [paper.METHODS[name] for name in methods])
        panel.margins(y=0.3)
        panel.invert_yaxis() if panel is axes[0][0] else None
        _plain_axes(panel, "x")
    axes[0][-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    figure.suptitle(_heading(data, f"transfer methods at p_musical {paper.TABLE1_P_MUSICAL}"), fontsize=11)
    return figure


def figure3(data: dict[str, Any]) -> Any:
    """Lines over `p_musical`: a panel a figure, a line a test set; marks are what is known of the paper's."""
    figure, axes = _figure(13, 4, 3)
    conditions = sorted(data["conditions"].values(), key=lambda each: each["p_musical"])
    groups = list(dict.fromkeys(_changes(each) for each in conditions))
    tests = _tests(data) if len(groups) < 2 else _tests(data)[-1:]
    lines = [(test, group, ", ".join(filter(None, (caption, group)))) for test, caption, _ in tests for group in groups]
    for panel, (metric, title) in zip(axes[0], paper.METRICS.items(), strict=True):
        for number, (test, group, caption) in enumerate(lines):
            color = _COLORS[number % len(_COLORS)]
            shown = [each for each in conditions if test in each["tests"] and _changes(each) == group]
            figures = [each["tests"][test][metric] for each in shown]
            places = [each["p_musical"] for each in shown]
            panel.plot(places, _values(figures), "o-", color=color, label=caption)
            panel.fill_between(places, _values(figures, "low"), _values(figures, "high"), color=color, alpha=0.15, lw=0)
            for place, each in zip(places, figures, strict=True):
                panel.plot([place] * len(each["seeds"]), each["seeds"], ".", color=color, alpha=0.5, markersize=4)
        panel.axvline(paper.BEST_P_MUSICAL, color=_PAPER, linestyle=":", label="paper: best here")
        if any(each["transfer"] == "finetuned" for each in conditions):
            panel.plot([paper.TABLE1_P_MUSICAL], [paper.TABLE1["finetuned"][metric]], "D", color=_PAPER,
                       markerfacecolor="none", label="paper, table 1")  # fmt: skip
        panel.set_title(title + (" (lower is better)" if metric in paper.LOWER_IS_BETTER else ""), fontsize=10)
        panel.set_xlabel("p_musical")
        _plain_axes(panel, "y")
    axes[0][-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    figure.suptitle(_heading(data, "musical and non-musical mixtures"), fontsize=11)
    return figure


def _changes(condition: dict[str, Any]) -> str:
    return described(tuple(condition.get("changes", {}).items())).removeprefix(", ")


def figure4(data: dict[str, Any]) -> Any:
    """Bars of F1 and accuracy of each class: one threshold above, one a class below."""
    figure, axes = _figure(11, 8, 1, 2, sharex=True)
    (condition,) = list(data["conditions"].values())[:1]
    places, width = np.arange(len(LABELS)), 0.38
    for (panel,), kind, title in zip(
        axes, (SINGLE, PER_CLASS), ("one threshold", "a threshold for each class"), strict=True
    ):
        labels = condition["thresholds"][kind]["labels"]
        for side, (name, caption) in zip((-0.5, 0.5), (("f1", "F1"), ("accuracy", "accuracy")), strict=True):
            figures = [labels[label][name] for label in LABELS]
            color = _COLORS[0] if name == "f1" else "#9ec3e6"
            panel.bar(places + side * width, np.nan_to_num(_values(figures)), width, label=caption, color=color)
            panel.errorbar(places + side * width, np.nan_to_num(_values(figures)), yerr=_ends(figures), fmt="none",
                           ecolor="0.25", elinewidth=1)  # fmt: skip
        macro = condition["thresholds"][kind]["macro_f1"]["value"]
        panel.set_title(f"{title}: macro F1 {macro:.3f}", fontsize=10)
        panel.axhline(paper.HIGH_F1, color=_PAPER, linestyle=":", label="paper: F1 of its\nbest classes is above")
        panel.plot([LABELS.index(label) - 0.5 * width for label in paper.F1_ZERO], [0.02] * len(paper.F1_ZERO), "D",
                   color=_PAPER, markerfacecolor="white", label="paper: F1 of 0")  # fmt: skip
        panel.set_ylim(0, 1.02)
        panel.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
        _plain_axes(panel, "y")
    axes[1][0].set_xticks(places, [DISPLAY_NAMES[label] for label in LABELS], rotation=40, ha="right")
    figure.suptitle(_heading(data, f"classes, fine-tuned at p_musical {condition['p_musical']:g}"), fontsize=11)
    return figure


def _plain_axes(axes: Any, grid: str) -> None:
    axes.grid(axis=grid, color="0.85")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _heading(data: dict[str, Any], what: str) -> str:
    seeds = len({arm["seed"] for arm in data["arms"]})
    return f"{what}: {data['backbone']}, scale {data['scale']}, {seeds} seed{'s' if seeds > 1 else ''}"
