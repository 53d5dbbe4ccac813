"""Recognizing many files: several at once, in order, with what a store already knows."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial

from organology import audio
from organology.audio.inputs import Input
from organology.errors import AudioError, UnreadableError
from organology.library.rows import FileState, Run
from organology.library.store import Store
from organology.recognition.recognizer import Recognizer
from organology.recognition.result import Recognition

HELD_BYTES = 64 * 2**20
"""Results that wait for an earlier file to be done are held up to this size; then no further file is begun."""


MOST_ENDS = 3
"""A file that was in work this many times when the program was killed is not begun again: it may be what kills it."""


class _StoppedError(Exception):
    """Ends a worker whose result nobody waits for."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of an input.

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
    """

    item: Input
    index: int
    recognitions: tuple[Recognition, ...] = ()
    error: AudioError | None = None
    stored: bool = False

    @property
    def reason(self) -> str:
        """The error without the name of the input."""
        return str(self.error).removeprefix(self.item.name).removeprefix(": ")

    @property
    def size(self) -> int:
        """Of the scores, in bytes."""
        return sum(one.scores.nbytes + one.starts.nbytes + one.ends.nbytes for one in self.recognitions)


@dataclass(frozen=True)
class Batch:
    """How inputs are recognized.

    Attributes
    ----------
    recognizer : Recognizer
    hop_seconds : float
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
    hop_seconds: float = 1.0
    split: bool = False
    jobs: int = 1
    store: Store | None = None
    run: Run | None = None
    retry: bool = False
    _stopped: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)

    def outcomes(
        self, inputs: Sequence[Input], progress: Callable[[int, float], None] | None = None
    ) -> Generator[Outcome, None, None]:
        """Recognize inputs.

        Parameters
        ----------
        inputs : sequence of Input
        progress : callable, optional
            Called now and then, from several threads, with the index of an input and the share of it that is done.

        Yields
        ------
        Outcome
            In the order of the inputs.

        Raises
        ------
        StoreError
            If the store cannot be written or read.
        """
        try:
            yield from _in_order(partial(self._outcome, progress), inputs, self.jobs, self._stopped)
        finally:
            self._stopped.clear()

    def _outcome(self, progress: Callable[[int, float], None] | None, index: int, item: Input) -> Outcome:
        def watch(share: float) -> None:
            if self._stopped.is_set():
                raise _StoppedError
            if progress is not None:
                progress(index, share)

        watch(0.0)
        if self.store is None or item.file is not None or (state := FileState.of(item.name)) is None:
            return self._tried(item, index, watch)
        if (stored := self._stored(state, index, item)) is not None:
            return stored
        if self.store.begin(state) >= MOST_ENDS and not self.retry:
            error = AudioError(f"{item.name}: the program ended {MOST_ENDS} times while this was in work")
            outcome = Outcome(item, index, error=error)
        else:
            try:
                outcome = self._tried(item, index, watch)
            except _StoppedError:
                self.store.release(state)
                raise
        return self._kept(outcome, state)

    def _tried(self, item: Input, index: int, watch: Callable[[float], None]) -> Outcome:
        """Recognize one input, whatever comes of it."""
        try:
            return Outcome(item, index, tuple(self._recognized(item, watch)))
        except AudioError as error:
            return Outcome(item, index, error=error)
        except _StoppedError:
            raise
        except Exception as error:  # one odd file must not end the work on all others
            told = " ".join(f"{type(error).__name__}: {error}".split())
            return Outcome(item, index, error=UnreadableError(f"{item.name}: cannot be recognized: {told}"))

    def _kept(self, outcome: Outcome, state: FileState) -> Outcome:
        """Put what became of a file into the store."""
        assert self.store is not None and self.run is not None
        if outcome.error is None:
            self.store.put(self.run, state, outcome.recognitions, split=self.split)
        elif isinstance(outcome.error, UnreadableError):  # another time it may be otherwise
            self.store.release(state)
        else:
            self.store.put_failure(self.run, state, outcome.reason)
        return outcome

    def _stored(self, state: FileState, index: int, item: Input) -> Outcome | None:
        assert self.store is not None and self.run is not None
        found = self.store.get(self.run, state, item.name, split=self.split)
        if isinstance(found, AudioError):
            return None if self.retry else Outcome(item, index, error=found, stored=True)
        return None if found is None else Outcome(item, index, tuple(found), stored=True)

    def _recognized(self, item: Input, watch: Callable[[float], None]) -> list[Recognition]:
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


def _in_order(
    work: Callable[[int, Input], Outcome], inputs: Iterable[Input], jobs: int, stopped: threading.Event
) -> Generator[Outcome, None, None]:
    """Do the work in threads and give the outcomes in order; a long one at the front does not idle the others."""
    waiting = enumerate(inputs)
    pending: deque[Future[Outcome]] = deque()
    running: set[Future[Outcome]] = set()
    held = 0
    with ThreadPoolExecutor(jobs, thread_name_prefix="recognize") as executor:
        try:
            while True:
                while len(running) < 2 * jobs and held < HELD_BYTES and (following := next(waiting, None)) is not None:
                    future = executor.submit(work, *following)
                    pending.append(future)
                    running.add(future)
                if not pending:
                    return
                if not pending[0].done():
                    wait(running, return_when=FIRST_COMPLETED)
                done = {future for future in running if future.done()}
                running -= done
                held += sum(future.result().size for future in done)
                if pending[0].done():
                    outcome = pending.popleft().result()
                    held -= outcome.size
                    yield outcome
        finally:  # also where the caller stops in the middle
            stopped.set()
            executor.shutdown(cancel_futures=True)
