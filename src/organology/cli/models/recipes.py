"""`organology recipes`: the recipes that come with organology."""

from __future__ import annotations

from typing import Annotated

import typer

from organology.cli.echo import echo


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    about = "The recipes in the package: what `train NAME`, `pretrain NAME` and `reproduce NAME` follow."
    group = typer.Typer(help=about, no_args_is_help=True, rich_markup_mode=None)
    group.command(name="list")(list_)
    group.command(name="show")(show)
    app.add_typer(group, name="recipes")


def list_() -> None:
    """List the names of the recipes, and what each is."""
    from organology import recipes

    width = max(map(len, recipes.names()))
    for name in recipes.names():
        echo(f"{name:<{width}}  {recipes.title(name)}")


def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `recipes list` names it.", show_default=False)],
) -> None:
    """Print a recipe; a copy of it can be changed and trained by its path.

    Its paths are relative to the working folder, so put the copy there.
    """
    from organology import recipes

    typer.echo(recipes.file_of(name).read_text("utf-8"), nl=False)
