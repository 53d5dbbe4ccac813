"""The command line: one file a verb. A verb reads arguments, calls one function and prints.

Verb modules import at their head nothing heavier than typer, so that `organology --help` answers at once; what they
call is imported inside them.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from typing import Annotated, Any

import typer

from organology._version import __version__
from organology.cli.signals import end_on_signals
from organology.errors import DEBUG_VARIABLE, OrganologyError, StoppedError, one_line, show_traceback
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

STANDARD_OUTPUT = "standard output"
_STOPPED = 130  # exit status of what Ctrl-C ended


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"organology {__version__}")
        raise typer.Exit


def _debug(asked: bool) -> None:
    if asked:
        os.environ[DEBUG_VARIABLE] = "1"


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool,
        typer.Option(
            "--debug", callback=_debug, is_eager=True, help="Show where errors come from (ORGANOLOGY_DEBUG=1)."
        ),
    ] = False,
) -> None:
    pass


@cache
def command_line() -> typer.Typer:
    """The command line with all its verbs."""
    from organology.cli.corpora import corpus, mix, prepare, render, stems
    from organology.cli.models import (
        average,
        distill,
        embed,
        evaluate,
        export,
        import_model,
        pretrain,
        recipes,
        reproduce,
        train,
        tune,
    )  # fmt: skip
    from organology.cli.recordings import find, labels, recognize, store, tags, watch
    from organology.cli.serving import listen, page, serve

    for module in (
        recognize, watch, find, store, tags, stems, labels, serve, page, listen, corpus, prepare, render, mix, pretrain,
        train, average, distill, evaluate, tune, embed, export, import_model, reproduce, recipes,
    ):  # fmt: skip
        module.register(app)
    return app


def main() -> None:
    """Run the command line; any error costs one line and exit status 1, with `--debug` its traceback, too."""
    _open_standard_streams()
    end_on_signals()
    try:
        status = _status()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, e.g. `head`, has enough
        status = 1
    except OSError as error:
        _say(f"error: standard output: cannot be written: {one_line(error)}")
        status = 1
    with suppress(OSError, ValueError):
        sys.stderr.flush()
    if status:
        _discard(sys.stdout)
    sys.exit(status)


def _status() -> int | str | None:
    """Run the verb; the exit status."""
    try:
        command_line()(prog_name="organology")
    except StoppedError as error:
        _say(str(error))
        return _STOPPED
    except OrganologyError as error:
        show_traceback(error)
        _say(f"error: {error}")
        return 1
    except SystemExit as error:
        if error.code == _STOPPED:  # so typer ends at Ctrl-C, without a word
            _say("stopped")
        return error.code
    except ModuleNotFoundError as error:
        module = (error.name or "").split(".")[0]
        hint = install_hint(module)
        if hint is None:
            raise
        _say(f"error: this needs {module}: {hint}")
        return 1
    except KeyboardInterrupt:
        _say("stopped")
        return _STOPPED
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        show_traceback(error)
        name = STANDARD_OUTPUT if error.filename is None else os.fsdecode(error.filename)
        _say(f"error: {name}: {one_line(error)}")
        return 1
    except Exception as error:
        show_traceback(error)
        _say(f"error: {one_line(error)} (this should not happen; {DEBUG_VARIABLE}=1 shows where it comes from)")
        return 1
    return 0


def _say(text: str) -> None:
    """Print a line to standard error, if that can be written."""
    with suppress(OSError, ValueError):
        print(printable(text), file=sys.stderr, flush=True)


def _open_standard_streams() -> None:
    """Give every standard descriptor that is closed a file, so that no other file takes its number.

    A closed output becomes one that cannot be written, which is told as an error where something is written to it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            handle = os.open(os.devnull, os.O_RDONLY if name != "stderr" else os.O_WRONLY)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def _discard(stream: Any) -> None:
    """Drop what a stream could not write: Python would try again at its end."""
    with suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
