"""The process of a trial: recognizes the file that standard input names, and puts the result into the store."""

from __future__ import annotations

import os
import pickle
import sys
import threading
import time
from pathlib import Path

from organology.audio.inputs import Input
from organology.batch.executor import Batch
from organology.batch.trial import CANNOT_TRY
from organology.errors import OrganologyError
from organology.library.rows import FileState
from organology.library.store import Store


def main() -> int:
    """Do it; the exit status."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    try:
        recognizer, path, run, name, split = pickle.load(sys.stdin.buffer)  # of the parent, not from a file
        state = FileState.of(name)
        if state is None:
            return CANNOT_TRY
        with Store(path) as store:
            batch = Batch(recognizer, run.hop_seconds, split, 1, store, run)
            batch.keep(batch.recognize_alone(Input(name, Path(name).parent)), state)
    except OrganologyError:
        return CANNOT_TRY
    return 0


def _end_with(parent: int) -> None:
    """End this process when its parent is gone."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(CANNOT_TRY)


if __name__ == "__main__":
    sys.exit(main())
