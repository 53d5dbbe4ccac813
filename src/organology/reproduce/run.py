"""An experiment from recipe to report: pre-training, training and scoring, arm by arm.

Everything is found again where it lies, so that the same command line goes on where it was stopped. Each arm has a
lock: several processes may work in one output folder, an arm that another one works on is passed over.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import track

from organology.atomic import written_whole
from organology.corpora.table import read_table
from organology.errors import OrganologyError
from organology.labels.bradl15 import LABELS
from organology.model.checkpoint import load_checkpoint
from organology.outputs.terminal.printable import printable
from organology.reproduce.clips import Clips, read_clips, score_clips
from organology.reproduce.mixtures import MixtureSet, make_mixtures, mixture_set
from organology.reproduce.preparing import Request, prepare_corpora, with_pretrained
from organology.reproduce.recipe import ExperimentRecipe
from organology.reproduce.runs import ArmFolder, RunSpec, arms_of, choose, folder_of
from organology.training import Recipe
from organology.training.data import EVALUATION_SEED
from organology.training.embeddings.embedder import BATCH, Embedder, head_scores
from organology.training.embeddings.store import Rows, stored
from organology.training.run import device_of, set_threads, train
from organology.training.scoring import Scored, Scorer, load_scorer
from organology.training.scoring.tuning import TUNING_SEED

TEST, TUNING = "test", "tuning"
"""Names of an arm's files of scores."""

EMBEDDINGS = "embeddings"
"""Folder of what frozen backbones say of mixtures."""


@dataclass
class Outcome:
    """What came of a request.

    Attributes
    ----------
    setup : Recipe
        What all arms share, with the pre-trained weights.
    sets : dict of str to MixtureSet
        `test` and `tuning`.
    clips : Clips or None
    failed, busy : list of str
        Arms that could not be trained, with the reason; arms that another process works on.
    """

    setup: Recipe
    sets: dict[str, MixtureSet]
    clips: Clips | None
    failed: list[str] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)


def run(request: Request, console: Console | None = None, train_missing: bool = True) -> Outcome:
    """Train and score the arms of a request that are not there yet.

    Parameters
    ----------
    request : Request
    console : rich.console.Console, optional
        Left out: standard error.
    train_missing : bool
        False: nothing is trained or scored; the outcome says where things would lie.

    Raises
    ------
    OrganologyError
        If the recipe, a corpus, pre-trained weights or the recordings cannot be used. What is wrong with a single arm
        is printed and stands in the outcome.
    """
    console = console or Console(stderr=True)
    recipe = request.recipe
    transfers, _ = choose(recipe, request.arms)
    clips = read_clips(*request.clips) if request.clips else None
    prepare_corpora(recipe, console)
    for corpus in recipe.setup.corpora:
        read_table(corpus)  # what is missing is an error before the pre-training, not after it
    needed = train_missing and any(transfer != "scratch" for transfer in transfers)
    setup = with_pretrained(request, needed, console)
    outcome = Outcome(setup, sets_of(request.out, recipe, setup), clips)
    if not train_missing:
        return outcome
    arms = arms_of(recipe, setup, request.arms, request.seeds)
    for name, split, seed in ((TEST, "test", EVALUATION_SEED), (TUNING, "validation", TUNING_SEED)):
        if not all(folder_of(request.out, arm).scores(outcome.sets[name].name).is_file() for arm in arms):
            make_mixtures(outcome.sets[name], setup, split, recipe.test.p_musical, seed, console)
    for number, arm in enumerate(arms, 1):
        console.print(f"arm {number} of {len(arms)}: {arm}", highlight=False)
        folder = folder_of(request.out, arm)
        folder.path.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(folder.lock, timeout=0):
                work_on(arm, folder, outcome, recipe, request.command, console)
        except Timeout:
            outcome.busy.append(str(arm))
            console.print("another process works on it: passed over", highlight=False)
        except OrganologyError as error:
            outcome.failed.append(f"{arm}: {error}")
            console.print(printable(f"failed: {error}"), highlight=False, markup=False, soft_wrap=True)
    return outcome


def sets_of(out: Path, recipe: ExperimentRecipe, setup: Recipe) -> dict[str, MixtureSet]:
    """The fixed mixtures of an experiment, by the names of their scores."""
    p_musical, test = recipe.test.p_musical, recipe.test
    folder = out / "mixtures"
    return {
        TEST: mixture_set(folder, setup, "test", max(test.mixtures), p_musical, EVALUATION_SEED),
        TUNING: mixture_set(folder, setup, "validation", test.tuning_mixtures, p_musical, TUNING_SEED),
    }


def work_on(
    arm: RunSpec, folder: ArmFolder, outcome: Outcome, recipe: ExperimentRecipe, command: str, console: Console
) -> None:
    """Train an arm and score it, as far as that is not done.

    Raises
    ------
    OrganologyError
        If it cannot be trained or scored.
    """
    folder.describe(arm)
    cache = folder.path.parents[1] / EMBEDDINGS if can_cache(arm.recipe) else None
    if not folder.is_trained():
        train(with_cache(arm.recipe, cache), folder.run.path, resume=True, command=command, console=console)
    set_threads(arm.recipe)
    if cache is not None:
        score_frozen(arm, folder, outcome, cache, console)

    @functools.cache
    def scorer() -> Scorer:
        return load_scorer(folder.run.best, device_of(arm.recipe), arm.recipe.training.precision)

    for wanted in outcome.sets.values():
        if not folder.scores(wanted.name).is_file():
            save_scores(folder.scores(wanted.name), score_set(scorer(), wanted, console))
    clips = outcome.clips
    if clips is not None and not folder.scores(clips.name).is_file():
        scored = score_clips(scorer(), clips, recipe.test.clips_hop_seconds, console)
        save_scores(folder.scores(clips.name), scored)


def can_cache(recipe: Recipe) -> bool:
    """Whether all that an arm learns from are embeddings: a frozen backbone, and no teacher that needs the audio."""
    config = recipe.training
    return config.transfer == "frozen" and config.soft_targets is None and config.self_training is None


def with_cache(recipe: Recipe, cache: Path | None) -> Recipe:
    """The recipe of an arm with the experiment's embeddings, if it can use them."""
    return replace(recipe, training=replace(recipe.training, embedding_cache=cache)) if cache else recipe


def score_frozen(arm: RunSpec, folder: ArmFolder, outcome: Outcome, cache: Path, console: Console) -> None:
    """Score the fixed mixtures with a frozen backbone, whose embeddings of them are made once for all arms."""
    missing = [wanted for wanted in outcome.sets.values() if not folder.scores(wanted.name).is_file()]
    if not missing:
        return
    network = load_checkpoint(folder.run.best)[0]
    embedder = Embedder(network, device_of(arm.recipe), arm.recipe.training.precision)
    for wanted in missing:
        rows = embedded_set(wanted, embedder, cache, console)
        scores = head_scores(network, rows.embeddings, device_of(arm.recipe), arm.recipe.training.precision)
        save_scores(folder.scores(wanted.name), Scored(rows.targets, scores, rows.songs))


def embedded_set(wanted: MixtureSet, embedder: Embedder, cache: Path, console: Console) -> Rows:
    """Embeddings of fixed mixtures, from the cache or put into it."""
    import torch

    targets, songs = wanted.labels()

    def make(numbers: Sequence[int]) -> Rows:
        starts = range(0, len(numbers), BATCH)
        shown = track(starts, f"embedding {len(numbers)} mixtures", console=console)
        parts = [embedder(torch.from_numpy(wanted.read(numbers[start : start + BATCH]))) for start in shown]
        chosen = np.asarray(numbers)
        return Rows(chosen, np.concatenate(parts), targets[chosen], songs[chosen])

    return stored(cache / embedder.digest / wanted.name, range(wanted.size), make)


def score_set(scorer: Scorer, wanted: MixtureSet, console: Console) -> Scored:
    """Scores of a set of fixed mixtures."""
    import torch

    targets, songs = wanted.labels()
    total = -(-wanted.size // 32)
    batches = track(wanted.batches(), f"scoring {wanted.size} mixtures", total=total, console=console)
    return Scored(targets, np.concatenate([scorer.score(torch.from_numpy(batch)) for batch in batches]), songs)


def save_scores(path: Path, scored: Scored) -> None:
    """Write scores."""
    with written_whole(path) as temporary:
        np.savez_compressed(
            temporary, targets=scored.targets, scores=scored.scores, songs=scored.songs, labels=np.array(LABELS)
        )


def load_scores(path: Path) -> Scored:
    """Read scores that `save_scores` wrote."""
    with np.load(path) as values:
        return Scored(values["targets"], values["scores"], values["songs"])
