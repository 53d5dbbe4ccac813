"""`organology mix`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from organology.cli.echo import echo


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("mix")(mix)


def mix(
    recipe: Annotated[Path, typer.Option("--recipe", "-r", help="YAML file with `corpora` and `mixing`.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.")],
    count: Annotated[int, typer.Option("--number", "-n", min=1, help="How many mixtures.")] = 10,
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "train",
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other mixtures.")] = 0,
    corpus: Annotated[
        list[Path] | None, typer.Option(help="Prepared folder, instead of the recipe's corpora; may be repeated.")
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option("--labels", help="Label set: a name or a table's path; instead of the recipe's [bradl15]."),
    ] = None,
    audio_format: Annotated[str, typer.Option("--format", help="wav or flac.")] = "wav",
    evaluation: Annotated[
        bool, typer.Option("--evaluation", help="As in validation and test: musical only, no effects.")
    ] = False,
) -> None:
    """Write mixtures to listen to, with their labels and sources."""
    from rich.console import Console
    from rich.progress import track

    from organology.errors import ConfigError
    from organology.labels import LabelSet
    from organology.mixing import Mixer, StemPool
    from organology.mixing.export import write_mixtures
    from organology.mixing.recipe import load_recipe
    from organology.targets import check_output

    if audio_format not in ("wav", "flac"):
        raise ConfigError(f"--format must be wav or flac, got {audio_format}")
    settings = load_recipe(recipe)
    corpora = corpus or settings.corpora
    if not corpora:
        raise ConfigError(f"{recipe}: no corpora; name them there, or with --corpus")
    config = settings.mixing.for_evaluation() if evaluation else settings.mixing
    label_set = LabelSet.load(labels) if labels else settings.label_set
    mixer = Mixer(StemPool.load(corpora, split, config, label_set), config, seed)
    check_output(out, [recipe, *corpora], folder=True)
    mixtures = write_mixtures(mixer, count, out, audio_format)  # type: ignore[arg-type]
    strategies = [
        mixture.strategy
        for mixture in track(mixtures, "mixing", total=count, console=Console(stderr=True), transient=True)
    ]
    musical = strategies.count("musical")
    echo(f"{count} mixtures ({musical} musical, {count - musical} non-musical) in {out}")
