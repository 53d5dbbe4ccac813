"""The recognizer: audio of any kind in, a `Recognition` out."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from copy import copy
from functools import partial
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from organology import audio
from organology.devices import AUTO
from organology.errors import AudioError
from organology.labels import LabelSet
from organology.ordered_map import ordered_map
from organology.recognition.frame_grid import FrameGrid, LevelMeter
from organology.recognition.inference import score_windows
from organology.recognition.onnx_model import ModelFile, available_cores
from organology.recognition.pooling import pool
from organology.recognition.result import Recognition
from organology.recognition.segments import SegmentSettings
from organology.recognition.thresholds import Thresholds, resolve_thresholds
from organology.recognition.views import viewed
from organology.recognition.windows import SILENCE_DBFS, ModelScores, Window, windows

AnySource = audio.Source | audio.AudioStream | NDArray[Any]
T = TypeVar("T", bound=audio.Source | audio.AudioStream)


class _StoppedError(Exception):
    """Ends a worker whose result nobody waits for."""


class Recognizer:
    """Recognizes which instruments play in recordings, and when.

    One recognizer may be used from several threads at once, and pickled: the copy opens the model again. As a context
    manager it frees the model's memory at the end.

    Parameters
    ----------
    model : path, optional
        An ONNX file of the contract in `docs/architecture.md`. Default: the shipped model.
    threads : int, optional
        For one recording: with 2 or more, windows are scored in threads of their own while the next ones are decoded;
        the scores are the same. Default: as many as this process has cores.
    labels : LabelSet, str or path, optional
        A label set, the name of a shipped one, or a table of one's own: results have those of its labels that the
        model can tell (`missing` has the others), each with the highest score of the model's labels within it.
        "all", or the name of the model's own set: every label that the model scores. Default: the model's own set
        without the labels whose names are not reliable enough (`ModelMetadata.tentative`).
    device : str
        Where the model runs: "auto", "cpu", "cuda", "coreml", "directml" or "openvino". "auto" is CUDA or DirectML
        where the installed onnxruntime has it, else the processor.

    Attributes
    ----------
    missing : tuple of str
        Labels of `labels` that the model cannot tell.

    Raises
    ------
    ModelError
        "PATH: reason" if the model cannot be used, or can tell no label of the set.
    ConfigError
        If there is no such label set.
    OptionError
        If the installed onnxruntime cannot use the device; says what to install.

    Examples
    --------
    >>> recognition = Recognizer().recognize("song.wav")                             # doctest: +SKIP
    >>> recognition.instruments                                                      # doctest: +SKIP
    ['voice', 'percussion', 'singer', 'drums']
    >>> recognition.segments_of("singer")[0]                                         # doctest: +SKIP
    Segment(label='singer', start=12.0, end=47.0, score=0.91)
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        threads: int | None = None,
        labels: LabelSet | str | os.PathLike[str] | None = None,
        device: str = AUTO,
    ) -> None:
        self._model = ModelFile(model, threads=1, device=device)
        self._threads = threads or available_cores()
        self._show(labels)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the model's memory; the recognizer cannot be used afterwards."""
        self._model.close()

    def with_labels(self, labels: LabelSet | str | os.PathLike[str] | None) -> Recognizer:
        """The same for another label set; parameter and errors as of `Recognizer`. Both share the open model."""
        other = copy(self)
        other._show(labels)
        return other

    def _show(self, labels: LabelSet | str | os.PathLike[str] | None) -> None:
        self.metadata, self._view = viewed(self._model.metadata, self._model.name, labels)
        self.missing: tuple[str, ...] = () if self._view is None else self._view.missing

    @property
    def label_set(self) -> LabelSet:
        """The labels of results."""
        return self.metadata.label_set

    @property
    def digest(self) -> str:
        """SHA-256 of the model file, in hexadecimal."""
        return self._model.digest

    @property
    def model(self) -> str:
        """Name of the model."""
        return self._model.name

    def recognize(
        self,
        source: AnySource,
        hop_seconds: float | None = None,
        thresholds: Thresholds | None = None,
        progress: Callable[[float], None] | None = None,
        *,
        sr: int | None = None,
        segment_settings: SegmentSettings | None = None,
    ) -> Recognition:
        """Recognize the instruments of one recording.

        Parameters
        ----------
        source : path, bytes, binary file object, array of samples, or `audio.AudioStream`
            Any length: memory does not grow with it but for the scores. An array has shape (frames,) or
            (frames, channels), float with full scale at ±1, or integers as in wav files; it needs `sr`.
        hop_seconds : float, optional
            Distance of the windows. Default: the model's, 1 where it has no frames.
        thresholds : float, str, mapping or sequence, optional
            In place of the model's: one for all labels, some by label or word ("guitar"), one a label, or the name of
            one of the model's presets ("strict", "sensitive").
        progress : callable, optional
            Called after every window with the share of the file that is done; 0 where its length is not known.
        sr : int
            Sample rate of an array, in Hz; only for an array.
        segment_settings : SegmentSettings, optional
            How segments are cut.

        Raises
        ------
        AudioError
            "NAME: reason" if the source cannot be used.
        ValueError
            If `hop_seconds` is not positive, a threshold is not valid, or the model has no such preset.
        TypeError
            If an array comes without its sample rate, or something else with one.

        Examples
        --------
        >>> samples = np.zeros((2 * 44_100, 2), np.float32)
        >>> Recognizer().recognize(samples, sr=44_100)
        <Recognition <array> (2.0 s): nothing>
        """
        about = self.metadata
        resolved = resolve_thresholds(self.label_set, about.thresholds, thresholds, about.presets)
        rate = about.sample_rate
        hop_frames = _hop_frames(about.hop_seconds if hop_seconds is None else hop_seconds, rate)
        meter = grid = None
        if about.frames is not None:
            meter, grid = LevelMeter(rate), FrameGrid(about.frames, rate, len(self.label_set))
        with _opened(source, sr) as stream:
            blocks = audio.mono_blocks(stream, rate)
            cut = windows(blocks if meter is None else meter.measured(blocks), about.window_frames, hop_frames)
            watched = _watched(cut, stream, progress)
            scored = score_windows(watched, self._scores, self.label_set, self._threads, grid)
            duration = stream.frames_read / stream.sample_rate
        # Resampling rounds the length to a whole sample: the true end is the source's.
        starts, ends = scored.starts / rate, np.minimum(scored.ends / rate, duration)
        ends[-1] = duration
        sounds = scored.sounds
        pooled = pool(scored.scores[sounds], about.pooling, starts[sounds], ends[sounds])
        return Recognition(
            source=stream.name,
            duration=duration,
            starts=starts,
            ends=ends,
            scores=scored.scores,
            file_scores=self.label_set.raise_parents(pooled),
            thresholds=resolved,
            hop_seconds=hop_frames / rate,
            model=self.model,
            notes=_notes(stream, bool(sounds.any())),
            segment_settings=segment_settings or SegmentSettings(),
            label_set=self.label_set,
            frames=None if grid is None or meter is None else grid.frames(meter.levels()),
            presets=about.presets,
        )

    def _scores(self, waveforms: NDArray[np.float32]) -> ModelScores:
        scores = self._model.all_scores(waveforms)
        if self._view is None:
            return scores
        windows, frames = self._view.apply(scores.windows), scores.frames
        return ModelScores(windows, None if frames is None else self._view.apply(frames))

    def recognize_many(
        self,
        sources: Iterable[T],
        hop_seconds: float | None = None,
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

        yield from ordered_map(work, sources, workers if workers > 1 else 0, stopped=stopped)


def _opened(source: AnySource, sr: int | None) -> audio.AudioStream:
    if isinstance(source, np.ndarray):
        if isinstance(sr, bool) or sr is None or sr != int(sr):
            raise TypeError(f"an array needs its sample rate in Hz, recognize(samples, sr=44100); sr is {sr!r}")
        return audio.from_array(source, int(sr))
    if sr is not None:
        raise TypeError("sr is the sample rate of an array; files say theirs")
    return source if isinstance(source, audio.AudioStream) else audio.decode(source)


def _hop_frames(hop_seconds: float, rate: int) -> int:
    if not (math.isfinite(hop_seconds) and hop_seconds * rate >= 1):
        raise ValueError(f"hop_seconds must be positive, got {hop_seconds}")
    return round(hop_seconds * rate)


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
    return (*notes, *stream.notes)
