"""fluidsynth: a part of a score -> mono float32 samples at 32 kHz.

fluidsynth runs as a program, once a part, at 44.1 kHz (the rate of most SoundFonts' samples), in 32-bit float, so that
neither its gain nor dither leaves a trace in the levels.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import mido
import numpy as np
import soxr
from numpy.typing import NDArray

from organology.audio import SAMPLE_RATE
from organology.errors import CorpusError
from organology.leftovers import locked_folder
from organology.rendering.midi import DRUM_CHANNEL, DRUM_PROGRAM, Control, Part

SYNTH_RATE = 44_100
_TICKS_PER_BEAT = 5_000
_TICKS_PER_SECOND = 2 * _TICKS_PER_BEAT  # at the default tempo of 120 beats a minute
_ALL_SOUND_OFF = 120
_INSTALL = (
    "install fluidsynth (Debian, Ubuntu: apt install fluidsynth fluid-soundfont-gm; macOS: brew install fluid-synth)"
)


@dataclass(frozen=True)
class Room:
    """fluidsynth's reverb and chorus.

    Attributes
    ----------
    reverb, chorus : bool
    size, damping, level : float
        Of the reverb, 0 to 1; fluidsynth's own defaults.
    """

    reverb: bool = True
    chorus: bool = True
    size: float = 0.2
    damping: float = 0.0
    level: float = 0.9

    def arguments(self) -> list[str]:
        """As fluidsynth's command line takes them."""
        settings = {
            "synth.reverb.active": int(self.reverb),
            "synth.chorus.active": int(self.chorus),
            "synth.reverb.room-size": round(self.size, 4),
            "synth.reverb.damp": round(self.damping, 4),
            "synth.reverb.level": round(self.level, 4),
        }
        return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def find_fluidsynth() -> str:
    """Path of the fluidsynth program.

    Raises
    ------
    CorpusError
        If it is not installed; says how to.
    """
    program = shutil.which("fluidsynth")
    if program is None:
        raise CorpusError(f"fluidsynth: program not found; {_INSTALL}")
    return program


@dataclass(frozen=True)
class SoundFont:
    """A SoundFont file and what it can play.

    Attributes
    ----------
    path : Path
    presets : frozenset of (int, int)
        Bank and program of each preset; bank 128 holds the drum kits.
    """

    path: Path
    presets: frozenset[tuple[int, int]]

    @staticmethod
    def open(path: Path) -> SoundFont:
        """Read the list of presets of a .sf2 or .sf3 file.

        Raises
        ------
        CorpusError
            If there is no such file or it is no SoundFont: fluidsynth itself would go on and write silence.
        """
        try:
            with path.open("rb") as file:
                head = file.read(12)
                if head[:4] != b"RIFF" or head[8:] != b"sfbk":
                    raise CorpusError(f"{path}: not a SoundFont (.sf2, .sf3)")
                return SoundFont(path, _presets(file))
        except OSError as error:
            raise CorpusError(f"{path}: {error.strerror or error} (SoundFont)") from error
        except struct.error as error:
            raise CorpusError(f"{path}: SoundFont is cut off") from error

    def plays(self, program: int) -> bool:
        """Whether it has a sound for a program (0 to 127; 128: drums); fluidsynth would put a piano in its place."""
        if program == DRUM_PROGRAM:
            return any(bank == DRUM_PROGRAM for bank, _ in self.presets)
        return (0, program) in self.presets


def _presets(file: BinaryIO) -> frozenset[tuple[int, int]]:
    """Bank and program of the presets, from the `phdr` chunk (SoundFont 2.04, section 7.2)."""
    while True:
        name = file.read(4)
        if name[:1] == b"\0":  # chunks of odd length are padded by some writers and not by others
            name = name[1:] + file.read(1)
        (size,) = struct.unpack("<I", file.read(4))
        if name == b"LIST":
            if file.read(4) != b"pdta":
                file.seek(size - 4, 1)
        elif name == b"phdr":
            records = file.read(size)
            pairs = [struct.unpack_from("<HH", records, at + 20) for at in range(0, len(records) - 38, 38)]
            return frozenset((bank, program) for program, bank in pairs)
        else:
            file.seek(size, 1)


def write_part(part: Part, path: Path, seconds: float) -> None:
    """Write a part as a MIDI file of one track that lasts `seconds`."""
    channel = DRUM_CHANNEL if part.is_drums else 0
    events: list[tuple[float, int, mido.Message]] = []
    if not part.is_drums:
        events.append((0.0, 0, mido.Message("program_change", channel=channel, program=part.program)))
    events += [(control.time, 1, _control_message(control, channel)) for control in part.controls]
    for note in part.notes:
        events.append((min(note.end, seconds), 2, mido.Message("note_off", channel=channel, note=note.pitch)))
        on = mido.Message("note_on", channel=channel, note=note.pitch, velocity=note.velocity)
        events.append((note.start, 3, on))
    events = [event for event in events if event[0] < seconds or event[1] == 2]
    # fluidsynth goes on, for ever if need be, until the last voice is off.
    events.append((seconds, 4, mido.Message("control_change", channel=channel, control=_ALL_SOUND_OFF)))
    track, last = mido.MidiTrack(), 0
    for time, _, message in sorted(events, key=lambda event: event[:2]):
        tick = round(time * _TICKS_PER_SECOND)
        track.append(message.copy(time=tick - last))
        last = tick
    mido.MidiFile(type=0, ticks_per_beat=_TICKS_PER_BEAT, tracks=[track]).save(path)


def _control_message(control: Control, channel: int) -> mido.Message:
    if control.kind == "control_change":
        return mido.Message(control.kind, channel=channel, control=control.number, value=control.value)
    if control.kind == "pitchwheel":
        return mido.Message(control.kind, channel=channel, pitch=control.value)
    if control.kind == "program_change":
        return mido.Message(control.kind, channel=channel, program=control.value)
    return mido.Message(control.kind, channel=channel, value=control.value)


def synthesize(part: Part, soundfont: Path, seconds: float, room: Room) -> NDArray[np.float32]:
    """Play a part.

    Parameters
    ----------
    part : Part
    soundfont : Path
    seconds : float
        Length of the result.
    room : Room

    Returns
    -------
    float32 array, shape (round(seconds * 32 000),)
        Mean of fluidsynth's two channels, at its own level.

    Raises
    ------
    CorpusError
        If fluidsynth is missing or fails.
    """
    frames = round(seconds * SAMPLE_RATE)
    with locked_folder() as folder:
        midi, raw = folder / "part.mid", folder / "part.raw"
        write_part(part, midi, seconds)
        command = [find_fluidsynth(), "-q", "-n", "-i", *room.arguments()]
        command += ["-o", "synth.dynamic-sample-loading=1", "-o", "synth.cpu-cores=1", "-r", str(SYNTH_RATE)]
        command += ["-T", "raw", "-O", "float", "-F", str(raw), str(soundfont), str(midi)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", check=False, timeout=60 + 60 * seconds
            )
        except subprocess.TimeoutExpired as error:
            raise CorpusError(f"{soundfont}: fluidsynth does not end") from error
        if done.returncode != 0 or not raw.exists():
            last = (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}").splitlines()[-1]
            raise CorpusError(f"{soundfont}: fluidsynth failed: {last}")
        mono = np.fromfile(raw, dtype="<f4").reshape(-1, 2).mean(axis=1)
    samples = soxr.resample(mono, SYNTH_RATE, SAMPLE_RATE, quality="HQ").astype(np.float32)[:frames]
    return np.pad(samples, (0, frames - len(samples)))
