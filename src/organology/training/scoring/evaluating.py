"""A finished model on fixed mixtures of a split."""

from __future__ import annotations

import dataclasses

from rich.console import Console

from organology.errors import ConfigError
from organology.evaluation import Evaluation, evaluate
from organology.labels import LabelSet
from organology.mixing import Mixer
from organology.training.data import EVALUATION_SEED, MixtureDataset, evaluation_mixer, fixed_loader
from organology.training.scoring.scorer import Scorer
from organology.training.scoring.scores import Scored, score_batches
from organology.training.transfer.recipe import Recipe

BATCH_SIZE = 32


def score_mixtures(
    scorer: Scorer, mixer: Mixer, n_mixtures: int, workers: int = 0, console: Console | None = None
) -> Scored:
    """Scores of mixtures 0 ... n - 1 of a mixer.

    Raises
    ------
    OrganologyError
        If a stem cannot be read.
    """
    loader = fixed_loader(MixtureDataset(mixer), range(n_mixtures), BATCH_SIZE, workers, keep=False)
    return score_batches(loader, n_mixtures, scorer.score, console)


def set_to_evaluate(scorer: Scorer, recipe: Recipe) -> LabelSet:
    """The label set that a recipe names, or else the model's own."""
    return scorer.label_set if recipe.labels is None else recipe.label_set


def evaluate_model(
    scorer: Scorer,
    recipe: Recipe,
    split: str = "test",
    n_mixtures: int = 2000,
    thresholds: dict[str, float] | None = None,
    n_bootstrap: int = 1000,
    seed: int = EVALUATION_SEED,
    workers: int | None = None,
    p_musical: float = 1.0,
    console: Console | None = None,
) -> tuple[Evaluation, Scored]:
    """Evaluate a model on fixed mixtures of a recipe's corpora.

    Where the recipe names another label set than the model's, its labels are read from the model's (`Scorer.view`);
    those that cannot be told are left out.

    Parameters
    ----------
    scorer : Scorer
    recipe : Recipe
        Its corpora, its labels and its mixing; mixtures are as long as the model's window, without effects.
    split : str
    n_mixtures : int
    thresholds : dict of str to float, optional
        Evaluated before those that the model carries.
    n_bootstrap : int
        Resamples of the songs.
    seed : int
        Of the mixtures; the same one gives the same mixtures to every model.
    workers : int, optional
        Left out: the recipe's.
    p_musical : float
        The paper tests on musical mixtures only.
    console : rich.console.Console, optional

    Raises
    ------
    OrganologyError
        If a corpus or a stem cannot be used, the model takes another sample rate than the mixtures have, or tells none
        of the labels.
    """
    mixing, wanted = recipe.mixing, set_to_evaluate(scorer, recipe)
    if scorer.sample_rate != mixing.sample_rate:
        raise ConfigError(f"{scorer.name} takes {scorer.sample_rate} Hz, the mixtures have {mixing.sample_rate} Hz")
    if scorer.window_seconds is not None:
        mixing = dataclasses.replace(mixing, chunk_seconds=scorer.window_seconds)
    if wanted != scorer.label_set:
        scorer = scorer.viewed(scorer.view(wanted))
    mixer = evaluation_mixer(recipe.corpora, split, mixing, p_musical, seed, wanted)
    scored = score_mixtures(scorer, mixer, n_mixtures, recipe.training.workers if workers is None else workers, console)
    if wanted != scorer.label_set:
        columns = [wanted.index(label) for label in scorer.label_set.labels]
        scored = dataclasses.replace(scored, targets=scored.targets[:, columns])
    named = {**(thresholds or {}), **scorer.thresholds}
    labels = scorer.label_set
    return evaluate(scored.targets, scored.scores, scored.songs, named, n_bootstrap, labels=labels), scored
