"""Recognizing many files: several at once, in order, with what a store already knows.

Any error of a file becomes its result, and the rest goes on. A file that a process had in work when it died may be what
ended it; it is recognized in a process of its own (`trial`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from organology import audio
from organology.audio.inputs import Input
from organology.batch.trial import TrialDiedError, run_trial
from organology.errors import AudioError, UnreadableError, one_line, show_traceback
from organology.library import in_work
from organology.library.moves import adopt
from organology.library.rows import FileState, Run, content_digest
from organology.library.store import Store
from organology.ordered_map import ordered_map
from organology.recognition.recognizer import Recognizer
from organology.recognition.result import Recognition

HELD_BYTES = 64 * 2**20
"""Results that wait for an earlier file to be done are held up to this size; then no further file is begun."""

Watch = Callable[[float], None]


class _StoppedError(Exception):
    """Ends a worker whose result nobody waits for."""


@dataclass(frozen=True, eq=False)
class FileResult:
    """What an input gave.

    Attributes
    ----------
    item : Input
    index : int
        Its place among the inputs.
    recognitions : tuple of Recognition
        One; with `split` one a channel; none if there is an error.
    error : AudioError or None
        Why it could not be recognized.
    stored : bool
        It was in the store, and nothing was done.
    moved_from : str or None
        Where the store knew it, if that was by its content alone.
    """

    item: Input
    index: int
    recognitions: tuple[Recognition, ...] = ()
    error: AudioError | None = None
    stored: bool = False
    moved_from: str | None = None

    @property
    def reason(self) -> str:
        """The error without the name of the input."""
        return one_line(self.error).removeprefix(self.item.name).removeprefix(": ") if self.error else ""

    @property
    def size(self) -> int:
        """Of the scores, in bytes."""
        return sum(
            one.scores.nbytes + one.starts.nbytes + one.ends.nbytes + (0 if one.frames is None else one.frames.nbytes)
            for one in self.recognitions
        )


@dataclass(frozen=True)
class Batch:
    """How inputs are recognized.

    Attributes
    ----------
    recognizer : Recognizer
    hop_seconds : float, optional
        Default: the model's.
    split : bool
        One recognition a channel, named `FILE#chN`; a file with one channel gives one, named as the file.
    jobs : int
        Files worked on at once. The results do not depend on it.
    store : Store, optional
        What is in it is not done again; what is done is put into it at once.
    run : Run, optional
        Goes with `store`.
    retry : bool
        Try again what could not be recognized, though the file is as it was.
    """

    recognizer: Recognizer
    hop_seconds: float | None = None
    split: bool = False
    jobs: int = 1
    store: Store | None = None
    run: Run | None = None
    retry: bool = False
    _stopped: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)

    def results(
        self, inputs: Sequence[Input], progress: Callable[[int, float], None] | None = None
    ) -> Generator[FileResult, None, None]:
        """Recognize inputs.

        Parameters
        ----------
        inputs : sequence of Input
        progress : callable, optional
            Called now and then, from several threads, with the index of an input and the share of it that is done.

        Yields
        ------
        FileResult
            In the order of the inputs.

        Raises
        ------
        StoreError
            If the store cannot be written or read.
        """
        work = partial(self._result, progress)
        threaded = ordered_map(
            work,
            enumerate(inputs),
            self.jobs,
            size=lambda result: result.size,
            most_held=HELD_BYTES,
            stopped=self._stopped,
        )
        try:
            with closing(threaded) as found:
                for _, result in found:
                    yield result
        finally:
            self._stopped.clear()

    def _result(self, progress: Callable[[int, float], None] | None, numbered: tuple[int, Input]) -> FileResult:
        index, item = numbered

        def watch(share: float) -> None:
            if self._stopped.is_set():
                raise _StoppedError
            if progress is not None:
                progress(index, share)

        watch(0.0)
        if self.store is None or item.file is not None or (state := FileState.of(item.name)) is None:
            return self._recognize(item, index, watch)
        return self._stored(state, index, item) or self._begin(state, index, item, watch)

    def _begin(self, state: FileState, index: int, item: Input, watch: Watch) -> FileResult:
        """Recognize a file that the store does not know, and store what comes of it."""
        assert self.store is not None and self.run is not None
        try:
            if in_work.begin(self.store, state):
                run_trial(self.recognizer, self.store, self.run, item.name, self.split, watch)
                tried = self._stored(state, index, item, is_new=True)
                if tried is not None:
                    return tried
            result = self._recognize(item, index, watch)
        except TrialDiedError as error:
            result = FileResult(item, index, error=AudioError(f"{item.name}: {error}"))
        except BaseException:
            in_work.release(self.store, state)
            raise
        return self.keep(result, state)

    def _recognize(self, item: Input, index: int, watch: Watch) -> FileResult:
        """Recognize an input; any error becomes the result."""
        try:
            return FileResult(item, index, tuple(self._recognitions(item, watch)))
        except AudioError as error:
            return FileResult(item, index, error=error)
        except _StoppedError:
            raise
        except Exception as error:  # one odd file must not end the work on all others
            show_traceback(error)
            reason = f"{item.name}: cannot be recognized: {one_line(error)}"
            return FileResult(item, index, error=UnreadableError(reason))

    def keep(self, result: FileResult, state: FileState) -> FileResult:
        """Put the result of a file into the store.

        Parameters
        ----------
        result : FileResult
        state : FileState
            Of the file before it was read.
        """
        assert self.store is not None and self.run is not None
        if isinstance(result.error, UnreadableError):  # another time it may be otherwise
            in_work.release(self.store, state)
            return result
        content = content_digest(state.path)
        if result.error is None:
            self.store.put(self.run, state, result.recognitions, split=self.split, content=content)
        else:
            self.store.put_failure(self.run, state, result.reason, content)
        return result

    def _stored(self, state: FileState, index: int, item: Input, is_new: bool = False) -> FileResult | None:
        """What the store knows of a file, under this name or another."""
        assert self.store is not None and self.run is not None
        moved_from = None
        found = self.store.get(self.run, state, item.name, split=self.split)
        if found is None and not is_new and (known := adopt(self.store, state)) is not None:
            moved_from = known.path if known.is_moved else None
            found = self.store.get(self.run, state, item.name, split=self.split)
        if isinstance(found, AudioError):
            return (
                None
                if self.retry and not is_new
                else FileResult(item, index, error=found, stored=not is_new, moved_from=moved_from)
            )
        if found is None:
            return None
        return FileResult(item, index, tuple(found), stored=not is_new, moved_from=moved_from)

    def recognize_alone(self, item: Input) -> FileResult:
        """Recognize one input in this thread, whatever a store knows."""
        return self._recognize(item, 0, lambda share: None)

    def _recognitions(self, item: Input, watch: Watch) -> list[Recognition]:
        n_channels = 1
        if self.split:
            with audio.decode(item.source) as stream:
                n_channels = stream.channels
        if n_channels == 1:
            return [self.recognizer.recognize(item.source, self.hop_seconds, progress=watch)]

        def part(done: int, share: float) -> None:
            watch((done + share) / n_channels)

        # Decoded once a channel: decoding is a small part of the work, and memory does not grow with the file.
        return [
            self.recognizer.recognize(
                audio.decode(item.source).only(channel), self.hop_seconds, progress=partial(part, channel - 1)
            )
            for channel in range(1, n_channels + 1)
        ]
