"""MIDI files read as stems: one per track, channel and program, in seconds.

A stem's notes come from one track; its controllers and pitch bends from its whole channel, since a channel shares
them among its tracks. Channel 10 is the drum channel: it stays one stem a track, whatever kits it calls. Bank
selects are left out, for the labels rest on the General MIDI program numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import mido

from organology.errors import CorpusError

DRUM_CHANNEL = 9
DRUM_PROGRAM = 128
LONGEST_SECONDS = 3600.0
LARGEST_BYTES = 8 << 20
_DEFAULT_TEMPO = 500_000
_SHORTEST_NOTE = 0.005
_NOTES_OFF = (120, 123)
_BANK_SELECTS = (0, 32)


@dataclass(frozen=True)
class Note:
    """A note: onset and end in seconds, MIDI pitch, velocity."""

    start: float
    end: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Control:
    """A channel event that is not a note.

    Attributes
    ----------
    time : float
        In seconds.
    kind : {"control_change", "pitchwheel", "aftertouch", "program_change"}
        As mido names them; program changes are kept on the drum channel only, where they call kits.
    number, value : int
        `number` is the controller, else 0.
    """

    time: float
    kind: str
    number: int
    value: int


@dataclass(frozen=True)
class Part:
    """The notes of one track, channel and program.

    Attributes
    ----------
    track, channel : int
        From 0.
    program : int
        0 to 127, or 128 on the drum channel.
    notes : tuple of Note
        By onset.
    controls : tuple of Control
        Of the whole channel, by time.
    name : str
        The track's name, or "".
    """

    track: int
    channel: int
    program: int
    notes: tuple[Note, ...]
    controls: tuple[Control, ...] = ()
    name: str = ""

    @property
    def is_drums(self) -> bool:
        """Whether this is the drum channel."""
        return self.program == DRUM_PROGRAM


@dataclass(frozen=True)
class Score:
    """The parts of a MIDI file and its length in seconds."""

    parts: tuple[Part, ...]
    seconds: float


@dataclass
class _Reader:
    """The state of the 16 channels while a file's events pass by in time order."""

    programs: list[int] = field(default_factory=lambda: [0] * 16)
    notes: dict[tuple[int, int, int], list[Note]] = field(default_factory=dict)
    controls: dict[int, list[Control]] = field(default_factory=dict)
    open: dict[tuple[int, int, int], list[tuple[float, int, int]]] = field(default_factory=dict)

    def take(self, time: float, track: int, message: mido.Message) -> None:
        kind = message.type
        if kind == "note_on" and message.velocity > 0:
            program = DRUM_PROGRAM if message.channel == DRUM_CHANNEL else self.programs[message.channel]
            self.open.setdefault((track, message.channel, message.note), []).append((time, message.velocity, program))
        elif kind in ("note_on", "note_off"):
            self.close(time, track, message.channel, message.note)
        elif kind == "program_change":
            self.programs[message.channel] = message.program
            if message.channel == DRUM_CHANNEL:
                self.add(message.channel, Control(time, kind, 0, message.program))
        elif kind == "control_change" and message.control not in _BANK_SELECTS:
            if message.control in _NOTES_OFF:
                self.close_all(time, message.channel)
            self.add(message.channel, Control(time, kind, message.control, message.value))
        elif kind == "pitchwheel":
            self.add(message.channel, Control(time, kind, 0, message.pitch))
        elif kind == "aftertouch":
            self.add(message.channel, Control(time, kind, 0, message.value))

    def add(self, channel: int, control: Control) -> None:
        self.controls.setdefault(channel, []).append(control)

    def close(self, time: float, track: int, channel: int, pitch: int) -> None:
        started = self.open.get((track, channel, pitch))
        if started:
            start, velocity, program = started.pop(0)
            # Drums are often written without length; a hit sounds all the same.
            end = max(time, start + _SHORTEST_NOTE)
            self.notes.setdefault((track, channel, program), []).append(Note(start, end, pitch, velocity))

    def close_all(self, time: float, only_channel: int | None = None) -> None:
        for track, channel, pitch in list(self.open):
            while only_channel in (None, channel) and self.open[track, channel, pitch]:
                self.close(time, track, channel, pitch)


def read_score(path: Path) -> Score:
    """Read a MIDI file.

    Parameters
    ----------
    path : Path
        A Standard MIDI File of type 0 or 1. Notes that never end are ended with the file.

    Raises
    ------
    CorpusError
        If the file cannot be read as MIDI, is of type 2, counts time in SMPTE frames, holds no notes, or lasts
        longer than an hour.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise CorpusError(f"{path}: larger than {LARGEST_BYTES >> 20} MB")
        file = mido.MidiFile(path, clip=True)
        timed = _in_seconds(file)
    except CorpusError:
        raise
    except Exception as error:  # mido raises what it meets, KeySignatureError for one
        raise CorpusError(f"{path}: not a MIDI file that can be read ({_reason(error)})") from error
    if file.type == 2:
        raise CorpusError(f"{path}: MIDI type 2 (independent tracks) is not read")
    if file.ticks_per_beat <= 0:
        raise CorpusError(f"{path}: time in SMPTE frames is not read")
    reader = _Reader()
    for time, track, message in timed:
        reader.take(time, track, message)
    seconds = timed[-1][0] if timed else 0.0
    if seconds > LONGEST_SECONDS:
        raise CorpusError(f"{path}: lasts {seconds / 3600:.1f} h, more than an hour")
    reader.close_all(seconds)
    if not reader.notes:
        raise CorpusError(f"{path}: no notes")
    names = [" ".join(track.name.split()) for track in file.tracks]
    parts = tuple(
        Part(
            track,
            channel,
            program,
            tuple(sorted(notes, key=lambda note: (note.start, note.pitch))),
            tuple(reader.controls.get(channel, ())),
            names[track],
        )
        for (track, channel, program), notes in sorted(reader.notes.items())
    )
    return Score(parts, max(note.end for part in parts for note in part.notes))


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _in_seconds(file: mido.MidiFile) -> list[tuple[float, int, mido.Message]]:
    """All messages of all tracks as (seconds, track, message), by time; the tempo map is applied."""
    events: list[tuple[int, int, mido.Message]] = []
    for number, track in enumerate(file.tracks):
        tick = 0
        for message in track:
            tick += message.time
            events.append((tick, number, message))
    events.sort(key=lambda event: event[0])  # stable: the order of tracks and of the messages in them stays
    timed, seconds, last, tempo = [], 0.0, 0, _DEFAULT_TEMPO
    for tick, number, message in events:
        seconds += (tick - last) * tempo / (1e6 * max(file.ticks_per_beat, 1))
        last = tick
        if message.type == "set_tempo":
            tempo = message.tempo
        timed.append((seconds, number, message))
    return timed
