"""All figures of one evaluation in one object."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from organology.evaluation import report
from organology.evaluation.arrays import Floats, Targets, as_thresholds, checked, macro_mean, scored_labels
from organology.evaluation.bootstrap import Estimate, group_numbers, interval, resampled
from organology.evaluation.metrics.decisions import METRICS, Counter, Decisions, decide
from organology.evaluation.metrics.ranking import areas, losses, rank
from organology.evaluation.thresholds import best_threshold
from organology.taxonomy import LABELS

if TYPE_CHECKING:
    from rich.table import Table

RANKING_METRICS = ("roc_auc", "pr_auc", "loss")
BEST_SINGLE = "best single"
"""Name of the decisions at the one threshold with the highest macro F1 on the very items evaluated."""


@dataclass(frozen=True)
class LabelFigures:
    """Figures of one label that need no threshold.

    Attributes
    ----------
    label : str
    n_present, n_absent, n_unknown : int
        Items by target.
    scored : bool
        Whether it has both present and absent items, and so a say in the macro means.
    roc_auc, pr_auc, loss : Estimate
        PR-AUC is average precision; loss is binary cross-entropy in nats.
    """

    label: str
    n_present: int
    n_absent: int
    n_unknown: int
    scored: bool
    roc_auc: Estimate
    pr_auc: Estimate
    loss: Estimate


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found.

    Attributes
    ----------
    labels : tuple of LabelFigures
    macro : dict of str to Estimate
        `roc_auc`, `pr_auc`, `loss`: means over the scored labels.
    loss : Estimate
        Binary cross-entropy over all known targets of all labels, as training minimizes it.
    decisions : dict of str to Decisions
        Figures at thresholds: "best single", and those that were given by name.
    n_items, n_groups, n_bootstrap, seed : int
    confidence : float
        Of the intervals.
    """

    labels: tuple[LabelFigures, ...]
    macro: dict[str, Estimate]
    loss: Estimate
    decisions: dict[str, Decisions]
    n_items: int
    n_groups: int
    n_bootstrap: int
    seed: int
    confidence: float

    @property
    def left_out(self) -> tuple[str, ...]:
        """Labels without present or without absent items."""
        return tuple(figures.label for figures in self.labels if not figures.scored)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values that JSON can hold; NaN becomes None."""
        plain: dict[str, Any] = _plain(dataclasses.asdict(self))
        plain["left_out"] = list(self.left_out)
        for decisions in plain["decisions"].values():
            for name, value in decisions.items():
                if isinstance(value, list):
                    decisions[name] = dict(zip((f.label for f in self.labels), value, strict=True))
            decisions["intervals"] = {
                name: {f.label: [low, high] for f, low, high in zip(self.labels, *ends, strict=True)}
                for name, ends in decisions["intervals"].items()
            }
        return plain

    def to_json(self) -> str:
        """The figures as JSON text."""
        return json.dumps(self.to_dict(), indent=2)

    def table(self, decisions: str | None = None, intervals: bool = True) -> Table:
        """The figures as a rich table, one row a label.

        Parameters
        ----------
        decisions : str, optional
            Which thresholds; left out: the first of `decisions`.
        intervals : bool
            Tell the confidence intervals too; without them the table fits into 80 columns.
        """
        return report.rich_table(self, decisions, intervals)

    def markdown(self, decisions: str | None = None) -> str:
        """The figures as a Markdown table; see `table`."""
        return report.markdown(self, decisions)

    def summary(self) -> list[str]:
        """The macro figures, a line each."""
        return report.summary(self)


def evaluate(
    targets: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike | None = None,
    thresholds: ArrayLike | Mapping[str, ArrayLike] | None = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
    labels: Sequence[str] = LABELS,
    confidence: float = 0.95,
) -> Evaluation:
    """Evaluate scores against targets.

    Parameters
    ----------
    targets : int array, shape (n_items, n_labels)
        1 present, 0 absent, -1 unknown (left out of every figure).
    scores : float array, shape (n_items, n_labels)
        Probabilities.
    groups : array, shape (n_items,), optional
        Song of each item: the bootstrap draws songs. Left out: every item is its own.
    thresholds : float, array of shape (n_labels,), or mapping of names to these, optional
        Evaluated beside the best single threshold; without a name they are called "given".
    n_bootstrap : int
        Resamples for the intervals; 0 for none.
    seed : int
        Of the resampling.
    labels : sequence of str
    confidence : float
        Of the intervals.

    Returns
    -------
    Evaluation
        The best single threshold is found on the very items it is then evaluated on, so its figures are a little
        too good; its intervals hold for that threshold.

    Raises
    ------
    ValueError
        If the arrays do not fit together.
    """
    target_array, score_array = checked(targets, scores)
    n_items, n_labels = target_array.shape
    if n_labels != len(labels):
        raise ValueError(f"{n_labels} columns and {len(labels)} labels")
    named = thresholds if isinstance(thresholds, Mapping) else {} if thresholds is None else {"given": thresholds}
    limits = {name: as_thresholds(values, n_labels) for name, values in named.items()}
    limits[BEST_SINGLE] = as_thresholds(best_threshold(target_array, score_array), n_labels)
    statistic = _Statistic(target_array, score_array, limits)
    whole = {name: values[0] for name, values in statistic(np.ones((1, n_items))).items()}
    samples = resampled(statistic, groups, n_items, n_bootstrap, seed)
    ends = {name: interval(values, confidence) for name, values in samples.items()}

    def estimate(name: str, *index: int) -> Estimate:
        low, high = (end[index] for end in ends.get(name, (np.full_like(whole[name], np.nan),) * 2))
        return Estimate(float(whole[name][index]), float(low), float(high))

    return Evaluation(
        labels=tuple(
            LabelFigures(
                label,
                n_present=int((target_array[:, i] == 1).sum()),
                n_absent=int((target_array[:, i] == 0).sum()),
                n_unknown=int((target_array[:, i] == -1).sum()),
                scored=bool(statistic.scored[i]),
                roc_auc=estimate("roc_auc", i),
                pr_auc=estimate("pr_auc", i),
                loss=estimate("loss", i),
            )
            for i, label in enumerate(labels)
        ),
        macro={name: estimate(f"macro_{name}") for name in RANKING_METRICS},
        loss=estimate("overall_loss"),
        decisions={
            name: dataclasses.replace(
                decide(target_array, score_array, values),
                macro={metric: estimate(f"{name}/macro_{metric}") for metric in METRICS},
                intervals={metric: ends[f"{name}/{metric}"] for metric in ("f1", "accuracy") if n_bootstrap},
            )
            for name, values in limits.items()
        },
        n_items=n_items,
        n_groups=group_numbers(groups, n_items)[1],
        n_bootstrap=n_bootstrap,
        seed=seed,
        confidence=confidence,
    )


class _Statistic:
    """Every figure of an evaluation under rows of item weights; what only depends on the items is done once."""

    def __init__(self, targets: Targets, scores: Floats, limits: Mapping[str, Floats]) -> None:
        self.scored = scored_labels(targets)
        self._ranked = [rank(targets[:, i], scores[:, i]) for i in range(targets.shape[1])]
        self._losses, self._known = losses(targets, scores), (targets >= 0).astype(np.float64)
        self._counters = {name: Counter(targets, scores, values) for name, values in limits.items()}

        self._whole = self._of_labels(np.ones((1, len(targets))))

    def __call__(self, weights: Floats) -> dict[str, Floats]:
        figures = self._of_labels(weights)
        macro = {
            f"macro_{name}": macro_mean(values[:, self.scored], self._whole[name][0, self.scored])
            for name, values in figures.items()
        }
        decided = {
            f"{name}/{metric}": values
            for name, counter in self._counters.items()
            for metric, values in counter.statistic(weights).items()
        }
        known = (weights @ self._known).sum(axis=1)
        total = (weights @ self._losses).sum(axis=1)
        overall = np.where(known > 0, total / np.maximum(known, 1), np.nan)
        return {**figures, **macro, **decided, "overall_loss": overall}

    def _of_labels(self, weights: Floats) -> dict[str, Floats]:
        both = [areas(ranked, weights) for ranked in self._ranked]
        loss, known = weights @ self._losses, weights @ self._known
        return {
            "roc_auc": np.stack([roc for roc, _ in both], axis=1),
            # Where all is present, average precision is 1 and says nothing.
            "pr_auc": np.stack([np.where(np.isfinite(roc), pr, np.nan) for roc, pr in both], axis=1),
            "loss": np.divide(loss, known, out=np.full_like(loss, np.nan), where=known > 0),
        }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
