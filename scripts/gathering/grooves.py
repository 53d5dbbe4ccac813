"""Drum kits played from recorded drumming: hits of a kit, notes of a MIDI file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import mido
import numpy as np
from numpy.typing import NDArray

from gathering import layout

Samples = NDArray[np.float32]

DRUMS = {
    "kick": (35, 36),
    "snare": (38, 40, 37),
    "closed": (42, 22, 44),
    "open": (46, 26),
    "tom1": (48, 50),
    "tom2": (45, 47),
    "tom3": (43, 41, 58),
    "crash": (49, 57, 55, 52),
    "ride": (51, 53, 59),
}
INSTEAD = {"open": "closed", "tom1": "tom2", "tom2": "tom1", "tom3": "tom2", "crash": "ride", "ride": "closed"}
LONGEST_SECONDS = 4.0

Hit = tuple[float, str, int]
"""Time in seconds, name of the drum, velocity."""


def read_hits(path: Path) -> list[Hit]:
    """The hits of a MIDI file, in order; notes that are no drum of `DRUMS` are left out."""
    name_of = {pitch: name for name, pitches in DRUMS.items() for pitch in pitches}
    time, hits = 0.0, []
    for message in mido.MidiFile(path):
        time += message.time
        if message.type == "note_on" and message.velocity and message.note in name_of:
            hits.append((time, name_of[message.note], message.velocity))
    return hits


def read_kit(files: dict[str, Sequence[Path]], failures: list[str]) -> dict[str, list[Samples]]:
    """The hits of each drum, softest first."""
    kit = {}
    for name, paths in files.items():
        read_ones = [layout.read(path, failures) for path in sorted(paths)]
        cuts = [layout.trim(samples, LONGEST_SECONDS) for samples in read_ones if samples is not None]
        kit[name] = sorted((cut for cut in cuts if len(cut)), key=lambda cut: float(np.square(cut[:8000]).sum()))
    return {name: cuts for name, cuts in kit.items() if cuts}


def play(
    kit: dict[str, list[Samples]], midi: Sequence[Path], seed: int, seconds: float, count: int, failures: list[str]
) -> Iterator[tuple[str, Samples]]:
    """Excerpts of drumming on a kit.

    Parameters
    ----------
    kit : dict of str to list of float32 array
        See `read_kit`.
    midi : sequence of Path
    seed : int
        Draws the files, and the takes.
    seconds : float
        Of an excerpt; a file of less than a third of it is passed over.
    count : int
    failures : list of str

    Yields
    ------
    (str, float32 array)
        Name of the MIDI file, and samples with their peak at -3 dBFS.
    """
    rng = np.random.default_rng(seed)
    made = 0
    for place in rng.permutation(len(midi)):
        if made == count:
            return
        path = midi[place]
        try:
            hits = read_hits(path)
        except (OSError, EOFError, ValueError, KeyError, IndexError) as error:
            failures.append(f"{path}: {error}")
            continue
        if not hits or hits[-1][0] < seconds / 3:
            continue
        start = float(rng.uniform(0, max(hits[-1][0] - seconds, 0.0)))
        excerpt = [(time - start, name, velocity) for time, name, velocity in hits if start <= time < start + seconds]
        stem = _perform(kit, excerpt, min(seconds, hits[-1][0] - start + 1), rng)
        if stem.any():
            made += 1
            yield path.stem, layout.at_peak(stem)


def _perform(kit: dict[str, list[Samples]], hits: list[Hit], seconds: float, rng: np.random.Generator) -> Samples:
    stem = np.zeros(round(seconds * layout.RATE), dtype=np.float32)
    for time, name, velocity in hits:
        while name not in kit and name in INSTEAD and INSTEAD[name] != name:
            name, before = INSTEAD[name], name
            if name not in kit and INSTEAD.get(name) == before:
                break
        if name not in kit:
            continue
        takes = kit[name]
        place = velocity / 127 * (len(takes) - 1) + float(rng.uniform(-0.6, 0.6))
        take = takes[int(np.clip(round(place), 0, len(takes) - 1))]
        gain = velocity / 127 if len(takes) < 4 else 0.6 + 0.4 * velocity / 127
        first = round(time * layout.RATE)
        held = min(len(take), len(stem) - first)
        if held > 0:
            stem[first : first + held] += take[:held] * np.float32(gain)
    return stem
