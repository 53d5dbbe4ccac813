"""The paper's claims, checked: sentences that follow from the figures."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from organology.labels.bradl15 import DISPLAY_NAMES, LABELS
from organology.reproduce import paper
from organology.reproduce.markdown import signed
from organology.reproduce.results import CLIPS, PER_CLASS, SINGLE, ArmResult, Results
from organology.reproduce.runs import described
from organology.reproduce.statistics import FEWEST_SONGS, RANKING, Sampled, ends_of, paired_difference, plain

FEWEST_SEEDS = 3
"""A verdict for sure needs so many seeds, all of one sign."""


@dataclass(frozen=True)
class Comparison:
    """Two conditions on the same mixtures and with the same seeds.

    Attributes
    ----------
    better, worse : str
        As the paper has it.
    metric, test : str
    value, low, high : float
        By how much `better` is better, positive in its favor whatever the metric; the interval is one over songs and
        seeds, NaN where songs are too few.
    seeds : tuple of float
        The same for each seed that both have.
    """

    better: str
    worse: str
    metric: str
    test: str
    value: float
    low: float
    high: float
    seeds: tuple[float, ...]

    @property
    def verdict(self) -> str:
        """What the figures say of it."""
        if not np.isfinite(self.low):
            return f"cannot be said of fewer than {FEWEST_SONGS} songs"
        if self.is_sure:
            return "holds" if self.value > 0 else "does not hold: it is the other way round"
        return "holds on average, not for sure" if self.value > 0 else "does not show"

    @property
    def is_sure(self) -> bool:
        """Whether the interval is without 0, and at least `FEWEST_SEEDS` seeds all say the same."""
        signs = {bool(value > 0) for value in self.seeds}
        apart = self.low > 0 or self.high < 0
        return apart and len(self.seeds) >= FEWEST_SEEDS and signs == {self.value > 0}

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "better": self.better, "worse": self.worse, "metric": self.metric, "test": self.test,
            "value": plain(self.value), "low": plain(self.low), "high": plain(self.high),
            "seeds": [plain(value) for value in self.seeds], "verdict": self.verdict,
        }  # fmt: skip


def compare(results: Results, better: str, worse: str, metric: str, test: str) -> Comparison | None:
    """Compare two conditions in a ranking figure; None where they share no seed or lack the test set."""
    conditions = results.conditions()
    both = [
        {result.arm.seed: result.tests[test][metric] for result in conditions.get(name, []) if test in result.tests}
        for name in (better, worse)
    ]
    seeds = sorted(set(both[0]) & set(both[1]))
    return _compare(both, seeds, (better, worse), metric, test) if seeds else None


def _compare(
    both: list[dict[int, Sampled]], seeds: list[int], names: tuple[str, str], metric: str, test: str
) -> Comparison:
    sign = -1.0 if metric in paper.LOWER_IS_BETTER else 1.0
    whole = paired_difference([both[0][seed] for seed in seeds], [both[1][seed] for seed in seeds])
    low, high = sorted(sign * end for end in ends_of(whole))
    each = tuple(sign * float(both[0][seed].value - both[1][seed].value) for seed in seeds)
    return Comparison(*names, metric, test, sign * float(whole.value), low, high, each)


def comparisons(results: Results) -> list[Comparison]:
    """The paper's comparisons in every ranking figure and on every test set."""
    if results.recipe.experiment == "table1":
        pairs = [("frozen", "scratch"), ("finetuned", "frozen")]
    elif results.recipe.experiment == "figure3":
        pairs = [
            (best, other)
            for names in sweeps(results).values()
            for best in names
            for other in names
            if names[best] == paper.BEST_P_MUSICAL != names[other]
        ]
    elif results.recipe.experiment == "sweep":
        first, *others = results.conditions() or [""]
        pairs = [(other, first) for other in others]
    else:
        pairs = []
    found = [
        compare(results, *pair, metric, test) for test in results.test_sets for pair in pairs for metric in RANKING
    ]
    return [each for each in found if each is not None]


def sweeps(results: Results) -> dict[str, dict[str, float]]:
    """The conditions of figure 3 and their `p_musical`, by the other settings that are varied, as text."""
    found: dict[str, dict[str, float]] = {}
    for name, arms in results.conditions().items():
        found.setdefault(described(arms[0].arm.changes).removeprefix(", "), {})[name] = arms[0].arm.p_musical
    return found


def sentences(results: Results, compared: list[Comparison]) -> list[str]:
    """What the figures say of the paper's claims, a sentence or two each."""
    sentences_of = {"table1": _table1, "figure3": _figure3, "figure4": _figure4, "sweep": _sweep}[
        results.recipe.experiment
    ]
    return sentences_of(results, compared) if results.arms else ["No arm is there yet."]


def _table1(results: Results, compared: list[Comparison]) -> list[str]:
    lines = []
    for test in results.test_sets:
        here = {m: [c for c in compared if (c.test, c.metric) == (test, m)] for m in RANKING}
        verdicts: dict[str, list[str]] = {}
        for metric, pair in here.items():
            if len(pair) == 2:
                verdicts.setdefault(_verdict_of_order(pair), []).append(paper.METRICS[metric])
        steps = "; ".join(f"{_method(c.better)} over {_method(c.worse)} {_amount(c)}" for c in here["roc_auc"])
        if not verdicts:
            if steps:
                said = ", ".join(f"{c.verdict} in {paper.METRICS[m]}" for m, pair in here.items() for c in pair)
                lines.append(f"{_set(test)}: {said}. ROC-AUC: {steps}. Not all three methods are there.")
            continue
        orders = "; ".join(f"{verdict} in {_listed(metrics)}" for verdict, metrics in verdicts.items())
        lines.append(f"{_set(test)}: the paper's order, scratch < frozen < fine-tuned, {orders}. ROC-AUC: {steps}.")
    return lines or ["The order scratch < frozen < fine-tuned cannot be judged before all three methods are there."]


def _verdict_of_order(steps: list[Comparison]) -> str:
    if not all(np.isfinite(step.low) for step in steps):
        return f"cannot be said of fewer than {FEWEST_SONGS} songs"
    if all(step.is_sure and step.value > 0 for step in steps):
        return "holds"
    if any(step.is_sure and step.value < 0 for step in steps):
        return "does not hold"
    return "holds on average, not for sure," if all(step.value > 0 for step in steps) else "does not show"


def _figure3(results: Results, compared: list[Comparison]) -> list[str]:
    lines, conditions = [], results.conditions()
    for test, (group, shares) in itertools.product(results.test_sets, sweeps(results).items()):
        there = {
            name: arms for name, arms in conditions.items() if name in shares and all(test in arm.tests for arm in arms)
        }
        if len(there) < 2:
            continue
        best = []
        for metric, caption in paper.METRICS.items():
            sign = -1 if metric in paper.LOWER_IS_BETTER else 1
            means = {
                name: float(np.mean([arm.tests[test][metric].value for arm in arms])) for name, arms in there.items()
            }
            name = max(means, key=lambda name: sign * means[name])
            best.append(f"{caption} {means[name]:.3f} at {shares[name]:g}")
        ends = [
            c
            for c in compared
            if (c.test, c.metric) == (test, "roc_auc") and c.worse in there and shares[c.worse] in _END
        ]
        where = f"{_set(test)}, {group}" if group else _set(test)
        text = f"{where}: best {_listed(best)}; in the paper at p_musical {paper.BEST_P_MUSICAL:g}. "
        text += "ROC-AUC of 0.4: " * bool(ends)
        text += "; ".join(f"over {_END[shares[c.worse]]} {_amount(c)}, {c.verdict}" for c in ends)
        lines.append(text.strip().removesuffix(".") + ".")
    return lines or ["One value of p_musical is no sweep yet."]


_END = {0.0: "non-musical mixtures alone", 1.0: "musical mixtures alone"}


def _figure4(results: Results, _: list[Comparison]) -> list[str]:
    arms = results.arms
    lines = []
    for kind in (SINGLE, PER_CLASS):
        f1 = np.mean([arm.decided[kind]["f1"].value for arm in arms], axis=0)
        none = [_label(i) for i in np.flatnonzero(f1 == 0)]
        high = [f"{_label(i)} {f1[i]:.3f}" for i in np.argsort(-np.nan_to_num(f1)) if f1[i] > paper.HIGH_F1]
        brass = f1[LABELS.index("brass")]
        which = "One threshold for all classes" if kind == SINGLE else "A threshold for each class"
        lines.append(
            f"{which}: {'no class has' if not none else ', '.join(none) + ' with'} an F1 of 0 (in the paper brass); "
            f"brass {brass:.3f}; above 0.95: {', '.join(high) or 'none'} (in the paper some; its best are percussion, "
            "drums and plucked string)."
        )
    lines.append(_gain(arms))
    return lines


def _sweep(results: Results, compared: list[Comparison]) -> list[str]:
    lines = [
        f"{_set(c.test)}, ROC-AUC: {c.better} over {c.worse} {_amount(c)}: {c.verdict}."
        for c in compared
        if c.metric == "roc_auc"
    ]
    return lines or ["One arm is no sweep yet."]


def _gain(arms: list[ArmResult]) -> str:
    both = [{arm.arm.seed: arm.decided[kind]["macro_f1"] for arm in arms} for kind in (PER_CLASS, SINGLE)]
    gain = _compare(both, sorted(both[0]), (PER_CLASS, SINGLE), "f1", "")
    return f"Macro F1 with a threshold for each class over one for all: {_amount(gain)}."


def _amount(each: Comparison) -> str:
    seeds = f", in {sum(value > 0 for value in each.seeds)} of {len(each.seeds)} seeds" if len(each.seeds) > 1 else ""
    return f"{signed(each.to_dict())}{seeds}"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _set(test: str) -> str:
    return "Real recordings" if test == CLIPS else f"{test} mixtures"


def _method(name: str) -> str:
    return paper.METHODS.get(name, name)


def _label(i: Any) -> str:
    return DISPLAY_NAMES[LABELS[i]]
