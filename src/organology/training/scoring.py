"""A finished model on fixed mixtures of a split: its scores, and their evaluation."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch import Tensor

from organology.errors import ConfigError, ModelError, OrganologyError
from organology.evaluation import Evaluation, evaluate
from organology.mixing import Mixer
from organology.model import EFFICIENTAT, AudioSetTagger, load_checkpoint
from organology.taxonomy import LABELS
from organology.training.memory_format import channels_last
from organology.training.precision import Precision, autocast
from organology.training.transfer.data import EVALUATION_SEED, Batch, evaluation_mixer, fixed_loader, one_line
from organology.training.transfer.recipe import Recipe

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Scorer:
    """A model as something that gives scores.

    Attributes
    ----------
    name : str
    score : callable
        float32 tensor (batch, samples) on the CPU -> float32 array (batch, 15), in the order of `LABELS`.
    sample_rate : int
    window_seconds : float or None
        Length of the waveform it takes; None: any.
    thresholds : dict
        By name, one number or 15; empty where the model carries none.
    provenance : dict
    """

    name: str
    score: Callable[[Tensor], Scores]
    sample_rate: int
    window_seconds: float | None
    thresholds: dict[str, Any]
    provenance: dict[str, Any]


def load_scorer(path: str | os.PathLike[str], device: str = "cpu", precision: Precision = "32-true") -> Scorer:
    """Open a model.

    Parameters
    ----------
    path : path-like
        A checkpoint folder, a model file (`.onnx`), or the published AudioSet weights (`.pt`), whose scores are then
        those of no training of ours.
    device : str
        Of torch; a model file runs on the CPU.
    precision : {"32-true", "16-mixed", "bf16-mixed"}
        Of a checkpoint's network; model files and published weights compute in float32.

    Raises
    ------
    ModelError
        If it cannot be used, or its labels are not the 15.
    """
    if Path(path).suffix == ".onnx":
        return _model_file(path)
    if Path(path).suffix == ".pt":
        return _published(path, device)
    network, metadata = load_checkpoint(path)
    if sorted(metadata.labels) != sorted(LABELS):
        raise ModelError(f"{path}: its labels are not the {len(LABELS)} instruments and families")
    order = [metadata.labels.index(label) for label in LABELS]
    channels_last(network.to(device).backbone)

    @torch.inference_mode()
    def score(waveform: Tensor) -> Scores:
        with autocast(device, precision):
            logits = network(waveform.to(device))
        return np.asarray(network.to_scores(logits.float()).cpu().numpy()[:, order])

    return Scorer(
        metadata.name or Path(path).name,
        score,
        metadata.sample_rate,
        metadata.window_seconds,
        _carried(np.array(metadata.thresholds)[order], metadata.provenance),
        metadata.provenance,
    )


def _model_file(path: str | os.PathLike[str]) -> Scorer:
    from organology.recognition.onnx_model import ModelFile

    model = ModelFile(path)
    metadata = model.metadata
    return Scorer(
        model.name,
        lambda waveform: model.scores(waveform.numpy()),
        metadata.sample_rate,
        metadata.window_seconds,
        _carried(np.array(metadata.thresholds), metadata.provenance),
        metadata.provenance,
    )


def _published(path: str | os.PathLike[str], device: str) -> Scorer:
    tagger = AudioSetTagger.from_published(path).to(device)

    @torch.inference_mode()
    def score(waveform: Tensor) -> Scores:
        return np.asarray(tagger.zero_shot(waveform.to(device)).sigmoid().float().cpu().numpy())

    return Scorer(f"{Path(path).stem} (no training of ours)", score, EFFICIENTAT.sample_rate, None, {}, {})


def _carried(thresholds: NDArray[Any], provenance: dict[str, Any]) -> dict[str, Any]:
    """Thresholds that a model carries: those that it uses, and the single one of its provenance."""
    named: dict[str, Any] = {"checkpoint": thresholds}
    single = (provenance.get("thresholds") or {}).get("single")
    if single is not None and not np.allclose(thresholds, single):
        named["checkpoint single"] = float(single)
    return named


@dataclass(frozen=True)
class Scored:
    """Targets int8 and scores float32 of mixtures, shape (n, 15), and the song of each."""

    targets: NDArray[np.int8]
    scores: Scores
    songs: NDArray[np.str_]


def score_mixtures(
    scorer: Scorer, mixer: Mixer, n_mixtures: int, workers: int = 0, console: Console | None = None
) -> Scored:
    """Scores of mixtures 0 ... n - 1 of a mixer.

    Raises
    ------
    OrganologyError
        If a stem cannot be read.
    """
    loader = fixed_loader(mixer, n_mixtures, 32, workers, keep=False)
    targets: list[NDArray[np.int8]] = []
    scores: list[Scores] = []
    songs: list[str] = []
    try:
        for batch in track(loader, f"scoring {n_mixtures} mixtures", console=console or Console(stderr=True)):
            waveform, labels, names = Batch(*batch)
            targets.append(labels.numpy())
            scores.append(scorer.score(waveform))
            songs += names
    except OrganologyError as error:
        raise one_line(error) from None
    return Scored(np.concatenate(targets), np.concatenate(scores), np.array(songs))


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

    Parameters
    ----------
    scorer : Scorer
    recipe : Recipe
        Its corpora and its mixing; mixtures are as long as the model's window, without effects.
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
        If a corpus or a stem cannot be used, or the model takes another sample rate than the mixtures have.
    """
    mixing = recipe.mixing
    if scorer.sample_rate != mixing.sample_rate:
        raise ConfigError(f"{scorer.name} takes {scorer.sample_rate} Hz, the mixtures have {mixing.sample_rate} Hz")
    if scorer.window_seconds is not None:
        mixing = dataclasses.replace(mixing, chunk_seconds=scorer.window_seconds)
    mixer = evaluation_mixer(recipe.corpora, split, mixing, p_musical, seed)
    scored = score_mixtures(scorer, mixer, n_mixtures, recipe.training.workers if workers is None else workers, console)
    named = {**(thresholds or {}), **scorer.thresholds}
    return evaluate(scored.targets, scored.scores, scored.songs, named, n_bootstrap), scored


def write_results(
    folder: Path, evaluation: Evaluation, scored: Scored, about: dict[str, Any], labels: Sequence[str] = LABELS
) -> None:
    """Write `evaluation.json`, `evaluation.md`, `evaluation.png` and `scores.npz`.

    Parameters
    ----------
    folder : path
        Made where it is missing.
    evaluation : Evaluation
    scored : Scored
    about : dict
        Plain values that say what was evaluated on what.
    labels : sequence of str
    """
    import json

    from organology.atomic import written_whole
    from organology.evaluation import markdown, plot, summary

    with written_whole(folder / "evaluation.json") as temporary:
        temporary.write_text(json.dumps({**about, **evaluation.to_dict()}, indent=2) + "\n", "utf-8")
    heads = [f"- {name}: {value}" for name, value in about.items()]
    tables = [f"\n## Thresholds: {name}\n\n{markdown(evaluation, name)}" for name in evaluation.decisions]
    with written_whole(folder / "evaluation.md") as temporary:
        lines = ["# Evaluation\n", *heads, "", *summary(evaluation), *tables]
        temporary.write_text("\n".join(lines) + "\n", "utf-8")
    with written_whole(folder / "scores.npz") as temporary:
        np.savez_compressed(
            temporary, targets=scored.targets, scores=scored.scores, songs=scored.songs, labels=np.array(labels)
        )
    plot(evaluation, folder / "evaluation.png")
