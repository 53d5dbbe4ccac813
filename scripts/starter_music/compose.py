"""From an entry of `songs.yaml` to a `Score`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from organology import config
from organology.rendering.midi import DRUM_PROGRAM, Control, Note, Part, Score
from organology.rendering.orchestration import humanize, into_range, ranges
from starter_music import rhythm, tonal
from starter_music.theory import KEYS, Event, make_chords, voice_leading
from starter_music.tune import make_tune

ROLES: dict[str, tonal.Role] = {
    **{role.__name__: role for role in (tonal.tune, tonal.second, tonal.answer, tonal.voice, tonal.pad, tonal.comp)},
    **{role.__name__: role for role in (tonal.two_hands, tonal.pick, tonal.strum, tonal.power, tonal.bells)},
    **{role.__name__: role for role in (rhythm.bass, rhythm.timpani, rhythm.drums)},
}
HUMAN = 0.6
SECONDS = 18.0


@dataclass(frozen=True)
class Player:
    """One part: a General MIDI program (128: drums), a role with its figure, the bar of its entry, a level in dB."""

    __pydantic_config__ = config.FORBID

    program: int
    role: str
    figure: str = ""
    enter: int = 0
    level: float = 0.0
    kit: int = 0


@dataclass(frozen=True)
class Song:
    """An entry of `songs.yaml`."""

    __pydantic_config__ = config.FORBID

    title: str
    artist: str
    key: str
    mode: str
    bpm: float
    progression: str
    players: tuple[Player, ...]
    feel: str = "lively"
    beats: int = 4
    swing: float = 0.0
    soundfont: str = "FluidR3_GM"
    example: bool = False

    @property
    def name(self) -> str:
        """Of its folder or file."""
        return "-".join(self.title.lower().split())

    @property
    def bars(self) -> int:
        """An even number that lasts near `SECONDS`, and the last one, a held chord."""
        return 2 * round(SECONDS * self.bpm / 60 / self.beats / 2) + 1


@dataclass(frozen=True)
class Book:
    """All of `songs.yaml`."""

    __pydantic_config__ = config.FORBID

    songs: tuple[Song, ...] = field(default_factory=tuple)


def read_book() -> tuple[Song, ...]:
    """The songs of `songs.yaml`."""
    return config.load(Path(__file__).with_name("songs.yaml"), Book).songs


def compose(song: Song, seed: int = 0) -> Score:
    """Write a song; every choice rests on (seed, title) alone."""
    digest = np.frombuffer(hashlib.sha256(song.title.encode()).digest(), dtype="<u4").tolist()
    generator = np.random.default_rng([seed, *digest])
    chords = make_chords(song.progression, KEYS[song.key], song.mode, song.beats, song.bars)
    melody = make_tune(chords, song.beats, song.feel, 62, 81, generator)
    sheet = tonal.Sheet(chords, voice_leading(chords), melody, song.beats, song.bars)
    parts = tuple(_part(song, number, player, sheet, generator) for number, player in enumerate(song.players))
    return humanize(Score(parts, _seconds(float(song.bars * song.beats), song)), HUMAN, generator)


def _part(song: Song, number: int, player: Player, sheet: tonal.Sheet, generator: np.random.Generator) -> Part:
    events = [e for e in ROLES[player.role](sheet, player.figure, generator) if e.beat >= player.enter * song.beats]
    events.sort(key=lambda event: (event.beat, event.pitch))
    pitches = [event.pitch for event in events]
    if player.program != DRUM_PROGRAM:
        pitches = into_range(pitches, *ranges()[player.program])
    notes = tuple(_note(event, pitch, song) for event, pitch in zip(events, pitches, strict=True))
    volume = Control(0.0, "control_change", 7, int(np.clip(round(100 * 10 ** (player.level / 40)), 1, 127)))
    kit = (Control(0.0, "program_change", 0, player.kit),) if player.program == DRUM_PROGRAM else ()
    return Part(number, 9 if kit else number, player.program, notes, (*kit, volume))


def _note(event: Event, pitch: int, song: Song) -> Note:
    start, end = _seconds(event.beat, song), _seconds(event.beat + event.length, song)
    return Note(start, end, pitch, int(np.clip(event.velocity, 1, 127)))


def _seconds(beat: float, song: Song) -> float:
    """Time of a beat; swing delays the middle of each beat by its fraction of a beat."""
    whole, part = divmod(beat, 1.0)
    middle = 0.5 + song.swing
    part = part * middle / 0.5 if part < 0.5 else middle + (part - 0.5) * (1 - middle) / 0.5
    return (whole + part) * 60.0 / song.bpm
