"""What recognition takes: processor time beside decoding alone, and memory on long files.

    python benchmarks/recognition.py [--minutes 30] [--hours 10] [--repeats 3] [--scratch FOLDER] [--page PAGE]
                                     [--files FILE...]

Files are made of the recordings in `examples/` and removed again; speed is measured on --files where given. Every
figure is that of a whole process, start-up included, the least of the repeats; processor time is user and system time.
The reference is soundfile and soxr (HQ) alone: read, mean of the channels, resample to 32 kHz, in blocks.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr
from measuring import RATE, Taken, machine, music, put, python, repeated, table, taken, write

REFERENCE = """
import sys, soundfile, soxr
with soundfile.SoundFile(sys.argv[1]) as file:
    stream = soxr.ResampleStream(file.samplerate, 32000, 1, dtype="float32", quality="HQ")
    for block in file.blocks(65536, dtype="float32", always_2d=True):
        stream.resample_chunk(0.5 * (block[:, 0] + block[:, 1]))  # block.mean(axis=1) takes longer than decoding
"""
OF_BOTH = REFERENCE.replace("32000, 1,", "32000, file.channels,").replace("0.5 * (block[:, 0] + block[:, 1])", "block")
DECODE = (
    "import sys; from organology import audio\nwith audio.decode(sys.argv[1]) as stream:\n    for _ in stream: pass"
)
RESAMPLE = "import sys; from organology import audio\nfor _ in audio.mono_blocks(sys.argv[1]): pass"
IMPORT = "from organology import audio, Recognizer"
OPEN = IMPORT + "; Recognizer(threads=1)"
NOTHING = Taken(np.nan, np.nan, np.nan)


def recognize(path: Path, output: Path, *options: str, repeats: int = 1) -> Taken:
    command = [sys.executable, "-m", "organology.cli", "recognize", path, "--output", output, *options]
    return taken(command, repeats)


def speed(files: Iterable[Path], folder: Path, repeats: int) -> str:
    """Whole recognition beside decoding alone, and where the time goes."""
    output, rows, parts, seconds = folder / "out.json", [], [], 0.0
    start = python("import numpy, soundfile, soxr", repeats=repeats).cpu
    imported, opened = python(IMPORT, repeats=repeats).cpu, python(OPEN, repeats=repeats).cpu
    for path in files:
        kind = path.suffix[1:]
        seconds = soundfile.info(path).duration if kind != "m4a" else seconds
        decoded, resampled = (python(code, path, repeats=repeats).cpu for code in (DECODE, RESAMPLE))
        default = recognize(path, output, repeats=repeats)
        one, coarse, fine = (
            recognize(path, output, *hop, "--threads", "1", repeats=repeats)
            for hop in ((), ("--hop", "4"), ("--hop", "1"))
        )
        alone, both = (python(c, path, repeats=repeats) if kind != "m4a" else NOTHING for c in (REFERENCE, OF_BOTH))
        figures = (f"{alone.cpu:.2f} s", f"{both.cpu:.2f} s", f"{one.cpu:.2f} s", f"{one.cpu / alone.cpu:.1f}",
                   f"{one.cpu / both.cpu:.1f}", f"{alone.wall:.2f} s", f"{default.wall:.2f} s",
                   f"**{default.wall / alone.wall:.2f}**", f"{coarse.cpu / alone.cpu:.1f}",
                   f"{fine.cpu / alone.cpu:.1f}", f"{seconds / default.wall:.0f}")  # fmt: skip
        rows.append((kind, *(figure.replace("nan s", "").replace("nan", "").replace("****", "") for figure in figures)))
        parts.append(
            (kind, f"{start:.2f} s", f"{opened - start:.2f} s", f"{decoded - imported:.2f} s",
             f"{resampled - decoded:.2f} s", f"{one.cpu - resampled - (opened - imported):.2f} s", f"{one.cpu:.2f} s")
        )  # fmt: skip
        print(rows[-1], parts[-1], flush=True)
    beside = table(
        ("file", "soundfile + soxr, mean first", "both channels", "default run, one thread", "times the first",
         "times the second", "wall: soundfile + soxr, mean first", "wall: default run", "times that",
         "hop 4 s, one thread: times the first", "hop 1 s: times the first", "times real time"), rows,
    )  # fmt: skip
    where = table(
        ("file", "Python, numpy, soundfile, soxr", "the rest of start-up, opening the model", "decoding, checks",
         "mean, resampling", "windows, model, output", "in all"), parts,
    )  # fmt: skip
    head = (
        f"{seconds / 60:g} minutes of 44.1 kHz stereo; processor time unless it says wall; the wall times are those of "
        "the default run, which takes all cores, and of the reference, which can only take one:"
    )
    return f"{head}\n\n{beside}\n\nWhere it goes, one thread:\n\n{where}"


def made(folder: Path, loop: np.ndarray, minutes: float) -> Iterator[Path]:
    """A long file of each kind; each is removed when the next is asked for."""
    for kind in ("flac", "mp3", "wav", "m4a"):
        path = write(folder / f"long.{kind}", loop, 60 * minutes)
        yield path
        path.unlink()


def memory(folder: Path, loop: np.ndarray, hours: float) -> str:
    """Peak memory on a short and on a long file; 16 kHz mono, so that ten hours are soon made and read."""
    rows, output = [], folder / "out.json"
    small = soxr.resample(loop.mean(axis=1), RATE, 16_000)[:, None]
    for kind, outputs in (("flac", (True, False)), ("mp3", (True,)), ("m4a", (True,))):
        short = write(folder / f"short.{kind}", small, 600, 16_000, sparse=True)
        long = folder / f"hours.{kind}"
        if kind == "flac":
            write(long, small, 3600 * hours, 16_000, sparse=True)
        else:
            repeated(short, long, round(6 * hours))
        size = long.stat().st_size / 2**20
        for timeline in outputs:
            options = ["--timeline"] if timeline else []
            few, many = (recognize(path, output, *options).megabytes for path in (short, long))
            rows.append((kind, f"{size:.0f} MB", "JSON, windows too" if timeline else "JSON", f"{few:.0f} MB",
                         f"{many:.0f} MB", f"{100 * (many / few - 1):+.0f} %"))  # fmt: skip
            print(rows[-1], flush=True)
        short.unlink()
        long.unlink()
    head = (
        "Peak memory (resident) of `organology recognize`, all cores; 16 kHz mono with 4 s of music a minute, "
        "else silence; flac by libsndfile, mp3 and m4a by FFmpeg:"
    )
    return head + "\n\n" + table(("file", "size", "output", "10 minutes", f"{hours:g} hours", "difference"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30, help="0: no table of speed")
    parser.add_argument("--hours", type=float, default=10, help="0: no table of memory")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--page", type=Path, help="put the tables into this page too")
    parser.add_argument("--files", type=Path, nargs="+", help="measure speed on these")
    settings = parser.parse_args()
    loop = music()
    with tempfile.TemporaryDirectory(dir=settings.scratch) as scratch:
        folder = Path(scratch)
        parts = {}
        if settings.minutes or settings.files:
            parts["speed"] = speed(settings.files or made(folder, loop, settings.minutes), folder, settings.repeats)
            print(parts["speed"], flush=True)
        if settings.hours:
            parts["memory"] = memory(folder, loop, settings.hours)
            print("\n" + parts["memory"])
    for name, text in parts.items():
        if settings.page:
            put(settings.page, name, f"{text}\n\nMachine: {machine()}.")


if __name__ == "__main__":
    main()
