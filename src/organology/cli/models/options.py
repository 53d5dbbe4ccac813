"""Options that several verbs of models share."""

from __future__ import annotations

from pathlib import Path
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

Split = Annotated[str, typer.Option(help="train, validation or test.")]
Mixtures = Annotated[int, typer.Option(min=1, help="Number of mixtures.")]
Corpora = Annotated[
    list[Path] | None, typer.Option(help="Prepared corpus in place of the recipe's; may be given several times.")
]
PMusical = Annotated[float, typer.Option(min=0, max=1, help="Probability of a musical mixture.")]


def number(value: float | None) -> str:
    """A metric with four digits; "-" where there is none."""
    return "-" if value is None else f"{value:.4f}"
