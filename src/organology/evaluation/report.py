"""An evaluation as text: one row a label, then the macro means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from organology.evaluation.bootstrap import Estimate
from organology.taxonomy import DISPLAY_NAMES

if TYPE_CHECKING:
    from rich.table import Table

    from organology.evaluation.result import Evaluation

HEADINGS = (
    "label", "present", "absent", "ROC-AUC", "PR-AUC", "loss", "threshold", "F1", "precision", "recall", "accuracy",
)  # fmt: skip
NARROW_HEADINGS = ("label", "pres.", "abs.", "ROC", "PR", "loss", "thr.", "F1", "prec.", "rec.", "acc.")


def rows(evaluation: Evaluation, decisions: str | None = None, intervals: bool = True) -> list[tuple[str, ...]]:
    """Cells of the table, under `HEADINGS`; the last row holds the macro means.

    Raises
    ------
    KeyError
        If there are no decisions of that name.
    """

    def told(estimate: Estimate) -> str:
        return str(estimate) if intervals else _number(estimate.value)

    chosen = evaluation.decisions[decisions if decisions is not None else next(iter(evaluation.decisions))]
    cells = [
        (
            DISPLAY_NAMES.get(figures.label, figures.label),
            str(figures.n_present),
            str(figures.n_absent),
            told(figures.roc_auc),
            told(figures.pr_auc),
            told(figures.loss),
            f"{chosen.thresholds[i]:.3f}",
            *(_number(values[i]) for values in (chosen.f1, chosen.precision, chosen.recall, chosen.accuracy)),
        )
        for i, figures in enumerate(evaluation.labels)
    ]
    macro, decided = evaluation.macro, chosen.macro
    cells.append(
        (
            "macro",
            "",
            "",
            told(macro["roc_auc"]),
            told(macro["pr_auc"]),
            told(macro["loss"]),
            "",
            *(_number(decided[name].value) for name in ("f1", "precision", "recall", "accuracy")),
        )
    )
    return cells


def rich_table(evaluation: Evaluation, decisions: str | None = None, intervals: bool = True) -> Table:
    """The figures as a rich table; without intervals it fits into 80 columns."""
    from rich import box
    from rich.table import Table

    title = f"{evaluation.n_items} mixtures of {evaluation.n_groups} songs"
    table = Table(title=title, box=box.SIMPLE_HEAD if intervals else None, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in HEADINGS if intervals else NARROW_HEADINGS:
        table.add_column(heading, justify="left" if heading == "label" else "right", no_wrap=True)
    *labels, macro = rows(evaluation, decisions, intervals)
    for cells in labels:
        table.add_row(*cells)
    table.add_section()
    table.add_row(*macro, style="bold")
    return table


def markdown(evaluation: Evaluation, decisions: str | None = None) -> str:
    """The figures as a Markdown table."""
    lines = [HEADINGS, ("---",) + ("---:",) * (len(HEADINGS) - 1), *rows(evaluation, decisions)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def summary(evaluation: Evaluation) -> list[str]:
    """The macro figures, a line each."""
    macro = evaluation.macro
    lines = [f"ROC-AUC {macro['roc_auc']}  PR-AUC {macro['pr_auc']}  loss {evaluation.loss}"]
    for name, decisions in evaluation.decisions.items():
        distinct = np.unique(decisions.thresholds)
        value = f"{distinct[0]:.3f}" if len(distinct) == 1 else "one a label"
        lines.append(
            f"threshold {name} ({value}): macro F1 {decisions.macro['f1']}, micro F1 {Estimate(decisions.micro_f1)}, "
            f"accuracy {decisions.macro['accuracy']}"
        )
    if evaluation.left_out:
        lines.append(f"left out (not both present and absent): {', '.join(evaluation.left_out)}")
    if evaluation.n_bootstrap:
        percent = round(100 * evaluation.confidence)
        lines.append(f"[{percent} % intervals: {evaluation.n_bootstrap} resamples of {evaluation.n_groups} songs]")
    return lines


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "-"
