"""Figures of arms under resampling of the songs, and what becomes of them over seeds.

All arms are scored on the same mixtures and resampled with the same seed, so that resample number k holds the same
songs for each of them: means over seeds and differences between arms are taken within a resample, and their intervals
are those of paired comparisons.

The interval of a mean is one over songs, and the spread over seeds stands beside it. A difference that is to carry a
verdict is resampled over songs and seeds (`paired_difference`): what another seed would have given is part of it.
Of fewer than `FEWEST_SONGS` songs there is no interval: a bootstrap of so few is far too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from organology.evaluation.arrays import Floats, checked, macro_mean, scored_labels
from organology.evaluation.bootstrap import interval, resampled
from organology.evaluation.decisions import Counter
from organology.evaluation.metrics.cross_entropy import losses
from organology.evaluation.metrics.ranking import areas, rank
from organology.training.scoring import Scored

CONFIDENCE = 0.95
RANKING = ("roc_auc", "pr_auc", "loss")
BOOTSTRAP_SEED = 0
FEWEST_SONGS = 10
"""A test set of fewer has no intervals."""


@dataclass(frozen=True)
class Sampled:
    """A figure of one arm, and what it is in each resample.

    Attributes
    ----------
    value : float array, shape (...)
    samples : float array, shape (n_resamples, ...)
    n_songs : int
        That were resampled.
    """

    value: Floats
    samples: Floats
    n_songs: int


class _Ranking:
    """Macro ROC-AUC, macro PR-AUC and mean loss under rows of item weights."""

    def __init__(self, scored: Scored, columns: Sequence[int]) -> None:
        targets, scores = checked(scored.targets[:, columns], scored.scores[:, columns])
        self._keep = scored_labels(targets)
        self._ranked = [rank(targets[:, i], scores[:, i]) for i in np.flatnonzero(self._keep)]
        self._losses, self._known = losses(targets, scores), (targets >= 0).astype(np.float64)
        self._whole = self._areas(np.ones((1, len(targets))))

    def _areas(self, weights: Floats) -> tuple[Floats, Floats]:
        both = [areas(ranked, weights) for ranked in self._ranked]
        roc, average = (np.stack([each[i] for each in both], axis=1) for i in (0, 1))
        return roc, np.where(np.isfinite(roc), average, np.nan)

    def __call__(self, weights: Floats) -> dict[str, Floats]:
        roc, average = self._areas(weights)
        known = (weights @ self._known).sum(axis=1)
        return {
            "roc_auc": macro_mean(roc, self._whole[0][0]),
            "pr_auc": macro_mean(average, self._whole[1][0]),
            "loss": (weights @ self._losses).sum(axis=1) / np.maximum(known, 1),
        }


def ranking(scored: Scored, n_resamples: int, columns: Sequence[int] | None = None) -> dict[str, Sampled]:
    """Macro ROC-AUC, macro PR-AUC and mean loss of one arm.

    Parameters
    ----------
    scored : Scored
    n_resamples : int
    columns : sequence of int, optional
        Labels to keep to; left out: all. Those without present or absent items are left out of the macro means.

    Raises
    ------
    ValueError
        If no label has both present and absent items.
    """
    chosen = list(range(scored.targets.shape[1])) if columns is None else list(columns)
    if not scored_labels(scored.targets[:, chosen]).any():
        raise ValueError("no label has both present and absent items")
    return _sampled(_Ranking(scored, chosen), scored, n_resamples)


def decisions(scored: Scored, thresholds: Floats, n_resamples: int) -> dict[str, Sampled]:
    """F1, precision, recall and accuracy of each label, shape (15,), and their macro means as `macro_NAME`.

    Parameters
    ----------
    scored : Scored
    thresholds : float array, shape (15,)
    n_resamples : int
    """
    return _sampled(Counter(scored.targets, scored.scores, thresholds).statistic, scored, n_resamples)


def _sampled(statistic: Any, scored: Scored, n_resamples: int) -> dict[str, Sampled]:
    n = len(scored.targets)
    whole = statistic(np.ones((1, n)))
    samples = resampled(statistic, scored.songs, n, n_resamples, BOOTSTRAP_SEED)
    n_songs = len(np.unique(scored.songs))
    return {name: Sampled(values[0], samples[name], n_songs) for name, values in whole.items()}


def mean_of(arms: Sequence[Sampled]) -> Sampled:
    """Mean over arms that differ in the seed, within each resample."""
    value = np.mean([arm.value for arm in arms], axis=0)
    return Sampled(value, np.mean([arm.samples for arm in arms], axis=0), min(arm.n_songs for arm in arms))


def paired_difference(one: Sequence[Sampled], other: Sequence[Sampled]) -> Sampled:
    """Mean of `one` less mean of `other`, resampled over songs and seeds.

    A resample draws songs (as the arms were resampled) and, with replacement, as many seeds as there are; the seeds of
    both sides together. With one seed there are only songs to draw.

    Parameters
    ----------
    one, other : sequence of Sampled
        An entry a seed, of the same seeds in the same order.
    """
    values = np.stack([first.value - second.value for first, second in zip(one, other, strict=True)])
    samples = np.stack([first.samples - second.samples for first, second in zip(one, other, strict=True)])
    n_seeds, n_resamples = samples.shape[:2]
    seeds = np.random.default_rng(BOOTSTRAP_SEED).integers(n_seeds, size=(n_seeds, n_resamples))
    drawn = samples[seeds, np.arange(n_resamples)].mean(axis=0)
    return Sampled(values.mean(axis=0), drawn, min(arm.n_songs for arm in (*one, *other)))


def with_interval(sampled: Sampled) -> dict[str, Any]:
    """Value and interval of a single figure as plain values; None where it is not a number, or songs are too few."""
    low, high = ends_of(sampled)
    return {"value": plain(sampled.value), "low": plain(low), "high": plain(high)}


def ends_of(sampled: Sampled) -> tuple[float, float]:
    """The interval of a single figure; NaN of fewer than `FEWEST_SONGS` songs."""
    if sampled.n_songs < FEWEST_SONGS:
        return float("nan"), float("nan")
    low, high = interval(sampled.samples[:, None], CONFIDENCE)
    return float(low[0]), float(high[0])


def interval_over_seeds(arms: Sequence[Sampled]) -> dict[str, Any]:
    """Mean over seeds with its interval, the value of each seed, and their standard deviation (None of one seed)."""
    values = [float(arm.value) for arm in arms]
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
    return {**with_interval(mean_of(arms)), "seeds": [plain(value) for value in values], "spread": plain(spread)}


def plain(value: Any) -> float | None:
    """Six digits; None where it is not a number."""
    number = float(value)
    return round(number, 6) if np.isfinite(number) else None


def columns_with(targets: NDArray[np.int8], fewest: int) -> list[int]:
    """Labels that at least so many items have, and as least one lacks."""
    often = (targets == 1).sum(axis=0) >= fewest
    return [int(i) for i in np.flatnonzero(often & scored_labels(targets))]
