"""Tags of all recordings of a run: listed or written, and the store kept in step."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from organology.audio.inputs import Input
from organology.counted import counted
from organology.errors import OrganologyError, one_line, show_traceback
from organology.extras import install_hint
from organology.filetags.writing import Change, write_tags
from organology.leftovers import sweep_once
from organology.library.moves import follow
from organology.library.rows import FileState
from organology.library.store import Store
from organology.recognition.result import Recognition

_DIGEST_CHARACTERS = 12


class FileTagWriter:
    """Writes what plays into recordings, or lists what it would write.

    Parameters
    ----------
    writes : bool
        Else it only lists.
    digest : str
        SHA-256 of the model file; its beginning goes into the tags, behind the model's name.
    store : Store, optional
        What it knows of a file holds when only the tags have changed.
    failed, done : callable
        Take one line for the user: what could not be written, and what was or would be.

    Attributes
    ----------
    n_changed : int
        Files that were, or would be, written.

    Raises
    ------
    OrganologyError
        If mutagen is missing: before the work, not at every file.
    """

    def __init__(
        self,
        writes: bool,
        digest: str,
        store: Store | None,
        failed: Callable[[str], None],
        done: Callable[[str], None],
    ) -> None:
        if find_spec("mutagen") is None:
            raise OrganologyError(f"tags need mutagen: {install_hint('mutagen')}")
        self._writes = writes
        self._digest = digest[:_DIGEST_CHARACTERS]
        self._store = store
        self._failed, self._done = failed, done
        self._began_ns = time.time_ns()
        self.n_changed = 0

    def tag(self, item: Input, recognition: Recognition) -> bool:
        """Write or list the tags of a recording; whether that could be done."""
        try:
            before = FileState.of(item.name) if item.file is None else None
            if before is None:
                raise OrganologyError(f"{item.name}: not a file that can carry a tag")
            if self._writes:
                sweep_once(Path(item.name).absolute().parent)
            change = self._change(item.name, recognition)
        except OrganologyError as error:
            self._failed(str(error))
            return False
        except Exception as error:  # one odd file must not end the work on all others
            show_traceback(error)
            self._failed(f"{item.name}: tags cannot be written: {one_line(error)}")
            return False
        self._done(change.describe(self._writes))
        if change.is_change:
            self.n_changed += 1
            after = FileState.of(item.name)
            if self._writes and self._store is not None and after is not None:
                follow(self._store, before, after)
        return True

    def _change(self, name: str, recognition: Recognition) -> Change:
        return write_tags(
            name,
            recognition.instruments,
            dry_run=not self._writes,
            model=" ".join(filter(None, (recognition.model, self._digest))),
            unchanged_since_ns=self._began_ns,
        )

    def close(self) -> None:
        """Say, after a dry run, how to go on."""
        if self.n_changed and not self._writes:
            self._done(f"nothing was written; with --yes the tags of {counted(self.n_changed, 'file')} are")
