"""Decoding with FFmpeg's libraries (PyAV): MPEG audio, Opus, the containers that libsndfile does not know."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import av
import numpy as np

from organology.audio.containers import avi, headers, mpeg
from organology.audio.containers.timeline import Timeline
from organology.audio.decoding.av_open import av_open
from organology.audio.decoding.conform import Conform
from organology.audio.decoding.readers import NO_STREAM, NotAudioError, Samples, full_scale, reblocked
from organology.audio.sources.source import OpenSource, reason_of

# What PyAV may open. Playlists (hls, dash, concat, sdp) are left out because they read other files and addresses,
# pictures, subtitles and raw text because they are not audio.
_CONTAINERS = (
    "3gp,aa,aac,ac3,ac4,aiff,amr,amrnb,amrwb,ape,asf,au,avi,bonk,caf,dff,dsf,dts,dtshd,eac3,flac,flv,gsm,gxf,iff,ircam,"
    "latm,loas,m4a,matroska,mlp,mov,mp3,mp4,mpc,mpc8,mpeg,mpegts,mxf,nut,ogg,oma,osq,qcp,rm,shn,sox,spdif,tak,truehd,"
    "tta,voc,vqf,w64,wav,wavarc,webm,wsd,wtv,wv,xwma"
)
_MISSING_SECONDS = 0.25  # a container's duration may be rounded, and codecs pad: less than this is not missing
_SILENCE_FRAMES = 65_536  # of a piece
_MAX_FRAMES = 2**53
_LEAST_CHUNK = 100  # frames of sound
_NO_CHUNKS = np.zeros(0, np.int64)

# Containers by what they say of time. Streams of bare frames say nothing: FFmpeg goes by their bit rate and size.
_UNTIMED = frozenset(
    ("aac", "ac3", "ac4", "amr", "amrnb", "amrwb", "dts", "dtshd", "eac3", "gsm", "latm", "loas", "mlp", "mp2", "mpeg")
) | {"mpegts", "shn", "spdif", "truehd"}
# Each packet has its time.
_STAMPED = frozenset(("asf", "avi", "flv", "matroska", "mov", "mpeg", "mpegts", "mxf", "nut", "webm"))
_FROM_ZERO = frozenset({"matroska", "mov", "webm"})  # their clock begins with the file, not with its first packet


class AvReader:
    """Reads with PyAV: the default audio stream of any container. Damaged packets are skipped.

    Where packets have times, silence fills what lies before the sound and holes in it.
    """

    def __init__(self, source: OpenSource) -> None:
        self.truncated = source.cut
        self.broken = self.distrusted = False
        self._source = source
        # Before the container is opened: it goes on where the file stands.
        self._counted = _counted(source)
        self._span = headers.mp3_span(source)
        self._avi_index = avi.read_index(source)
        try:
            self._container: Any = _opened(source)
        except Exception as error:  # FFmpeg's errors, and whatever a file object raises
            raise NotAudioError(reason_of(error)) from error
        try:
            self._start()
        except NotAudioError:
            self._container.close()
            raise
        except Exception as error:
            self._container.close()
            raise NotAudioError(reason_of(error)) from error

    def _start(self) -> None:
        self._formats = set(self._container.format.name.split(","))
        self._stream = _default_stream(self._container)
        context = self._stream.codec_context
        # FFmpeg takes a wrong position in an Ogg page for an end and drops what follows in it.
        self._trims = "ogg" in self._formats and context.name in ("opus", "libopus")
        if self._trims:
            context.flags2 |= _SKIP_MANUAL
        self._decoded = self._decode()
        # The first frame, not the header, tells the true rate (HE-AAC says half of it) and channels.
        first = self._first = next(self._decoded, None)
        if first is None and (self.truncated or not context.sample_rate):
            raise NotAudioError("nothing in it can be decoded")
        self.sample_rate = int(first[0].sample_rate if first is not None else context.sample_rate or 0)
        self.channels = int(first[0].layout.nb_channels if first is not None else context.channels or 0)
        self._origin = 0.0
        if not self._formats & _FROM_ZERO and self._container.start_time is not None:
            self._origin = self._container.start_time / av.time_base
        end = self._declared_end()
        frames = None if end is None or self.sample_rate <= 0 else round(end * self.sample_rate)
        self.frames = frames if frames is not None and 0 <= frames < _MAX_FRAMES else None
        if self._span is not None and self.frames is not None:
            start, stop = self._span
            self.frames = max(0, min(self.frames, self.frames if stop is None else stop) - start)
        duration = self._container.duration
        last = None if duration is None or self._formats & _UNTIMED else duration / av.time_base
        self._timeline = Timeline(self.sample_rate, max(last or 0, end or 0) or None, self._source.size)

    def _declared_end(self) -> float | None:
        """Where the sound ends by what the container declares, in seconds; None if FFmpeg went by the bit rate."""
        stream, container = self._stream, self._container
        if self._formats & _UNTIMED or self._source.endless:
            return None
        duration = None
        if stream.duration is not None and stream.time_base is not None:
            duration = float(stream.duration * stream.time_base)
        if "mp3" in self._formats and not self._is_counted(duration):
            return None
        if "matroska" in self._formats and duration is not None:  # never of a stream by itself: guessed
            return None
        if duration is None:
            return None if container.duration is None or container.streams.video else container.duration / av.time_base
        if self._formats & _STAMPED and stream.start_time is not None:
            duration += max(0.0, float(stream.start_time * stream.time_base) - self._origin)
        return duration

    def _is_counted(self, seconds: float | None) -> bool:
        """Whether an mp3's length comes from the count of frames at its head, and not from its bit rate."""
        if self._counted is None or seconds is None:
            return False
        return abs(seconds * self.sample_rate - self._counted) < self.sample_rate

    def _decode(self) -> Generator[tuple[Any, Any], None, None]:
        """Frames, each with the packet that it comes from."""
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
                self.truncated |= not bytes(packet).startswith(mpeg.TAGS)  # files joined end to end have some between
                continue
            for frame in frames:
                yield frame, packet

    def _pieces(self) -> Iterator[Samples]:
        conform = Conform(self.sample_rate, self.channels)
        stamped = bool(self._formats & _STAMPED)
        tick = float(self._stream.time_base or 0)
        # Where time is counted in chunks, and not in samples or bytes, empty ones are silence.
        counts_chunks = "avi" in self._formats and tick * self.sample_rate >= _LEAST_CHUNK
        empty = avi.empty_chunks_before(self._avi_index, self._stream.index) if counts_chunks else _NO_CHUNKS
        for samples, frame in self._heard():
            if stamped and frame.pts is not None:
                pts = frame.pts + (int(empty[min(frame.pts, len(empty) - 1)]) if len(empty) and frame.pts >= 0 else 0)
                silence = self._timeline.silence_before(pts * tick - self._origin)
                for start in range(0, silence, _SILENCE_FRAMES):
                    yield np.zeros((min(_SILENCE_FRAMES, silence - start), self.channels), np.float32)
                self.distrusted = self._timeline.distrusted
            for piece in conform.add(samples, frame.sample_rate):
                self._timeline.give(len(piece))
                yield piece
        yield from conform.end()

    def _frames(self) -> Iterator[tuple[Any, Any]]:
        first, self._first = self._first, None
        if first is not None:
            yield first
        yield from self._decoded

    def _heard(self) -> Iterator[tuple[Samples, Any]]:
        """Frames without what the encoder put around the sound, as far as the file tells it."""
        if self._span is None:
            return self._trimmed() if self._trims else self._sounding()
        return _within(self._sounding(), *self._span)

    def _sounding(self) -> Iterator[tuple[Samples, Any]]:
        for frame, _ in self._frames():
            yield _samples(frame), frame

    def _trimmed(self) -> Iterator[tuple[Samples, Any]]:
        """Frames without the encoder's delay, the last one without its padding."""
        delay = int.from_bytes((self._stream.codec_context.extradata or b"")[10:12], "little")  # RFC 7845, section 5.1
        regular = True
        held: tuple[Samples, Any, int] | None = None
        for frame, packet in self._frames():
            if held is not None:
                yield held[:2]
                regular &= held[2] >= len(held[0])
            samples = _samples(frame)
            skip = min(delay, len(samples))
            delay -= skip
            held = samples[skip:], frame, max(0, (packet.duration or len(samples)) - skip)
        if held is not None:
            yield held[0][: held[2]] if regular else held[0], held[1]

    def blocks(self, block_frames: int) -> Iterator[Samples]:
        """Blocks of shape (frames, channels), the last one shorter."""
        read = 0
        for block in reblocked(self._pieces(), block_frames):
            read += len(block)
            yield block
        self.truncated |= (self.frames or 0) - read > _MISSING_SECONDS * self.sample_rate

    def close(self) -> None:
        """Let go of the file."""
        self._decoded.close()
        self._container.close()


def _within(frames: Iterator[tuple[Samples, Any]], start: int, stop: int | None) -> Iterator[tuple[Samples, Any]]:
    """What lies between two samples."""
    at = 0
    for samples, frame in frames:
        yield samples[max(0, start - at) : None if stop is None else max(0, stop - at)], frame
        at += len(samples)


_SKIP_MANUAL = 1 << 29  # AV_CODEC_FLAG2_SKIP_MANUAL: give all samples


def _opened(source: OpenSource) -> Any:
    options = {"format_whitelist": _CONTAINERS}
    target: Any = source.rewound()
    if source.path is not None:
        try:
            str(source.path).encode()
            target = str(source.path)
            options["protocol_whitelist"] = "file"  # a container can never make FFmpeg open an address
        except UnicodeEncodeError:  # a name that PyAV cannot pass on
            target = source.path.open("rb")
    return av_open(target, options)


def _default_stream(container: Any) -> Any:
    streams = [stream for stream in container.streams.audio if stream.codec_context is not None]
    if not streams:
        raise NotAudioError(NO_STREAM)
    return next((stream for stream in streams if _is_default(stream)), streams[0])


def _is_default(stream: Any) -> bool:
    return bool(int(getattr(stream, "disposition", 0)) & 1)


def _counted(source: OpenSource) -> int | None:
    with source.opened() as file:
        file.seek(mpeg.id3_end(file))
        return mpeg.counted_samples(file.read(64))


def _samples(frame: Any) -> Samples:
    """One decoded frame as float32 of shape (frames, channels), full scale at ±1."""
    if frame.format.name == "fltp":  # what most codecs give; twice as fast as to_ndarray
        return np.stack([np.frombuffer(plane, np.float32, frame.samples) for plane in frame.planes], axis=1)
    array = frame.to_ndarray()
    return full_scale(array.T if frame.format.is_planar else array.reshape(-1, frame.layout.nb_channels))
