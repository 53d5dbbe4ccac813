"""Decoding with FFmpeg's libraries (PyAV): containers that libsndfile does not know, mp3, and what it cannot finish."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import Any

import av
import numpy as np

from organology.audio.readers import NO_STREAM, NotAudioError, Samples, full_scale
from organology.audio.source import OpenSource

# What PyAV may open. Playlists (hls, dash, concat, sdp) are left out because they read other files and addresses,
# pictures, subtitles and raw text because they are not audio.
_CONTAINERS = (
    "3gp,aa,aac,ac3,ac4,aiff,amr,amrnb,amrwb,ape,asf,au,avi,bonk,caf,dff,dsf,dts,dtshd,eac3,flac,flv,gsm,gxf,iff,ircam,"
    "latm,loas,m4a,matroska,mlp,mov,mp3,mp4,mpc,mpc8,mpeg,mpegts,mxf,nut,ogg,oma,osq,qcp,rm,shn,sox,spdif,tak,truehd,"
    "tta,voc,vqf,w64,wav,wavarc,webm,wsd,wtv,wv,xwma"
)
_MISSING_SECONDS = 0.25  # a container's duration may be rounded, and codecs pad: less than this is not missing
_MPEG_HEADER_BYTES = 4096


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
            if n_held >= block_frames:
                joined = np.concatenate(held)
                whole = n_held - n_held % block_frames
                for start in range(0, whole, block_frames):
                    yield joined[start : start + block_frames]
                read += whole
                held, n_held = [joined[whole:]], n_held - whole
        if n_held:
            yield np.concatenate(held)
            read += n_held
        missing = (self.frames or 0) - read
        self.truncated |= missing > _MISSING_SECONDS * self.sample_rate

    def close(self) -> None:
        """Let go of the file."""
        self._decoded.close()
        self._container.close()


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
    if frame.format.name == "fltp":  # what most codecs give; twice as fast as to_ndarray
        planes = [np.frombuffer(plane, np.float32, frame.samples) for plane in frame.planes]
        samples = np.stack(planes, axis=1)
    else:
        array = frame.to_ndarray()
        samples = full_scale(array.T if frame.format.is_planar else array.reshape(-1, frame.layout.nb_channels))
    if samples.shape[1] != channels:  # the channels change on the way: the mean, in every channel
        samples = np.repeat(samples.mean(axis=1, keepdims=True), channels, axis=1)
    return samples
