"""What verbs say to people: lines that no name, tag or stored text can steer a terminal with."""

from __future__ import annotations

import typer

from organology.outputs.terminal.printable import printable


def echo(line: object = "", *, err: bool = False) -> None:
    """Print one line; control characters in it stand escaped."""
    typer.echo(printable(str(line)), err=err)


def echo_lines(text: str, *, err: bool = False) -> None:
    """Print a text of several lines."""
    for line in text.split("\n"):
        echo(line, err=err)
