"""An evaluation as text: one row a label, then the macro means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from organology.evaluation.bootstrap import Estimate
from organology.evaluation.metrics.registered import decision_metrics, score_metrics
from organology.evaluation.result import Evaluation

if TYPE_CHECKING:
    from rich.table import Table


def headings(narrow: bool = False) -> tuple[str, ...]:
    """Headings of the columns of `rows`."""
    scores, decisions = (
        [metric.short if narrow else metric.heading for metric in metrics]
        for metrics in (score_metrics(), decision_metrics())
    )
    first = ("label", "pres.", "abs.") if narrow else ("label", "present", "absent")
    return (*first, *scores, "thr." if narrow else "threshold", *decisions)


def rows(evaluation: Evaluation, decisions: str | None = None, intervals: bool = True) -> list[tuple[str, ...]]:
    """Cells of the table, under `headings`; the last row holds the macro means.

    Parameters
    ----------
    evaluation : Evaluation
    decisions : str, optional
        Which thresholds; left out: the first.
    intervals : bool
        With the confidence intervals of metrics that need no threshold.

    Raises
    ------
    KeyError
        If there are no decisions of that name.
    """
    chosen = evaluation.decisions[decisions if decisions is not None else next(iter(evaluation.decisions))]
    decided = [metric.name for metric in decision_metrics()]

    def scores(metrics: Mapping[str, Estimate]) -> list[str]:
        estimates = [metrics[metric.name] for metric in score_metrics()]
        return [str(each) if intervals else _number(each.value) for each in estimates]

    cells = [
        (
            evaluation.display.get(each.label, each.label),
            str(each.n_present),
            str(each.n_absent),
            *scores(each.metrics),
            f"{chosen.thresholds[i]:.3f}",
            *(_number(chosen.metrics[name][i]) for name in decided),
        )
        for i, each in enumerate(evaluation.labels)
    ]
    macro = ("macro", "", "", *scores(evaluation.macro), "", *(_number(chosen.macro[name].value) for name in decided))
    return [*cells, macro]


def rich_table(evaluation: Evaluation, decisions: str | None = None, intervals: bool = True) -> Table:
    """The evaluation as a rich table; without intervals it fits into 80 columns."""
    from rich import box
    from rich.table import Table

    title = f"{evaluation.n_items} {evaluation.items} of {evaluation.n_groups} {evaluation.groups}"
    table = Table(title=title, box=box.SIMPLE_HEAD if intervals else None, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in headings(narrow=not intervals):
        table.add_column(heading, justify="left" if heading == "label" else "right", no_wrap=True)
    *labels, macro = rows(evaluation, decisions, intervals)
    for cells in labels:
        table.add_row(*cells)
    table.add_section()
    table.add_row(*macro, style="bold")
    return table


def markdown(evaluation: Evaluation, decisions: str | None = None) -> str:
    """The evaluation as a Markdown table."""
    head = headings()
    lines = [head, ("---",) + ("---:",) * (len(head) - 1), *rows(evaluation, decisions)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def summary(evaluation: Evaluation) -> list[str]:
    """The macro means, a line each."""
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
        fewest = evaluation.fewest_present
        why = "not both present and absent" if fewest <= 1 else f"fewer than {fewest} present, or none absent"
        lines.append(f"left out of the means ({why}): {', '.join(evaluation.left_out)}")
    if evaluation.n_bootstrap:
        percent = round(100 * evaluation.confidence)
        lines.append(
            f"[{percent} % intervals: {evaluation.n_bootstrap} resamples of {evaluation.n_groups} {evaluation.groups}]"
        )
    return lines


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "-"
