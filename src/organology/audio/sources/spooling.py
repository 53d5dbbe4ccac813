"""File objects that cannot seek, or only slowly, as ones that can: in memory or, if large, in a temporary file."""

from __future__ import annotations

import shutil
import sys
import tempfile
from typing import BinaryIO, cast

from organology.errors import AudioError, UnreadableError

SPOOL_BYTES = 64 * 2**20
"""Of a file object that cannot seek, this much is held in memory; more goes to a temporary file."""

STANDARD_INPUT = "<stdin>"
"""The name of standard input in results and errors."""

_SLOW = ("bz2", "gzip", "lzma", "zipfile")  # going back, these decompress all from the beginning


def seekable(file: BinaryIO, name: str) -> BinaryIO:
    """A file object itself if it can seek well, else a copy that can.

    Raises
    ------
    UnreadableError
        If it is closed, or a copy is needed and cannot be made.
    """
    try:
        can_seek = bool(file.seekable())
    except AttributeError:
        can_seek = False
    except Exception as error:  # closed
        raise UnreadableError(f"{name}: {error}") from error
    if not can_seek:
        return spool(file, name)
    if type(file).__module__.partition(".")[0] not in _SLOW:
        return file
    file.seek(0)
    return spool(file, name)


def spool(file: BinaryIO, name: str = "<file>") -> BinaryIO:
    """A copy of a file object that can seek; in memory or, beyond `SPOOL_BYTES`, in a temporary file.

    Parameters
    ----------
    file : binary file object
        Read from where it stands to its end.
    name : str
        The `name` of the copy; named in errors.

    Raises
    ------
    UnreadableError
        If it cannot be read, or the temporary file cannot be written.
    AudioError
        If it gives text.
    """
    held = _Spooled(name)
    try:
        shutil.copyfileobj(file, held, 2**20)
    except TypeError:
        held.close()
        raise AudioError(f"{name}: a file object that gives text; open it with mode 'rb'") from None
    except Exception as error:  # a damaged archive, a socket that timed out, a full disk
        held.close()
        raise UnreadableError(f"{name}: {getattr(error, 'strerror', None) or error}") from error
    held.seek(0)
    return cast(BinaryIO, held)


def standard_input() -> BinaryIO:
    """The audio on standard input, as a file object that can seek, named `STANDARD_INPUT`.

    Raises
    ------
    UnreadableError
        If standard input is a terminal or closed.
    """
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        raise UnreadableError(f"{STANDARD_INPUT}: nothing comes there; `-` takes the audio that is piped in")
    return spool(sys.stdin.buffer, STANDARD_INPUT)


class _Spooled(tempfile.SpooledTemporaryFile[bytes]):
    """One whose `name` is what it holds, not where."""

    def __init__(self, name: str) -> None:
        super().__init__(max_size=SPOOL_BYTES)
        self._named = name

    @property
    def name(self) -> str:
        return self._named
