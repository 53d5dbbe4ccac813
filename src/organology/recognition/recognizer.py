"""The recognizer: audio of any kind in, a `Recognition` out."""

from __future__ import annotations

import math
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from organology import audio
from organology.errors import AudioError
from organology.metadata import ModelMetadata
from organology.recognition.modelfile import ModelFile
from organology.recognition.pooling import pool
from organology.recognition.result import Recognition
from organology.recognition.windows import Window, windows
from organology.taxonomy import LABELS, raise_families

SILENCE_DBFS = -70.0
"""A window whose level (root mean square) is below this is silent: its scores are 0."""

BATCH_WINDOWS = 4
"""Windows in one inference: more of them take more memory and, with small networks, no less time."""

Thresholds = float | Mapping[str, float] | Sequence[float] | NDArray[np.floating]
"""One threshold for all labels, some by label, or all 15."""

AnySource = audio.Source | audio.AudioStream
T = TypeVar("T", bound=AnySource)


class _StoppedError(Exception):
    """Ends a worker whose result nobody waits for."""


class Recognizer:
    """Tells which instruments play in recordings, and when.

    One recognizer may be used from several threads at once.

    Parameters
    ----------
    model : path, optional
        An ONNX file of the contract in `docs/architecture.md`. Default: the shipped model.
    threads : int, optional
        Threads that one inference may use. Default: as many as this process may run on.

    Raises
    ------
    ModelError
        "PATH: reason" if the model cannot be used.

    Examples
    --------
    >>> recognition = Recognizer().recognize("song.wav")                             # doctest: +SKIP
    >>> recognition.instruments                                                      # doctest: +SKIP
    ['voice', 'percussion', 'singer', 'drums']
    >>> recognition.segments_of("singer")[0]                                         # doctest: +SKIP
    Segment(label='singer', start=12.0, end=47.0, score=0.91)
    """

    def __init__(self, model: str | os.PathLike[str] | None = None, threads: int | None = None) -> None:
        self._model = ModelFile(model, threads)

    @property
    def metadata(self) -> ModelMetadata:
        """What the model file says of itself."""
        return self._model.metadata

    @property
    def model(self) -> str:
        """Name of the model."""
        return self._model.name

    def recognize(
        self,
        source: AnySource,
        hop_seconds: float = 1.0,
        thresholds: Thresholds | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Recognition:
        """Recognize the instruments of one recording.

        Parameters
        ----------
        source : path, bytes, binary file object, or `audio.AudioStream` (also of `audio.from_array`)
            Any length: memory does not grow with it but for the scores.
        hop_seconds : float
            Distance of the windows.
        thresholds : float, mapping or sequence, optional
            In place of the model's: one for all labels, some by label, or all 15.
        progress : callable, optional
            Called after every window with the share of the file that is done; 0 where its length is not known.

        Raises
        ------
        AudioError
            "NAME: reason" if the source cannot be used.
        ValueError
            If `hop_seconds` is not positive or the thresholds are not such.
        """
        levels = _thresholds(self.metadata, thresholds)
        rate = self.metadata.sample_rate
        hop_frames = _hop_frames(hop_seconds, rate)
        with source if isinstance(source, audio.AudioStream) else audio.decode(source) as stream:
            cut = windows(audio.mono_blocks(stream, rate), self.metadata.window_frames, hop_frames)
            found, scores, sounds = self._scored(_watched(cut, stream, progress))
            duration = stream.frames_read / stream.sample_rate
        places = np.array(found, dtype=np.float64).reshape(-1, 2) / rate
        # Resampling rounds the length to a whole sample: the true end is the source's.
        starts, ends = places[:, 0], np.minimum(places[:, 1], duration)
        ends[-1] = duration
        return Recognition(
            source=stream.name,
            duration=duration,
            starts=starts,
            ends=ends,
            scores=scores,
            file_scores=raise_families(pool(scores[sounds], self.metadata.pooling)),
            thresholds=levels,
            hop_seconds=hop_frames / rate,
            model=self.model,
            notes=_notes(stream, bool(sounds.any())),
        )

    def recognize_many(
        self,
        sources: Iterable[T],
        hop_seconds: float = 1.0,
        thresholds: Thresholds | None = None,
        workers: int = 1,
        progress: Callable[[T, float], None] | None = None,
    ) -> Generator[tuple[T, Recognition | AudioError], None, None]:
        """Recognize one recording after the other, as the caller asks for them.

        Parameters
        ----------
        sources : iterable of path, bytes, file object or `audio.AudioStream`
            Taken as they are needed, so it may be endless.
        hop_seconds, thresholds
            As in `recognize`.
        workers : int
            Recordings worked on at once, each in a thread; at most twice as many are held ready. Many short recordings
            go fastest with a recognizer of one thread and a worker a core.
        progress : callable, optional
            Called now and then, from the workers' threads, with a source and the share of it that is done.

        Yields
        ------
        (source, Recognition or AudioError)
            In the order of the sources; the error where a source cannot be used, and the rest goes on.
        """
        stopped = threading.Event()

        def watch(source: T, share: float) -> None:
            if stopped.is_set():
                raise _StoppedError
            if progress is not None:
                progress(source, share)

        def work(source: T) -> Recognition | AudioError:
            try:
                return self.recognize(source, hop_seconds, thresholds, partial(watch, source))
            except AudioError as error:
                return error

        if workers == 1:
            for source in sources:
                yield source, work(source)
            return
        with ThreadPoolExecutor(workers) as executor:
            pending: deque[tuple[T, Future[Recognition | AudioError]]] = deque()
            try:
                for source in sources:
                    pending.append((source, executor.submit(work, source)))
                    if len(pending) >= 2 * workers:
                        first, future = pending.popleft()
                        yield first, future.result()
                while pending:
                    first, future = pending.popleft()
                    yield first, future.result()
            finally:  # also where the caller stops in the middle
                stopped.set()
                executor.shutdown(cancel_futures=True)

    def _scored(self, cut: Iterator[Window]) -> tuple[list[tuple[int, int]], NDArray[np.float32], NDArray[np.bool_]]:
        """Places, scores and whether they sound, of all windows; the model sees only those that sound."""
        found: list[tuple[int, int]] = []
        sounds: list[bool] = []
        scores: list[NDArray[np.float32]] = []
        while batch := list(islice(cut, BATCH_WINDOWS)):
            heard = np.array([window.level >= SILENCE_DBFS for window in batch])
            of_batch = np.zeros((len(batch), len(LABELS)), np.float32)
            if heard.any():
                sounding = np.stack([window.samples for window, is_heard in zip(batch, heard, strict=True) if is_heard])
                of_batch[heard] = raise_families(self._model.scores(sounding))
            found += [(window.start, window.end) for window in batch]
            sounds += heard.tolist()
            scores.append(of_batch)
        return found, np.concatenate(scores), np.array(sounds)


def _hop_frames(hop_seconds: float, rate: int) -> int:
    if not (math.isfinite(hop_seconds) and hop_seconds * rate >= 1):
        raise ValueError(f"hop_seconds has to be positive, not {hop_seconds}")
    return round(hop_seconds * rate)


def _thresholds(metadata: ModelMetadata, given: Thresholds | None) -> NDArray[np.float64]:
    levels = np.array(metadata.thresholds, dtype=np.float64)
    if given is None:
        return levels
    if isinstance(given, Mapping):
        for label, level in given.items():
            if label not in LABELS:
                raise ValueError(f"a threshold for {label!r}, which is not a label")
            levels[LABELS.index(label)] = level
    else:
        levels = np.broadcast_to(np.asarray(given, dtype=np.float64), levels.shape).copy()
    if not ((levels >= 0) & (levels <= 1)).all():
        raise ValueError("thresholds lie between 0 and 1")
    return levels


def _watched(
    cut: Iterator[Window], stream: audio.AudioStream, progress: Callable[[float], None] | None
) -> Iterator[Window]:
    for window in cut:
        yield window
        if progress is not None:
            progress(min(1.0, stream.frames_read / stream.frames) if stream.frames else 0.0)


def _notes(stream: audio.AudioStream, sounds: bool) -> tuple[str, ...]:
    notes = []
    if not sounds:
        notes.append(f"silent: never above {SILENCE_DBFS:.0f} dBFS")
    if stream.truncated:
        declared = stream.frames or 0
        whole = f" of {declared / stream.sample_rate:.1f} s" if declared > stream.frames_read else ""
        notes.append(f"cut or damaged: {stream.frames_read / stream.sample_rate:.1f} s{whole} could be decoded")
    if stream.nonfinite:
        notes.append(f"{stream.nonfinite} samples that are no sound (NaN, infinite or huge) were taken as silence")
    return tuple(notes)
