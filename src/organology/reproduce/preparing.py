"""What has to be there before arms can be trained: prepared corpora, pre-trained weights."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from rich.console import Console

from organology.corpora.table import TABLE_NAME
from organology.errors import ConfigError
from organology.outputs.terminal.printable import printable
from organology.reproduce.recipe import ExperimentRecipe, PretrainingStep
from organology.training import Recipe, load_pretraining_recipe, load_recipe
from organology.training.recipes import AnyRecipe
from organology.training.run import train
from organology.training.run_folder import RunFolder


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    Attributes
    ----------
    recipe : ExperimentRecipe
    out : path
        Output folder.
    arms : tuple of str
        Names of `arms.choose`; none: all of the recipe.
    seeds : tuple of int
        None: the recipe's.
    pretrained : path or None
        Weights in place of those of the recipe.
    clips : (path, path) or None
        Table and folder of labelled recordings.
    command : str
        What the user typed.
    """

    recipe: ExperimentRecipe
    out: Path
    arms: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    pretrained: Path | None = None
    clips: tuple[Path, Path] | None = None
    command: str = ""


def prepare_corpora(recipe: ExperimentRecipe, console: Console) -> None:
    """Prepare the corpora that the recipe can make and that are missing.

    Raises
    ------
    OrganologyError
        If one cannot be prepared.
    """
    for step in recipe.prepare:
        if step.folder not in recipe.setup.corpora or (step.folder / TABLE_NAME).is_file():
            continue
        from organology.corpora.prepare import prepare
        from organology.corpora.readers.stems.reader import CORPUS

        if not step.stems.is_dir():
            raise ConfigError(
                f"{step.stems}: no such folder here; it comes with a clone of the repository: run this there, or give "
                f"other music with --corpus"
            )
        console.print(printable(f"preparing {step.stems} in {step.folder}"), highlight=False, markup=False)
        step.folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(step.folder.with_name(f".{step.folder.name}.lock")):
            if not (step.folder / TABLE_NAME).is_file():
                prepare(CORPUS, step.stems, step.folder)


def with_pretrained(request: Request, needed: bool, console: Console) -> Recipe:
    """What all arms share, with its pre-trained weights; if need be they are made first.

    Raises
    ------
    OrganologyError
        If they are needed, and cannot be made or found.
    """
    setup, step = request.recipe.setup, request.recipe.pretraining
    if request.pretrained is not None:
        return dataclasses.replace(setup, pretrained=request.pretrained)
    if step is None:
        return setup
    recipe = _load_pretraining(step)
    plain = recipe.to_plain()
    plain["training"].pop("workers")
    key = hashlib.sha256(json.dumps(plain, sort_keys=True, allow_nan=False).encode()).hexdigest()[:8]
    folder = RunFolder(request.out / "pretraining" / f"{recipe.name}-{key}")
    setup = dataclasses.replace(setup, pretrained=folder.best)
    if folder.summary.is_file() or not needed:
        return setup
    folder.path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.path.with_suffix(".lock")):
        if not folder.summary.is_file():
            console.print(printable(f"pre-training: {recipe.name}"), highlight=False, markup=False)
            train(recipe, folder.path, resume=True, command=request.command, console=console)
    return setup


def _load_pretraining(step: PretrainingStep) -> AnyRecipe:
    return load_recipe(step.recipe) if step.verb == "train" else load_pretraining_recipe(step.recipe)


def run_pretraining(request: Request, console: Console | None = None) -> Path:
    """Only the pre-training of an experiment; the folder of its checkpoint.

    Raises
    ------
    OrganologyError
        If the recipe has none, or it cannot be done.
    """
    console = console or Console(stderr=True)
    if request.recipe.pretraining is None:
        raise ConfigError(f"no pre-training at scale {request.recipe.scale} with this backbone: its weights are given")
    prepare_corpora(request.recipe, console)
    setup = with_pretrained(dataclasses.replace(request, pretrained=None), True, console)
    assert setup.pretrained is not None
    return setup.pretrained
