"""SFZ instruments as SoundFonts: the recorded notes and where they lie, without the rest that SFZ can say.

An SFZ file gives many recordings to one key and velocity (microphones, articulations, takes) and chooses among them
by controllers, key switches and counters. Of these, one is kept for each key and velocity, drawn by the seed; polyphone
writes the SoundFont, which fluidsynth plays.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import sfzen
import soundfile

from organology.errors import ConfigError, CorpusError

NOISES = re.compile(r"noise|release|(^|_)rel_|fret|scrape|perc|breath|slide|harmonic|growl|wind", re.IGNORECASE)
KEPT = ("lokey", "hikey", "lovel", "hivel", "pitch_keycenter", "transpose", "tune", "volume")
LONGEST_SECONDS = 12.0
ROLES = ("lead", "chords", "bass")


@dataclass(frozen=True)
class Instrument:
    """An entry of instruments.yaml."""

    name: str
    sfz: str
    program: int
    roles: tuple[str, ...]
    licence: str
    only: str = ""
    range: tuple[int, int] | None = None
    share: float = 1.0

    def __post_init__(self) -> None:
        if not self.roles or set(self.roles) - set(ROLES):
            raise ValueError(f"{self.name}: roles are {', '.join(ROLES)}, not {', '.join(self.roles) or 'none'}")


@dataclass(frozen=True)
class Font:
    """An instrument's SoundFont (one preset: bank 0, program 0) and the pitches that it has."""

    instrument: Instrument
    path: Path
    low: int
    high: int


def make_font(instrument: Instrument, notes: Path, folder: Path, seed: int) -> Font:
    """Write an instrument's SoundFont into `folder`, unless it is there.

    Raises
    ------
    CorpusError
        If the SFZ file, all of its recordings or polyphone are missing.
    """
    sfz = notes / instrument.sfz
    if not sfz.is_file():
        raise CorpusError(f"{sfz}: no such file (instrument {instrument.name})")
    regions = list(_regions(sfz, notes / Path(instrument.sfz).parts[0], re.compile(instrument.only)))
    if not regions:
        raise CorpusError(f"{sfz}: none of its recordings is there (instrument {instrument.name})")
    low, high = instrument.range or (
        min(int(region["pitch_keycenter"]) for region in regions),
        max(int(region["pitch_keycenter"]) for region in regions),
    )
    target = folder / f"{instrument.name}.{seed}.sf2"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="organology-") as temporary:
            sfz = _simple(one_take(regions, np.random.default_rng(seed)), Path(temporary))
            shutil.move(_polyphone(sfz), target)  # whole, or not at all
    return Font(instrument, target, low, high)


def _regions(sfz: Path, root: Path, only: re.Pattern[str]) -> Iterator[dict[str, Any]]:
    """What is kept of the regions whose recordings are notes and are there."""
    try:
        parsed = list(sfzen.SFZ(str(sfz)).regions())
    except Exception as error:  # its parser has no error of its own for text that is no SFZ
        raise ConfigError(f"{sfz}: not an SFZ file that can be read ({type(error).__name__}: {error})") from error
    recordings: dict[str, list[Path]] = {}
    for path in root.rglob("*.*"):
        recordings.setdefault(path.name, []).append(path)
    for region in parsed:
        opcodes = {name: opcode.value for name, opcode in region.inherited_opcodes().items()}
        written = str(opcodes.get("sample", "")).replace("\\", "/").strip()
        name = written.rpartition("/")[2]
        played = opcodes.get("trigger", "attack") in ("attack", "first")
        if name not in recordings or not played or NOISES.search(name) or not only.search(name):
            continue
        if "key" in opcodes:
            for key in ("lokey", "hikey", "pitch_keycenter"):
                opcodes.setdefault(key, opcodes["key"])
        if "pitch_keycenter" not in opcodes:
            continue
        kept = {key: _number(opcodes[key]) for key in KEPT if key in opcodes}
        kept = {"lokey": 0, "hikey": 127, "lovel": 0, "hivel": 127} | {k: v for k, v in kept.items() if v is not None}
        release = _number(opcodes.get("ampeg_release")) or 0.0
        sample = max(recordings[name], key=lambda path: _common_end(path, written))
        yield kept | {"ampeg_release": min(max(release, 0.15), 1.5), "sample": sample}


def _common_end(path: Path, written: str) -> int:
    """How many of the last parts of a path are those of a path in an SFZ file, whose first ones may be settings."""
    pairs = zip(reversed(path.parts), reversed(written.split("/")), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _number(value: object) -> int | float | None:
    """A number, or None where there is none; a comment may stand behind it."""
    match = re.match(r"\s*(-?\d+(?:\.\d+)?)", str(value))
    if not match:
        return None
    number = float(match[1])
    return int(number) if number.is_integer() else number


def one_take(regions: list[dict[str, Any]], rng: np.random.Generator) -> list[dict[str, Any]]:
    """Of the regions of each key and velocity one, and none that lies over another."""
    takes: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for region in regions:
        takes.setdefault(tuple(region[key] for key in ("lokey", "hikey", "lovel", "hivel")), []).append(region)
    chosen: list[dict[str, Any]] = []
    for of in takes.values():
        region = of[int(rng.integers(len(of)))]
        if not any(_overlap(region, other) for other in chosen):
            chosen.append(region)
    return chosen


def _simple(regions: list[dict[str, Any]], folder: Path) -> Path:
    """Regions as an SFZ file with its recordings beside it, mono and 16-bit: polyphone reads no others."""
    lines = []
    for number, region in enumerate(regions):
        with soundfile.SoundFile(region["sample"]) as file:
            samples = file.read(round(LONGEST_SECONDS * file.samplerate), always_2d=True).mean(axis=1)
            soundfile.write(folder / f"{number}.wav", samples, file.samplerate, "PCM_16")
        opcodes = " ".join(f"{key}={value}" for key, value in region.items() if key != "sample")
        lines.append(f"<region> {opcodes} sample={number}.wav\n")
    path = folder / "instrument.sfz"
    path.write_text("".join(lines))
    return path


def _overlap(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return all(a[f"lo{of}"] <= b[f"hi{of}"] and b[f"lo{of}"] <= a[f"hi{of}"] for of in ("key", "vel"))


def _polyphone(sfz: Path) -> Path:
    """The SoundFont of an SFZ file, written beside it."""
    program = shutil.which("polyphone")
    if program is None:
        raise CorpusError("polyphone is not installed (apt install --no-install-recommends polyphone)")
    target = sfz.with_suffix(".sf2")
    command = [program, "-1", "-i", str(sfz), "-d", str(target.parent), "-o", target.stem]
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, env=environment, timeout=120
        )
    except subprocess.TimeoutExpired as error:
        raise CorpusError(f"{sfz}: polyphone does not end") from error
    if done.returncode != 0 or not target.exists():
        raise CorpusError(f"{sfz}: polyphone failed: {(done.stdout + done.stderr).strip()[-200:]}")
    return target
