"""The two decoders behind one small interface: libsndfile (soundfile) and FFmpeg's libraries (PyAV)."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import Any, Protocol

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from organology.audio.source import OpenSource

Samples = NDArray[np.float32]

# What PyAV may open. Playlists (hls, dash, concat, sdp) are left out because they read other files and addresses,
# pictures, subtitles and raw text because they are not audio.
_CONTAINERS = (
    "3gp,aa,aac,ac3,ac4,aiff,amr,amrnb,amrwb,ape,asf,au,avi,bonk,caf,dff,dsf,dts,dtshd,eac3,flac,flv,gsm,gxf,iff,ircam,"
    "latm,loas,m4a,matroska,mlp,mov,mp3,mp4,mpc,mpc8,mpeg,mpegts,mxf,nut,ogg,oma,osq,qcp,rm,shn,sox,spdif,tak,truehd,"
    "tta,voc,vqf,w64,wav,wavarc,webm,wsd,wtv,wv,xwma"
)
_MISSING_SECONDS = 0.25  # a container's duration may be rounded, and codecs pad: less than this is not missing
_MPEG_HEADER_BYTES = 4096
_UNKNOWN_LENGTH = 0x7FFF_0000


NO_STREAM = "no audio stream in it"


class NotAudioError(Exception):
    """A decoder cannot open the source; its text is the reason."""


class Reader(Protocol):
    """What a decoder gives: properties of the sound, then its blocks, once."""

    sample_rate: int
    channels: int
    frames: int | None  # as declared by the file; None if it does not say
    truncated: bool  # known at the end of `blocks`
    broken: bool  # the decoder gave up before the end

    def blocks(self, block_frames: int) -> Iterator[Samples]:
        """Blocks of shape (frames, channels), the last one shorter."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class SoundfileReader:
    """Reads with libsndfile."""

    def __init__(self, source: OpenSource) -> None:
        try:
            self._file = soundfile.SoundFile(_for_soundfile(source))
        except (soundfile.LibsndfileError, RuntimeError, TypeError, OSError) as error:
            raise NotAudioError(str(error)) from error
        self.sample_rate: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.frames: int | None = self._file.frames
        self.truncated = _is_cut(self._file.extra_info)
        self.broken = False

    def blocks(self, block_frames: int) -> Iterator[Samples]:
        """Blocks of shape (frames, channels), the last one shorter."""
        read = 0
        while True:
            try:
                block: Samples = self._file.read(block_frames, dtype="float32", always_2d=True)
            except (soundfile.LibsndfileError, RuntimeError):
                self.broken = True
                break
            if len(block) == 0:
                break
            read += len(block)
            yield block
        self.truncated |= self.broken or read < (self.frames or 0)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class AvReader:
    """Reads with PyAV: the first audio stream of any container. Damaged packets are skipped."""

    def __init__(self, source: OpenSource) -> None:
        self.truncated = self.broken = False
        guessed = not _counts_its_frames(source)
        try:
            self._container: Any = av.open(
                source.rewound() if source.path is None else str(source.path),
                metadata_errors="ignore",
                options=_options(source),
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            raise NotAudioError(str(error)) from error
        try:
            self._start(guessed)
        except BaseException:
            self._container.close()
            raise

    def _start(self, guessed: bool) -> None:
        if not self._container.streams.audio:
            raise NotAudioError(NO_STREAM)
        self._stream = self._container.streams.audio[0]
        self._decoded = self._decode()
        # The first frame, not the header, tells the true rate (HE-AAC says half of it) and channels.
        first = self._first = next(self._decoded, None)
        context = self._stream.codec_context
        if first is None and (self.truncated or not context.sample_rate):
            raise NotAudioError("nothing in it can be decoded")
        self.sample_rate = int(first.sample_rate if first is not None else context.sample_rate or 0)
        self.channels = int(first.layout.nb_channels if first is not None else context.channels or 0)
        seconds = None
        if self._stream.duration is not None and self._stream.time_base is not None:
            seconds = float(self._stream.duration * self._stream.time_base)
        elif self._container.duration is not None and not self._container.streams.video:
            seconds = self._container.duration / av.time_base
        if self._container.format.name in ("aac", "mp3") and guessed:
            seconds = None  # FFmpeg went by the bit rate
        self.frames: int | None = None if seconds is None else round(seconds * self.sample_rate)

    def _decode(self) -> Generator[Any, None, None]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError):
                self.truncated = True
                packet = None
            if packet is None:
                return
            try:
                frames = packet.decode()
            except (av.FFmpegError, ValueError):
                self.truncated = True
                continue
            yield from frames

    def _frames(self) -> Iterator[Samples]:
        frame, self._first = self._first, None
        while frame is not None:
            if int(frame.sample_rate) != self.sample_rate:  # streams joined end to end: the first one counts
                self.truncated = True
                return
            yield _samples(frame, self.channels)
            frame = next(self._decoded, None)

    def blocks(self, block_frames: int) -> Iterator[Samples]:
        """Blocks of shape (frames, channels), the last one shorter."""
        held: list[Samples] = []
        n_held = read = 0
        for samples in self._frames():
            held.append(samples)
            n_held += len(samples)
            while n_held >= block_frames:
                joined = np.concatenate(held)
                yield joined[:block_frames]
                read += block_frames
                held, n_held = [joined[block_frames:]], n_held - block_frames
        if n_held:
            yield np.concatenate(held)
            read += n_held
        missing = (self.frames or 0) - read
        self.truncated |= missing > _MISSING_SECONDS * self.sample_rate

    def close(self) -> None:
        """Let go of the file."""
        self._decoded.close()
        self._container.close()


def _for_soundfile(source: OpenSource) -> Any:
    # As bytes where the system has names of bytes: soundfile refuses those that are not UTF-8.
    return os.fsencode(source.path) if source.path is not None and os.name == "posix" else source.rewound()


def _is_cut(log: str) -> bool:
    # libsndfile corrects the length of a cut wav by itself and leaves only this trace of it. A writer that could not
    # go back to fill in the length left 0 or nearly 2^32: nothing is missing then.
    lengths = re.search(r"^data : (\d+) \(should be (\d+)\)", log, re.MULTILINE)
    return lengths is not None and int(lengths[2]) < int(lengths[1]) < _UNKNOWN_LENGTH


def _options(source: OpenSource) -> dict[str, str]:
    # "file" alone: a container can never make FFmpeg open an address.
    protocols = {"protocol_whitelist": "file"} if source.path is not None else {}
    return {"format_whitelist": _CONTAINERS, **protocols}


def _counts_its_frames(source: OpenSource) -> bool:
    """Whether an mp3 begins with a header (Xing, Info or VBRI) that counts its frames."""
    with ExitStack() as stack:
        file = source.file if source.path is None else stack.enter_context(source.path.open("rb"))
        assert file is not None
        file.seek(0)
        head = file.read(10)
        size = 0
        if head[:3] == b"ID3":
            size = 10 + sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=False))
        file.seek(size)
        frame = file.read(_MPEG_HEADER_BYTES)
    return any(tag in frame for tag in (b"Xing", b"Info", b"VBRI"))


def _samples(frame: Any, channels: int) -> Samples:
    """One decoded frame as float32 of shape (frames, channels), full scale at ±1."""
    array = frame.to_ndarray()
    array = array.T if frame.format.is_planar else array.reshape(-1, frame.layout.nb_channels)
    if array.dtype == np.uint8:
        samples = (array.astype(np.float32) - 128.0) / 128.0
    elif array.dtype.kind == "i":
        samples = array.astype(np.float32) / float(-np.iinfo(array.dtype).min)
    else:
        samples = array.astype(np.float32, copy=False)
    if samples.shape[1] != channels:  # the channels change on the way: the mean, in every channel
        samples = np.repeat(samples.mean(axis=1, keepdims=True), channels, axis=1)
    return samples  # type: ignore[no-any-return]
