"""Decodes thousands of damaged files and tells whether one of them crashes, hangs, takes too much memory or prints.

    python benchmarks/fuzz.py [--cases 3000] [--seed 0] [--only NUMBER] [--keep FOLDER] [--page docs/benchmarks.md]

Small files of every kind that libsndfile and FFmpeg's libraries write are damaged: bits flipped, bytes replaced by
extreme values, pieces cut out, doubled or exchanged, files cut short, joined or given the head of another, declared
lengths, rates and channels made huge. Case NUMBER of a seed is always the same. A worker process decodes and resamples
each one, from memory or from a file in turn, with a limit of processor time and of memory. Right are samples or an
`AudioError` of one line; everything else is a finding, and the exit status 1.
"""

from __future__ import annotations

import argparse
import collections
import io
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile

from organology import audio
from organology.errors import AudioError

SECONDS = 0.4
CPU_SECONDS = 10.0
WALL_SECONDS = 300.0
MEMORY_BYTES = 400 * 2**20  # above what the worker has at its start

_SOUNDFILE = (
    ("wav", "PCM_16"), ("wav", "PCM_24"), ("wav", "FLOAT"), ("wav", "PCM_U8"), ("wav", "IMA_ADPCM"), ("wav", "ULAW"),
    ("flac", "PCM_16"), ("flac", "PCM_24"), ("ogg", "VORBIS"), ("ogg", "OPUS"), ("aiff", "PCM_16"), ("au", "PCM_16"),
    ("caf", "PCM_16"), ("caf", "ALAC_16"), ("w64", "PCM_16"), ("rf64", "PCM_16"), ("wavex", "PCM_16"),
    ("mp3", "MPEG_LAYER_III"),
)  # fmt: skip
_FFMPEG = (
    ("m4a", "aac"), ("m4a", "alac"), ("wma", "wmav2"), ("aac", "aac"), ("mp2", "mp2"), ("mka", "pcm_s16le"),
    ("mka", "flac"), ("webm", "libopus"), ("ac3", "ac3"), ("ts", "mp2"), ("tta", "tta"), ("wv", "wavpack"),
    ("avi", "mp2"),
)  # fmt: skip
_EXTREME = (
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x80\0\0\0",
    b"\0\0\0\x80",
    b"\1\0\0\0",
)


def _encoded(suffix: str, codec: str, samples: np.ndarray, rate: int) -> bytes:
    buffer = io.BytesIO()
    names = {"m4a": "ipod", "mka": "matroska", "wma": "asf", "aac": "adts", "ts": "mpegts"}
    with av.open(buffer, "w", format=names.get(suffix, suffix)) as container:
        layout = "stereo" if samples.shape[1] == 2 else "mono"
        stream: Any = container.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout=layout)
        frame.sample_rate = rate
        fifo = av.AudioFifo()
        for ready in av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=rate).resample(frame):
            fifo.write(ready)
        while (piece := fifo.read(stream.codec_context.frame_size or 1024, partial=True)) is not None:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def sound_files(seconds: float = SECONDS) -> list[tuple[str, bytes]]:
    """Small whole files of every kind that can be written here: (suffix, content)."""
    rng = np.random.default_rng(0)
    rate = 48_000
    t = np.arange(round(seconds * rate)) / rate
    tone = 0.3 * np.sin(2 * np.pi * 440 * t)[:, None] + 0.02 * rng.standard_normal((len(t), 2))
    samples = tone.astype(np.float32)
    files = []
    for suffix, subtype in _SOUNDFILE:
        buffer = io.BytesIO()
        try:
            soundfile.write(buffer, samples, rate, subtype=subtype, format=suffix.upper())
        except (soundfile.LibsndfileError, ValueError, TypeError):
            continue  # an older libsndfile
        files.append(({"rf64": "wav", "wavex": "wav"}.get(suffix, suffix), buffer.getvalue()))
    for suffix, codec in _FFMPEG:
        try:
            files.append((suffix, _encoded(suffix, codec, samples, rate)))
        except (av.FFmpegError, ValueError):
            continue  # not in this build
    return files


def _damaged(content: bytearray, rng: np.random.Generator, other: bytes) -> bytearray:
    """One damage of a kind drawn by chance."""
    size = len(content)
    head = bool(rng.random() < 0.6)  # most that can go wrong stands in the head
    place = int(rng.integers(max(1, min(size, 256) if head else size)))
    length = int(rng.integers(1, max(2, size // 4)))
    kind = int(rng.integers(8))
    if kind == 0:  # flipped bits
        for at in rng.integers(0, max(1, min(size, 512) if head else size), int(rng.integers(1, 20))):
            content[at] ^= 1 << int(rng.integers(8))
    elif kind == 1:  # a number made extreme
        value = _EXTREME[int(rng.integers(len(_EXTREME)))][: int(rng.choice([1, 2, 4]))]
        content[place : place + len(value)] = value
    elif kind == 2:  # random bytes
        content[place : place + length % 64] = rng.bytes(length % 64)
    elif kind == 3:  # cut short
        del content[place if head else int(rng.integers(size)) :]
    elif kind == 4:  # a piece cut out
        del content[place : place + length]
    elif kind == 5:  # a piece doubled, or put elsewhere
        piece = content[place : place + length]
        content[int(rng.integers(size)) : 0 if rng.random() < 0.5 else size] = piece * int(rng.integers(1, 4))
    elif kind == 6:  # joined with another, or given its head
        content[:] = content + other if rng.random() < 0.5 else other[:place] + content[place:]
    else:  # zeros
        content[place : place + length] = bytes(length)
    return content or bytearray(b"\0")


def case(files: list[tuple[str, bytes]], seed: int, number: int) -> tuple[str, bytes]:
    """Damaged file `number` of a seed: its suffix and content."""
    rng = np.random.default_rng([seed, number])
    suffix, content = files[number % len(files)]
    damaged = bytearray(content)
    for _ in range(int(rng.choice([1, 1, 2, 4]))):
        damaged = _damaged(damaged, rng, files[int(rng.integers(len(files)))][1])
    if rng.random() < 0.05:
        suffix = files[int(rng.integers(len(files)))][0]
    return suffix, bytes(damaged)


def decode(source: bytes | Path) -> str:
    """Decode and resample; "samples", the reason of an error without what differs, or what is wrong."""
    try:
        frames = sum(len(block) for block in audio.mono_blocks(source))
    except AudioError as error:
        text = str(error)
        if "\n" in text or ": " not in text:
            return f"WRONG an error that is not one line: {text!r}"
        reason = text.rpartition(": ")[2]
        return "refused: " + "".join("#" if sign.isdigit() else sign for sign in reason)
    except MemoryError:
        return "WRONG too much memory"
    except Exception as error:  # a finding, whatever it is
        return f"WRONG {type(error).__name__}: {error}"
    return "samples" if frames else "WRONG no samples and no error"


def _work(pipe: Connection, seed: int, folder: str) -> None:
    files = sound_files()
    log = Path(folder, f"stderr-{os.getpid()}")
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT), 2)
    for suffix, content in files:  # all libraries loaded, before the limit is set
        decode(content)
        _from_file(folder, suffix, content)
    os.ftruncate(2, 0)
    with Path("/proc/self/statm").open() as status:
        size = int(status.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY_BYTES, size + MEMORY_BYTES))
    pipe.send(len(files))
    while (number := pipe.recv()) is not None:
        suffix, content = case(files, seed, number)
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)  # its signal ends the process, in whatever library it is
        outcome = _from_file(folder, suffix, content) if number % 2 else decode(content)
        signal.setitimer(signal.ITIMER_PROF, 0)
        if log.stat().st_size:
            outcome = f"WRONG printed {log.read_text(errors='replace')[:200]!r}"
            os.ftruncate(2, 0)
            os.lseek(2, 0, os.SEEK_SET)
        pipe.send(outcome)


def _from_file(folder: str, suffix: str, content: bytes) -> str:
    path = Path(folder, f"case-{os.getpid()}.{suffix}")
    path.write_bytes(content)
    outcome = decode(path)
    path.unlink()
    return outcome


class _Worker:
    """A process that decodes; started anew after one that ended."""

    def __init__(self, seed: int, folder: str) -> None:
        ours, theirs = multiprocessing.Pipe()
        self._pipe = ours
        self._process = multiprocessing.get_context("spawn").Process(
            target=_work, args=(theirs, seed, folder), daemon=True
        )
        self._process.start()
        theirs.close()
        self.kinds = ours.recv()

    def outcome(self, number: int) -> str:
        self._pipe.send(number)
        try:
            if self._pipe.poll(WALL_SECONDS):
                return str(self._pipe.recv())
        except EOFError:
            self._process.join()
            code = self._process.exitcode or 0
            name = signal.Signals(-code).name if code < 0 else f"status {code}"
            return f"WRONG hang: more than {CPU_SECONDS:g} s" if code == -signal.SIGPROF else f"WRONG crash: {name}"
        self._process.kill()
        return f"WRONG hang: more than {WALL_SECONDS:g} s of waiting"

    def stop(self) -> None:
        self._pipe.send(None)
        self._process.join()


def main() -> None:
    from measuring import put, table  # beside this script; the functions above are imported from elsewhere too

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="decode this case here, without limits")
    parser.add_argument("--keep", type=Path, help="folder for the files that found something")
    parser.add_argument("--page", type=Path, help="put the table into this page too")
    settings = parser.parse_args()
    if settings.only is not None:
        suffix, content = case(sound_files(), settings.seed, settings.only)
        print(suffix, len(content), decode(content))
        return
    found: collections.Counter[str] = collections.Counter()
    began, slowest = time.monotonic(), 0.0
    with tempfile.TemporaryDirectory() as folder:
        worker = _Worker(settings.seed, folder)
        for number in range(settings.first, settings.first + settings.cases):
            start = time.monotonic()
            outcome = worker.outcome(number)
            slowest = max(slowest, time.monotonic() - start)
            found[outcome] += 1
            if outcome.startswith("WRONG"):
                suffix, content = case(sound_files(), settings.seed, number)
                print(f"case {number} ({suffix}): {outcome}", flush=True)
                if settings.keep:
                    settings.keep.mkdir(parents=True, exist_ok=True)
                    (settings.keep / f"{settings.seed}-{number}.{suffix}").write_bytes(content)
                if "crash" in outcome or "hang" in outcome:
                    worker = _Worker(settings.seed, folder)
        worker.stop()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    wrong = sum(n for outcome, n in found.items() if outcome.startswith("WRONG"))
    rows = [(outcome, n) for outcome, n in found.most_common() if not outcome.startswith("WRONG")]
    rows.append(("crash, hang, too much memory, another error, something printed", wrong))
    text = (
        f"{settings.cases} damaged files of {worker.kinds} kinds (seed {settings.seed}); the slowest took "
        f"{slowest:.1f} s; peak memory of a worker {children.ru_maxrss / 1024:.0f} MB:\n\n"
    ) + table(("outcome", "files"), rows)
    print(f"\n{text}\n\n{time.monotonic() - began:.0f} s in all")
    if settings.page:
        put(settings.page, "fuzz", text)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
