"""Tags of all recordings of a run: told or written, and the store kept in step."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Literal

from organology.audio.inputs import Input
from organology.errors import OrganologyError
from organology.filetags.writing import Change, write_tags
from organology.library.rows import FileState
from organology.library.store import Store
from organology.recognition.onnx_model import digest
from organology.recognition.result import Recognition

_DIGEST_CHARACTERS = 12


class Tagger:
    """Writes what plays into recordings, or tells what it would write.

    Parameters
    ----------
    how : {"tell", "write"}
    model : path, optional
        The model file; default: the shipped model. Its name and the beginning of its SHA-256 go into the tags.
    store : Store, optional
        What it knows of a file holds when only the tags have changed.
    line : callable
        Takes one line for the user.

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
        how: Literal["tell", "write"],
        model: str | os.PathLike[str] | None,
        store: Store | None,
        line: Callable[[str], None],
    ) -> None:
        if find_spec("mutagen") is None:
            raise OrganologyError("tags need mutagen: pip install 'organology[tags]'")
        self._writes = how == "write"
        self._digest = digest(model)[:_DIGEST_CHARACTERS]
        self._store = store
        self._line = line
        self._began_ns = time.time_ns()
        self.n_changed = 0

    def tag(self, item: Input, recognition: Recognition) -> bool:
        """Write or tell the tags of a recording; whether that could be done."""
        try:
            before = FileState.of(item.name) if item.file is None else None
            if before is None:
                raise OrganologyError(f"{item.name}: not a file that can carry a tag")
            change = self._change(item.name, recognition)
        except OrganologyError as error:
            self._line(str(error))
            return False
        self._line(change.told(self._writes))
        if change.is_change:
            self.n_changed += 1
            after = FileState.of(item.name)
            if self._writes and self._store is not None and after is not None:
                self._store.follow(before, after)
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
        """Tell, after a dry run, how to go on."""
        if self.n_changed and not self._writes:
            files = "1 file" if self.n_changed == 1 else f"{self.n_changed} files"
            self._line(f"nothing was written; with --yes the tags of {files} are")
