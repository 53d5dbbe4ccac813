"""One song: a MIDI file -> a folder of stems."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from organology.atomic import written_whole
from organology.audio import SAMPLE_RATE
from organology.audio.writing import write_sound
from organology.errors import CorpusError
from organology.labels import Vocabulary
from organology.rendering import excerpts, midi, orchestration
from organology.rendering.fluidsynth import Room, SoundFont, synthesize
from organology.rendering.midi import Part, Score

COLUMNS = ("path", "song", "artist", "stem", "vocabulary", "instrument", "kind", "licence", "aligned")
"""Of `stems.csv`."""
TAIL_SECONDS = 2.0
PEAK = 10 ** (-1 / 20)
SILENT_RATIO = 1e-3
_VERSION = 1


@dataclass(frozen=True)
class RenderConfig:
    """How MIDI files are rendered.

    Attributes
    ----------
    seed : int
    renditions : int
        Of each MIDI file, with different SoundFonts, excerpts and, with `reassign`, programs.
    reassign : float
        Probability that a part's program is drawn anew; see `render_cast.reassign`.
    humanize : float
        0: as written; 1: a standard deviation of 8 ms and of 6 velocity steps.
    max_seconds : float or None
        Excerpt of this length, from the densest part; later renditions draw among starts nearly as dense.
    even_levels : float
        0: relative levels as fluidsynth plays them; 1: all stems of a song equally loud; between: part of the way.
    reverb, chorus : bool
        fluidsynth's.
    vary_room : bool
        Draw the reverb's size, damping and level for each song.
    licence : str
        Of the MIDI files; the SoundFont's name is put behind it in each row.
    """

    seed: int = 0
    renditions: int = 1
    reassign: float = 0.0
    humanize: float = 0.0
    max_seconds: float | None = None
    even_levels: float = 0.0
    reverb: bool = True
    chorus: bool = True
    vary_room: bool = False
    licence: str = ""


@dataclass(frozen=True)
class Piece:
    """A MIDI file and the name its songs get."""

    path: Path
    name: str


@dataclass(frozen=True)
class Rendered:
    """What was rendered of one song.

    Attributes
    ----------
    song : str
    n_stems : int
    left_out : tuple of str
        Stems that were left out, each with the reason.
    error : str
        One line, or "" if all went well.
    kept : bool
        The song was there from an earlier run with the same settings.
    """

    song: str
    n_stems: int = 0
    left_out: tuple[str, ...] = ()
    error: str = ""
    kept: bool = False


def song_name(piece: Piece, rendition: int, config: RenderConfig) -> str:
    """Of the song's folder, and in the table."""
    return f"{piece.name}.s{config.seed}r{rendition}"


def render_song(piece: Piece, rendition: int, fonts: Sequence[SoundFont], out: Path, config: RenderConfig) -> Rendered:
    """Render one rendition of one piece into its song folder.

    Raises
    ------
    CorpusError
        If the MIDI file cannot be used or nothing of it sounds.
    """
    song = song_name(piece, rendition, config)
    digest = hashlib.sha256(piece.path.read_bytes()).digest()
    settings = {
        "version": _VERSION,
        "midi": digest.hex(),
        "soundfonts": [font.path.name for font in fonts],
        "rendition": rendition,
        **asdict(config),
    }
    del settings["renditions"]
    folder = out / song
    done = read_song(folder)
    if done is not None and done["settings"] == settings and all((out / row["path"]).exists() for row in done["stems"]):
        return Rendered(song, len(done["stems"]), tuple(done["left_out"]), kept=True)

    base = [config.seed, *np.frombuffer(digest, dtype="<u4").tolist()]
    font = fonts[np.random.default_rng(base).permutation(len(fonts))[rendition % len(fonts)]]
    generator = np.random.default_rng([*base, rendition])
    score, seconds = _excerpt(midi.read_score(piece.path), rendition, config.max_seconds, generator)
    score = orchestration.reassign(score, config.reassign, generator, font.plays)
    score = orchestration.humanize(score, config.humanize, generator)
    room = _room(config, generator)
    parts, left_out = _usable(score, font)
    audio = {name: synthesize(part, font.path, seconds, room) for name, part in parts.items()}
    stems = level(audio, left_out, config.even_levels)
    if not stems:
        raise CorpusError(f"{piece.path}: nothing in it sounds: {'; '.join(left_out)}")
    _clear(folder, done)
    licence = "; ".join(filter(None, [config.licence, f"SoundFont {font.path.stem}"]))
    rows = []
    for name, samples in stems.items():
        path = f"{song}/{name}.flac"
        _write_flac(out / path, samples)
        values = (path, song, piece.name, name, "general_midi", str(parts[name].program), "rendered", licence, "true")
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    with written_whole(folder / "song.json") as temporary:
        temporary.write_text(
            json.dumps({"settings": settings, "stems": rows, "left_out": left_out}, indent=1, allow_nan=False)
        )
    return Rendered(song, len(rows), tuple(left_out))


def _excerpt(
    score: Score, rendition: int, max_seconds: float | None, generator: np.random.Generator
) -> tuple[Score, float]:
    """The score or its excerpt, and the length of its audio in seconds."""
    if max_seconds is None or score.seconds + TAIL_SECONDS <= max_seconds:
        return score, score.seconds + TAIL_SECONDS
    starts = excerpts.excerpt_starts(score, max_seconds)
    start = float(starts[0] if rendition == 0 else generator.choice(starts))
    return excerpts.cut(score, start, max_seconds), max_seconds


def _room(config: RenderConfig, generator: np.random.Generator) -> Room:
    if not config.vary_room:
        return Room(config.reverb, config.chorus)
    size, damping, level = (float(generator.uniform(*ends)) for ends in ((0.1, 0.9), (0.0, 0.8), (0.1, 0.9)))
    return Room(config.reverb, config.chorus, size, damping, level)


def _usable(score: Score, font: SoundFont) -> tuple[dict[str, Part], list[str]]:
    """The parts to render by the name of their stem, and those left out with the reason."""
    vocabulary = Vocabulary.load("general_midi")
    parts: dict[str, Part] = {}
    left_out: list[str] = []
    for number, part in enumerate(score.parts):
        entry = vocabulary[str(part.program)]
        name = f"{number:02d}-{re.sub(r'[^a-z0-9]+', '-', entry.note.lower()).strip('-')}"
        if entry.policy == "exclude":
            left_out.append(f"{name}: no instrument")
        elif not font.plays(part.program):
            left_out.append(f"{name}: not in {font.path.name}")
        else:
            parts[name] = part
    return parts, left_out


def level(
    audio: dict[str, NDArray[np.float32]], left_out: list[str], even_levels: float
) -> dict[str, NDArray[np.float32]]:
    """Bring the stems of a song to their levels.

    Parameters
    ----------
    audio : dict of str to float32 array, shape (frames,)
    left_out : list of str
        Gets an entry for each stem that never sounds (60 dB below the loudest); such stems are not given back.
    even_levels : float
        See `RenderConfig`.

    Returns
    -------
    dict of str to float32 array, shape (frames,)
        The loudest peak of all stems is at -1 dBFS.
    """
    loudness = {name: _loudness(samples) for name, samples in audio.items()}
    floor = SILENT_RATIO * max(loudness.values(), default=0.0)
    left_out += [f"{name}: never sounds" for name, value in loudness.items() if value <= floor]
    loudness = {name: value for name, value in loudness.items() if value > floor}
    if not loudness:
        return {}
    middle = float(np.median(list(loudness.values())))
    stems = {name: audio[name] * np.float32((middle / value) ** even_levels) for name, value in loudness.items()}
    loudest = max(float(np.abs(samples).max()) for samples in stems.values())
    return {name: samples * np.float32(PEAK / loudest) for name, samples in stems.items()}


def _loudness(samples: NDArray[np.float32]) -> float:
    """Root mean square of the blocks of 0.1 s within 30 dB of the loudest; 0 for silence."""
    block = SAMPLE_RATE // 10
    power = np.square(samples[: len(samples) // block * block].reshape(-1, block), dtype=np.float64).mean(axis=1)
    loudest = power.max(initial=0.0)
    return float(np.sqrt(power[power > 1e-3 * loudest].mean())) if loudest > 0 else 0.0


def _write_flac(path: Path, samples: NDArray[np.float32]) -> None:
    write_sound(path, samples, SAMPLE_RATE, "PCM_16", "FLAC")


def _clear(folder: Path, done: dict[str, Any] | None) -> None:
    """Remove the song that other settings left in the folder."""
    (folder / "song.json").unlink(missing_ok=True)
    for row in done["stems"] if done is not None else ():
        (folder / Path(row["path"]).name).unlink(missing_ok=True)


def read_song(folder: Path) -> dict[str, Any] | None:
    """What `song.json` of a song folder says (`settings`, `stems`, `left_out`), or None if there is none."""
    try:
        song = json.loads((folder / "song.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return song if isinstance(song, dict) and {"settings", "stems", "left_out"} <= song.keys() else None
