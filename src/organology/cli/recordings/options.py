"""What the verbs on recordings share: help in groups, thresholds and labels as arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand

from organology.outputs.formats import FORMATS


class GroupedCommand(TyperCommand):
    """A verb whose help shows options in groups: their `rich_help_panel`; those without one come last."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the sections of options."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                panel = getattr(parameter, "rich_help_panel", None)
                is_argument = parameter.param_type_name == "argument"
                groups.setdefault("Arguments" if is_argument else panel or "Other", []).append(record)
        rest = groups.pop("Other", [])
        last = "Other" if len(groups) > 1 else "Options"
        for name, records in [*groups.items(), (last, rest)]:
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)


def thresholds_of(given: Sequence[str] | None) -> float | dict[str, float] | None:
    """Thresholds from `0.4` (for all labels) and `violin=0.4` arguments; the later ones and those of a label win.

    Raises
    ------
    typer.BadParameter
        If one is neither, or not between 0 and 1.
    """
    if not given:
        return None
    from organology.taxonomy import LABELS

    for_all: float | None = None
    levels: dict[str, float] = {}
    for one in given:
        label, sign, text = one.rpartition("=")
        try:
            level = float(text)
        except ValueError:
            level = -1.0
        if not 0 <= level <= 1:
            raise typer.BadParameter(f"{one!r}: a number from 0 to 1, or LABEL=NUMBER", param_hint="--threshold")
        if sign:
            levels[checked_label(label, "--threshold")] = level
        else:
            for_all = level
    if for_all is None:
        return levels
    return {**dict.fromkeys(LABELS, for_all), **levels} if levels else for_all


def list_formats(asked: bool) -> None:
    """Print every format of results, its files' suffix and what it holds, and end."""
    if not asked:
        return
    width = max(map(len, FORMATS))
    for name, form in FORMATS.items():
        holds = "a file a recording" if form.alone else ""
        typer.echo(f"{name:<{width}}  {form.suffix:<13}  {form.what:<45}  {holds}".rstrip())
    raise typer.Exit


def labels_of(given: Sequence[str] | None, option: str) -> tuple[str, ...] | None:
    """Labels from arguments like `violin,brass`, in the order of the labels; None if none is given.

    Raises
    ------
    typer.BadParameter
        If one is not a label.
    """
    if not given:
        return None
    from organology.taxonomy import LABELS

    asked = {checked_label(one, option) for text in given for one in text.split(",") if one.strip()}
    return tuple(label for label in LABELS if label in asked) or None


def checked_label(text: str, option: str) -> str:
    """A label as it is written inside organology (`Electric-Guitar` is `electric_guitar`).

    Raises
    ------
    typer.BadParameter
        If it is none.
    """
    import difflib

    from organology.taxonomy import LABELS

    label = text.strip().lower().replace("-", "_").replace(" ", "_")
    if label not in LABELS:
        near = difflib.get_close_matches(label, LABELS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the labels are {', '.join(LABELS)}"
        raise typer.BadParameter(f"{text.strip()!r} is not a label; {hint}", param_hint=option)
    return label
