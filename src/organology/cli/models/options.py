"""Options that several verbs of models share."""

from __future__ import annotations

from typing import Annotated

import typer

Labels = Annotated[
    str | None,
    typer.Option(
        metavar="SET",
        help="Label set: bradl15, openmic20, irmas11, or a table of your own.",
        show_default="as the recipe",
    ),
]
"""The option --labels."""


def number(value: float | None) -> str:
    """A metric with four digits; "-" where there is none."""
    return "-" if value is None else f"{value:.4f}"
