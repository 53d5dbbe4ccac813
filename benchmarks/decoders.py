"""Decodes files that one decoder or the other does not read whole, and tells which are read whole here.

    python benchmarks/decoders.py [--opus 300] [--seed 0] [--keep FOLDER] [--page docs/benchmarks.md]

- *Opus*: pieces of the recordings in `examples/`, 8 to 48 kHz, mono and stereo, of many lengths, bit rates and pages;
  of every third, times are late from some packet on, as `ffmpeg -ss` leaves them.
- *Headers*: every container of uncompressed sound with lengths that cannot be true, as recorders that died and programs
  that write into a pipe leave them.
- *Chains*: Ogg streams of equal and different rates, channels and codecs, one behind the other.
- *Pipes*: every container through a pipe, as standard input is one.

Right is a file of full length without a note that says it was cut and, in all but Opus and chains, the samples
that the plain file gives by path. The exit status is 1 if one is not.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import os
import struct
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import numpy as np
import soundfile
import soxr

from organology import audio
from organology.errors import AudioError

EXAMPLES = Path(__file__).parent.parent / "examples"
OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
TOLERANCE_SECONDS = 0.02  # a lossy codec's padding

# Suffix, libsndfile's format, byte order, where the length of the sound or of the whole file stands: the bytes before
# it, its form.
_CONTAINERS: tuple[tuple[str, str, str | None, bytes, str], ...] = (
    ("wav", "WAV", None, b"data", "<I"),
    ("wav", "WAVEX", None, b"data", "<I"),
    ("wav", "WAV", "BIG", b"data", ">I"),
    ("aiff", "AIFF", None, b"SSND", ">I"),
    ("au", "AU", None, b".snd\0\0\0\x18", ">I"),
    ("wav", "RF64", None, b"ds64\x1c\0\0\0", "<QQQ"),
    ("w64", "W64", None, b"data" + bytes.fromhex("f3acd3118cd100c04f8edb8a"), "<Q"),
    ("caf", "CAF", None, b"data", ">Q"),
    ("wav", "WAV", None, b"RIFF", "<I"),
    ("wav", "WAV", "BIG", b"RIFX", ">I"),
    ("aiff", "AIFF", None, b"FORM", ">I"),
)
_WHOLE = (b"RIFF", b"RIFX", b"FORM")
_LENGTHS = (0, 2**32 - 1, 2**31 - 1, 2**31, 2_000_000_000, 2**32 - 2**12, 2_000, 2**64 - 1)

Case = tuple[str, bytes, float]
"""Name, content, seconds."""


def decoded(source: Any) -> tuple[np.ndarray, audio.AudioStream]:
    """All samples of a source, and its stream."""
    with audio.decode(source) as stream:
        samples = np.concatenate(list(stream))
    return samples, stream


def wrong_length(source: Any, seconds: float) -> str:
    """What is wrong with the length of a decoded source, or ""."""
    try:
        samples, stream = decoded(source)
    except AudioError as error:
        return str(error)
    got = len(samples) / stream.sample_rate
    if abs(got - seconds) > TOLERANCE_SECONDS:
        return f"{got:.3f} of {seconds:.3f} s"
    return "told to be cut" if stream.truncated else ""


def opus_files(number: int, seed: int = 0) -> Iterator[Case]:
    """Opus files of pieces of the examples."""
    rng = np.random.default_rng(seed)
    recordings = [soundfile.read(path, dtype="float32", always_2d=True) for path in sorted(EXAMPLES.glob("*.ogg"))]
    for i in range(number):
        samples, source_rate = recordings[i % len(recordings)]
        rate = OPUS_RATES[i // len(recordings) % len(OPUS_RATES)]
        length = round(float(rng.uniform(0.3, 6.0)) * source_rate)
        start = int(rng.integers(max(1, len(samples) - length)))
        piece = samples[start : start + length]
        channels = 1 + i % 2
        piece = soxr.resample(np.repeat(piece.mean(axis=1, keepdims=True), channels, axis=1), source_rate, rate)
        options = {"page_duration": str(int(rng.choice([20_000, 200_000, 1_000_000])))}
        kilobits = int(rng.choice([12, 32, 96]))
        # As of sound that was cut out of another file: its first packets are shorter than they seem.
        late = (int(rng.integers(length * 50 // source_rate)), 0.0135) if i % 3 == 0 else None
        content = encoded("ogg", "libopus", piece.astype(np.float32), rate, kilobits, options, late)
        yield f"opus {i}: {rate} Hz, {channels} ch", content, len(piece) / rate


def encoded(
    container: str,
    codec: str,
    samples: np.ndarray,
    rate: int,
    kilobits: int = 96,
    options: dict[str, str] | None = None,
    late: tuple[int, float] | None = None,
) -> bytes:
    """A file that FFmpeg's libraries write; from packet `late[0]` on, times are `late[1]` seconds late."""
    buffer = io.BytesIO()
    layout = "stereo" if samples.shape[1] == 2 else "mono"
    with av.open(buffer, "w", format=container, options=options or {}) as output:
        stream: Any = output.add_stream(codec, rate=rate, layout=layout)
        stream.bit_rate = kilobits * 1000
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout=layout)
        frame.sample_rate = rate
        fifo, packets = av.AudioFifo(), []
        for ready in av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=rate).resample(frame):
            fifo.write(ready)
        while (piece := fifo.read(stream.codec_context.frame_size or 1024, partial=True)) is not None:
            packets += stream.encode(piece)
        packets += stream.encode(None)
        for packet in packets[late[0] :] if late else ():
            ticks = round(late[1] / packet.time_base)
            packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
        output.mux(packets)
    return buffer.getvalue()


def written(samples: np.ndarray, rate: int, kind: str, **options: Any) -> bytes:
    """A file that libsndfile writes."""
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", rate, samples.shape[1], format=kind, **options) as file:
        for start in range(0, len(samples), 8192):
            file.write(samples[start : start + 8192])
    return buffer.getvalue()


def untrue_headers(samples: np.ndarray, rate: int) -> Iterator[tuple[str, bytes, bytes]]:
    """Names, plain files, and the same ones with a length that cannot be true."""
    for suffix, kind, order, before, form in _CONTAINERS:
        plain = written(samples, rate, kind, subtype="PCM_16", endian=order)
        at = plain.index(before) + len(before)
        for length in _LENGTHS:
            largest = 2 ** (8 * struct.calcsize(form[:2])) - 1
            if length > largest:
                continue
            content = bytearray(plain)
            struct.pack_into(form, content, at, *[length] * (len(form) - 1))
            where = "of the file" if before in _WHOLE else "of the sound"
            yield f"{kind} {order or ''} ({suffix}), length {where} {length}", plain, bytes(content)


def chains(samples: np.ndarray, rate: int = 24_000) -> Iterator[Case]:
    """Ogg files that are chained; `samples` are stereo at `rate`."""
    mono = samples.mean(axis=1, keepdims=True)
    seconds = len(samples) / rate
    links = {
        "vorbis": written(samples, rate, "OGG", subtype="VORBIS"),
        "vorbis at half the rate": written(np.repeat(mono[::2], 2, axis=1), rate // 2, "OGG", subtype="VORBIS"),
        "vorbis mono": written(mono, rate, "OGG", subtype="VORBIS"),
        "opus": encoded("ogg", "libopus", samples, rate),
        "opus mono": encoded("ogg", "libopus", mono.astype(np.float32), rate),
    }
    names = list(links)
    for first in names:
        for second in names:
            yield f"{first}, {second}", links[first] + links[second], 2 * seconds
    yield "five of vorbis, all the same", links["vorbis"] * 5, 5 * seconds


def piped(content: bytes, take: Callable[[Any], Any] = lambda pipe: decoded(pipe)[0]) -> Any:
    """What comes of content that is read from a pipe."""
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as file:
            file.write(content)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        with os.fdopen(reading, "rb") as pipe:
            return take(pipe)
    finally:
        thread.join()


def wrong_samples(take: Callable[[], np.ndarray], expected: np.ndarray) -> str:
    """What is wrong with samples that should be the expected ones, or ""."""
    try:
        samples = take()
    except AudioError as error:
        return str(error)
    if samples.shape != expected.shape:
        return f"{len(samples)} of {len(expected)} frames"
    return "" if np.array_equal(samples, expected) else "other samples"


def fuzz_module() -> ModuleType:
    """`fuzz.py`, which makes small files of every kind."""
    spec = importlib.util.spec_from_file_location("fuzz", Path(__file__).with_name("fuzz.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def outcomes(n_opus: int, seed: int) -> Iterator[tuple[str, str, bytes, str]]:
    """Group, name, content and what is wrong, of every file."""
    for name, content, seconds in opus_files(n_opus, seed):
        yield "Opus", name, content, wrong_length(content, seconds)
    rng = np.random.default_rng(seed)
    noise = (0.1 * rng.standard_normal((48_000, 2))).astype(np.float32)
    for name, plain, content in untrue_headers(noise, 16_000):
        expected = decoded(plain)[0]
        wrong = wrong_samples(lambda content=content: decoded(content)[0], expected)
        yield "untrue lengths", name, content, wrong or wrong_length(content, 3.0)
    for name, content, seconds in chains(noise):
        yield "chains", name, content, wrong_length(content, seconds)
    with tempfile.TemporaryDirectory() as folder:
        for suffix, content in fuzz_module().sound_files(0.5):
            path = Path(folder, f"a.{suffix}")
            path.write_bytes(content)
            expected = decoded(path)[0]
            yield "pipes", suffix, content, wrong_samples(lambda content=content: piped(content), expected)


def main() -> None:
    from measuring import put, table  # beside this script; the functions above are imported from elsewhere too

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--opus", type=int, default=300, help="number of Opus files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the files that are not read whole")
    parser.add_argument("--page", type=Path, help="put the table into this page too")
    settings = parser.parse_args()
    files: dict[str, int] = {}
    whole: dict[str, int] = {}
    for group, name, content, wrong in outcomes(settings.opus, settings.seed):
        files[group] = files.get(group, 0) + 1
        whole[group] = whole.get(group, 0) + (not wrong)
        if wrong:
            print(f"{group}: {name}: {wrong}", flush=True)
            if settings.keep:
                settings.keep.mkdir(parents=True, exist_ok=True)
                (settings.keep / f"{group}-{files[group]}").write_bytes(content)
    text = table(("kind", "files", "read whole"), [(group, files[group], whole[group]) for group in files])
    print(f"\n{text}")
    if settings.page:
        put(settings.page, "decoders", text)
    sys.exit(files != whole)


if __name__ == "__main__":
    main()
