"""`organology labels`: the labels of a set as a tree, and which of them the shipped model can tell."""

from __future__ import annotations

from typing import Annotated

import typer

from organology.cli.echo import echo


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(name="labels")(labels)


def labels(
    label_set: Annotated[
        str,
        typer.Argument(metavar="[SET]", help="Name of a label set, or a table of your own.", show_default=False),
    ] = "",
) -> None:
    """List the labels of a set with their names, and which the shipped model can tell; without SET, those of the model.

    A label below another belongs to it. `organology recognize --labels SET` shows what can be told. The names of
    tentative labels are not reliable enough to be given unless they are asked for: `--labels all`.
    """
    from organology.labels import LabelSet, label_sets
    from organology.outputs.terminal.printable import printable
    from organology.recognition.onnx_model import ModelFile

    model = ModelFile(threads=1)
    own = model.metadata.label_set
    shown = LabelSet.load(label_set) if label_set else own
    view = shown.view_of(own)
    answers = dict.fromkeys(view.missing, "no")
    for label, columns in zip(view.labels, view.columns, strict=True):
        is_tentative = all(own.labels[column] in model.metadata.tentative for column in columns)
        answers[label] = "tentative" if is_tentative else "yes"
    indented = {label: f"{'  ' * shown.depth(label)}{label}" for label in shown.order()}
    width = max(map(len, indented.values()))
    names = max(len(shown.display[label]) for label in shown.labels)
    echo(f"{shown.name}: {len(shown)} labels; the shipped model can tell {len(view.labels)} of them")
    for label, text in indented.items():
        echo(f"  {printable(text):<{width}}  {printable(shown.display[label]):<{names}}  {answers[label]}")
    echo(f"label sets: {', '.join(label_sets())}")
