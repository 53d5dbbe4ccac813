"""The command line: one file a verb. A verb reads arguments, calls one function and prints.

Verb modules import at their head nothing heavier than typer, so that `organology --help` answers at once; what they
call is imported inside them.
"""

from __future__ import annotations

import signal
import sys
from functools import cache
from typing import Annotated

import typer

from organology._version import __version__
from organology.errors import OrganologyError, StoppedError
from organology.extras import install_hint
from organology.outputs.terminal.printable import printable

app = typer.Typer(
    name="organology",
    help="Which instruments play in a recording, and when.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_STOPPED = 130  # exit status of what Ctrl-C ended


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"organology {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@cache
def command_line() -> typer.Typer:
    """The command line with all its verbs."""
    from organology.cli.corpora import corpus, mix, prepare, render
    from organology.cli.models import average, distill, evaluate, export, import_model, pretrain, reproduce, train, tune
    from organology.cli.recordings import find, labels, recognize, store, tags
    from organology.cli.serving import listen, page, serve

    for module in (
        recognize, find, store, labels, tags, corpus, prepare, render, mix, pretrain, train, average, distill, evaluate,
        tune, export, import_model, reproduce, serve, page, listen,
    ):  # fmt: skip
        module.register(app)
    return app


def main() -> None:
    """Run the command line; an error that a user can act on costs one line and exit status 1."""
    verbs = command_line()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as any exit: temporary files are removed
    try:
        verbs()
    except StoppedError as error:
        print(printable(str(error)), file=sys.stderr)
        sys.exit(_STOPPED)
    except OrganologyError as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        sys.exit(1)
    except SystemExit as error:
        if error.code == _STOPPED:  # so typer ends at Ctrl-C, without a word
            print("stopped", file=sys.stderr)
        raise
    except ModuleNotFoundError as error:
        module = (error.name or "").split(".")[0]
        hint = install_hint(module)
        if hint is None:
            raise
        print(f"error: this needs {module}: {hint}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(_STOPPED)
