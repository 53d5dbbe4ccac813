"""What `organology recognize` gives to choose from, and which of its choices go together."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from organology.batch.options import ENGINES
from organology.cli.recordings.options import GroupedCommand
from organology.devices import DEVICE_NAMES
from organology.outputs.formats import FORMATS

_PICTURES = (".png", ".pdf", ".svg")


OutputFormat = StrEnum("OutputFormat", [(name, name) for name in FORMATS])  # type: ignore[misc]
"""What is written: the names of `outputs.formats.FORMATS`."""


Engine = StrEnum("Engine", [(name, name) for name in ENGINES])  # type: ignore[misc]
"""Who does the work."""

Device = StrEnum("Device", [(name, name) for name in DEVICE_NAMES])  # type: ignore[misc]
"""Where the model runs: the names of `devices.DEVICES`."""


class Channels(StrEnum):
    """What is done with several channels."""

    MIX = "mix"
    SPLIT = "split"


class RecognizeCommand(GroupedCommand):
    """`--plot` without a value means `--plot .`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse them with that value filled in."""
        filled: list[str] = []
        for i, arg in enumerate(args):
            if arg == "--":
                filled += args[i:]
                break
            filled.append(arg)
            following = args[i + 1] if i + 1 < len(args) else "-"
            if arg == "--plot" and following.startswith("-"):
                filled.append(".")
        return super().parse_args(ctx, filled)


def check_plot(plot: Path | None, paths: list[str]) -> None:
    """Whether `--plot` can be followed.

    Raises
    ------
    typer.BadParameter
        If it is no picture and no folder, or one picture for several paths.
    """
    if plot is None:
        return
    if plot.suffix.lower() not in _PICTURES and plot.exists() and not plot.is_dir():
        raise typer.BadParameter(
            f"{plot} is neither a folder nor a name that ends in {', '.join(_PICTURES)} (put --plot behind the paths)",
            param_hint="--plot",
        )
    if plot.suffix.lower() in _PICTURES and len(paths) > 1:
        raise typer.BadParameter("one picture for several paths; name a folder", param_hint="--plot")


def check_output(form: str, output: Path | None, timeline: bool, per_label: bool, embed_audio: bool) -> None:
    """Whether a format goes with the options on what is written.

    Raises
    ------
    typer.BadParameter
        If one of them is of other formats.
    """
    if timeline and not FORMATS[form].has_timeline:
        having = ", ".join(name for name, one in FORMATS.items() if one.has_timeline)
        raise typer.BadParameter(f"goes with --format {having}", param_hint="--timeline")
    if per_label and (form != "audacity" or output is None or output.is_file()):
        raise typer.BadParameter("goes with --format audacity and a folder as --output", param_hint="--per-label")
    if embed_audio and form != "html":
        raise typer.BadParameter("goes with --format html", param_hint="--embed-audio")
