#!/usr/bin/env python3
"""Arrange excerpts of MIDI files for synthesizers and play them with the presets of LMMS and ZynAddSubFX.

    apt install --no-install-recommends lmms lmms-common zynaddsubfx-data fluidsynth
    python scripts/compose_synths.py --out synths --songs 120 -s FluidR3_GM.sf2 \
        --midi MIDI/freedoom "BSD-3-Clause (Freedoom)" --midi MIDI/openmsx "GPL-2.0 (OpenMSX)"

Each song is two or three of lead, pad, arpeggio and bass, taken from one excerpt: the lead is its tune, the pad and the
arpeggio play its chords, the bass its lowest notes. Half of the songs get drums: the excerpt's own, or a beat. LMMS
plays one project a stem; `EXCLUDED` and `MIXED` say which presets are left out, and a stem that is silent, mere noise
or off the notes is played again with another preset. Output is a folder for `organology prepare stems`. The same seed
gives the same excerpts, and the same presets as long as the same stems are played again; sounds begin at random phases.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import mido
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt  # type: ignore[import-untyped]

from organology.audio import SAMPLE_RATE
from organology.corpora.render_excerpt import cut, excerpt_starts
from organology.corpora.render_midi import DRUM_CHANNEL, DRUM_PROGRAM, Control, Note, Part, Score, read_score
from organology.corpora.render_song import COLUMNS, level
from organology.corpora.render_synth import Room, SoundFont, synthesize
from organology.errors import OrganologyError
from organology.files import written_whole

Samples = NDArray[np.float32]

TAIL_SECONDS, RENDER_SECONDS = 1.0, 90
BPM, TICKS_PER_SECOND = 150, 150 * 48 / 60
LMMS_RATE = 44_100
EVEN_LEVELS = 0.85
TRIES = 6
A4_KEY = 57  # LMMS's keys are MIDI's less an octave

# Presets are left out by folder, or by a word of their name: imitations of other instruments, drums, effects, noise.
EXCLUDED_FOLDERS = {
    "AudioFileProcessor", "Kicker", "Vibed", "Brass", "Choir and Voice", "Cormi_Noise", "Drums", "Guitar", "Noises",
    "Organ", "Reed and Wind", "Rhodes", "Splitted", "SynthPiano",
}  # fmt: skip
EXCLUDED = re.compile(
    r"piano|organ(?!ic)|organz|clonewheel|harmonium|brass|brazz|horn|trumpet|thrumpet|fanf|post horn|string|violin"
    r"|fiddle|cello|gui?tar|gritar|rock$|choir|chorus|voice|voiced|\bvox|ahh|orc |soprano|sprch|spch|prayer|flute"
    r"|ocarina|pipe|clarinet|oboe|bassoon|fagotto|sax|reed|accord|concertina|harmonic?a$|bagpipe|whistle|zufolo"
    r"|wind\b|bell|chime|vibe|vibra(?!t)|marimba|xylo|steel|mallet|music.?box|toy|rhodes|\bep\b|e_p_|epiano|clav"
    r"|harp|sitar|banjo|slap|fretless|double.?bass|fingered|bass guitar|drum|kick|snare|hat\b|hith|hihat|perc\b"
    r"|percussion|\btom\b|fx|effect|noise(?!-)|rain|thunder|alarm|alert|glitch|laser|weapon|fireball|engine|ufo"
    r"|bomb|gun|radio|car$|race|jet|cricket|robot|bubble|drip|droplet|dropof|cauldron|lawnmower|magma|keys hit"
    r"|electric keys|tubular|order of chaos|hammering|launch|comet|ghostboy|lfo-party|scary|crying|mellotron|metal"
    r"|wind|breath|infra|bytes|clunk|tick|alien (?!pad)|talk|puresine|rough!|trash|twang|^plucked \d",
    re.IGNORECASE,
)
# In these folders a preset must name itself a synthesizer.
MIXED_FOLDERS = re.compile(
    r"Collection|Companion|Cormi_Sound|Cris Owl|Dual|Fantasy|Laba170|Plucked|Strings|net-wisdom|olivers|the_mysterious"
)
MIXED = re.compile(
    r"lead|pad|bass|saw|square|pulse|pwm|synth|arp|sequen|sweep|acid|analog|chip|hoover|reso|phase|flang|edm|swell|5ths|80s"
    r"|unison|vangelis|poly|lush|rushes|morph|matrix|voyager|sub|numan|vintage|galax|fat|wah|cindi|smooth|trance|dx7"
    r"|hyper|\bob\b|pluck",
    re.IGNORECASE,
)
KINDS = {  # of presets, by their name: the first that fits
    "bass": re.compile(r"bass|subsaw|tb303|reece|erazzor|growl|rubberband", re.IGNORECASE),
    "pad": re.compile(
        r"pad|soft|sweep|dream|swell|slow|ethereal|lush|rushes|matrix|voyager|ice|space|galax|aura|5ths", re.IGNORECASE
    ),
    "arp": re.compile(r"arp|sequ|pluck|ping|pwink", re.IGNORECASE),
}
KIND_OF_FOLDER = {"Pads": "pad", "Bass": "bass", "Arpeggios": "arp"}
# role: kinds of presets, General MIDI program that stands for it, lowest and highest median pitch
ROLES: dict[str, tuple[tuple[str, ...], int, tuple[int, int]]] = {
    "lead": (("any", "any", "arp"), 81, (62, 79)),
    "pad": (("pad", "pad", "pad", "any"), 90, (52, 67)),
    "arp": (("any", "any", "arp", "pad"), 80, (55, 77)),
    "bass": (("bass",), 38, (31, 45)),
}
BANDS = (
    ("lead", "pad", "bass"), ("lead", "arp", "bass"), ("arp", "pad", "bass"), ("lead", "pad"), ("lead", "bass"),
    ("arp", "pad"), ("lead", "arp"), ("pad", "bass"), ("arp", "bass"), ("lead", "arp", "pad"),
)  # fmt: skip
ARPEGGIOS = (
    (0, 1, 2, 3),
    (3, 2, 1, 0),
    (0, 1, 2, 3, 2, 1),
    (0, 2, 1, 3),
    (0, 3, 1, 3, 2, 3),
    (0, 0, 3, 1),
    (0, 2, 4, 3, 1, 2),
)
PRESETS_LICENCE = "presets: {package} (GPL-2.0-or-later; some banks LGPL or CC BY, see their README)"
KITS = (8, 16, 24, 25, 25, 0)


@dataclass(frozen=True)
class Preset:
    """An instrument of LMMS (.xpf) or ZynAddSubFX (.xiz) and the part it is fit for: lead, pad, arp, bass or any."""

    path: Path
    kind: str

    @property
    def name(self) -> str:
        """Folder and name, as one word of a file's name."""
        return "-".join(re.findall(r"[a-z0-9]+", f"{self.path.parent.name} {label(self.path)}".lower()))

    @property
    def package(self) -> str:
        """Debian package it comes in."""
        return "lmms-common" if self.path.suffix == ".xpf" else "zynaddsubfx-data"


def label(path: Path) -> str:
    """A preset's own name, without the number of its slot in the bank."""
    return re.sub(r"^\d{4}-", "", path.stem)


def find_presets(roots: list[Path]) -> list[Preset]:
    """The presets under the roots that are plainly synthesizers, each name once."""
    found: dict[str, Preset] = {}
    for path in sorted(path for root in roots for path in root.rglob("*") if path.suffix in (".xpf", ".xiz")):
        name, folder = label(path).replace("_", " "), path.parent.name
        mixed = MIXED_FOLDERS.match(folder) and not MIXED.search(name)
        if folder in EXCLUDED_FOLDERS or mixed or EXCLUDED.search(name):
            continue
        kind = next((kind for kind, words in KINDS.items() if words.search(name)), "any")
        found.setdefault(name.lower(), Preset(path, KIND_OF_FOLDER.get(folder, kind)))
    return list(found.values())


def project(preset: Preset, notes: tuple[Note, ...], seconds: float) -> ElementTree.ElementTree:
    """An LMMS project of one track."""
    data = preset.path.read_bytes()
    root = ElementTree.fromstring((gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).lstrip())
    # LMMS brings settings of older versions up to date by the version of the file they stand in
    version = root.get("creatorversion", "1.2.2")
    track = root.find(".//instrumenttrack") if preset.path.suffix == ".xpf" else _zyn_track(root.find("INSTRUMENT"))
    if track is None:
        raise ValueError(f"{preset.path}: no instrument in it")
    base = float(track.get("basenote", A4_KEY))
    track.set("basenote", str(A4_KEY + 12 * round((base - A4_KEY) / 12)))  # the octave, but in tune
    track.set("fxch", "0")
    tree = ElementTree.Element("lmms-project", version="1.0", creator="LMMS", creatorversion=version, type="song")
    head = {
        "bpm": str(BPM),
        "timesig_numerator": "4",
        "timesig_denominator": "4",
        "mastervol": "50",
        "masterpitch": "0",
    }
    ElementTree.SubElement(tree, "head", head)
    song = ElementTree.SubElement(tree, "song")
    container = ElementTree.SubElement(song, "trackcontainer", type="song")
    around = ElementTree.SubElement(container, "track", type="0", name="synth", muted="0", solo="0")
    around.append(track)
    length = str(round(seconds * TICKS_PER_SECOND))
    pattern = ElementTree.SubElement(around, "pattern", type="1", pos="0", name="", muted="0", steps="16", len=length)
    for note in notes:
        start, end = round(note.start * TICKS_PER_SECOND), round(note.end * TICKS_PER_SECOND)
        values = {"pos": start, "len": max(end - start, 4), "key": note.pitch - 12, "vol": note.velocity, "pan": 0}
        ElementTree.SubElement(pattern, "note", {key: str(value) for key, value in values.items()})
    mixer = ElementTree.SubElement(song, "fxmixer")
    channel = ElementTree.SubElement(mixer, "fxchannel", num="0", name="Master", volume="1", muted="0", soloed="0")
    ElementTree.SubElement(channel, "fxchain", numofeffects="0", enabled="0")
    return ElementTree.ElementTree(tree)


def _zyn_track(instrument: ElementTree.Element | None) -> ElementTree.Element | None:
    """A track that plays an instrument of a .xiz file: LMMS keeps the state of ZynAddSubFX in the latter's own XML."""
    if instrument is None:
        return None
    track = ElementTree.Element("instrumenttrack", vol="100", pan="0", pitch="0", basenote=str(A4_KEY))
    plugin = ElementTree.SubElement(track, "instrument", name="zynaddsubfx")
    neutral = dict.fromkeys(("filterfreq", "filterq", "bandwidth", "resbandwidth", "rescenterfreq"), "64")
    plugin = ElementTree.SubElement(
        plugin, "zynaddsubfx", neutral, portamento="0", fmgain="127", forwardmidicc="1", modifiedcontrollers=""
    )
    data = ElementTree.SubElement(plugin, "ZynAddSubFX-data", {"version-major": "2", "version-minor": "4"})
    master = ElementTree.SubElement(data, "MASTER")
    part = ElementTree.Element("PART", id="0")
    for parent, values in (
        (master, {"volume": 80, "key_shift": 64}),
        (part, {"volume": 96, "panning": 64, "min_key": 0, "max_key": 127, "key_shift": 64, "rcv_chn": 0}),
        (part, {"velocity_sensing": 64, "velocity_offset": 64, "key_limit": 15}),
    ):
        for name, value in values.items():
            ElementTree.SubElement(parent, "par", name=name, value=str(value))
    for name, yes in (("enabled", "yes"), ("note_on", "yes"), ("poly_mode", "yes"), ("legato_mode", "no")):
        ElementTree.SubElement(part, "par_bool", name=name, value=yes)
    part.append(instrument)
    master.append(part)
    return track


def play(preset: Preset, notes: tuple[Note, ...], seconds: float) -> Samples:
    """Play notes with LMMS: float32, shape (round(seconds * 32 000),), without DC; empty where LMMS gives none."""
    frames = round(seconds * SAMPLE_RATE)
    with tempfile.TemporaryDirectory(prefix="organology-") as folder:
        source, target = Path(folder, "song.mmp"), Path(folder, "song.wav")
        command = ["lmms", *(["--allowroot"] if os.geteuid() == 0 else []), "render", str(source)]
        command += ["-f", "wav", "-a", "-s", str(LMMS_RATE), "-o", str(target)]
        environment = {**os.environ, "HOME": folder, "XDG_RUNTIME_DIR": folder, "QT_QPA_PLATFORM": "offscreen"}
        try:
            project(preset, notes, seconds).write(source)
            subprocess.run(command, capture_output=True, check=False, timeout=RENDER_SECONDS, env=environment)
            sound, rate = soundfile.read(target, dtype="float32", always_2d=True)
        except (ElementTree.ParseError, ValueError, subprocess.TimeoutExpired, soundfile.LibsndfileError):
            return np.zeros(0, dtype=np.float32)
    mono = soxr.resample(sound.mean(axis=1), rate, SAMPLE_RATE)[:frames]
    mono = sosfilt(butter(2, 25, "highpass", fs=SAMPLE_RATE, output="sos"), np.pad(mono, (0, frames - len(mono))))
    mono[-SAMPLE_RATE // 4 :] *= np.linspace(1, 0, SAMPLE_RATE // 4)
    return np.asarray(mono, dtype=np.float32)


def fault(samples: Samples, notes: tuple[Note, ...]) -> str:
    """Why a stem cannot be used, or "": it must sound where it has notes, be no noise, and have the notes' pitches."""
    if not samples.size or not np.isfinite(samples).all():
        return "not rendered"
    block = SAMPLE_RATE // 10
    blocks = samples[: len(samples) // block * block].reshape(-1, block)
    rms = np.sqrt(np.square(blocks, dtype=np.float64).mean(axis=1))
    active = rms > 0.01 * rms.max(initial=0.0)
    if not active.any() or 20 * np.log10(rms[active].mean() + 1e-9) < -51:  # -45 dBFS, less LMMS's volume of one half
        return "silent"
    sounding = np.zeros(len(blocks), dtype=bool)
    for note in notes:
        sounding[int(10 * note.start) : int(10 * note.end) + 1] = True
    if active[sounding].mean() < 0.4:
        return "mostly silent"
    if (samples[np.abs(samples) > 0.5 * np.abs(samples).max()]).size < 100:
        return "clicks"
    spectra = np.abs(np.fft.rfft(blocks[active] * np.hanning(block), 4 * block, axis=1)) ** 2 + 1e-12
    frequency = np.fft.rfftfreq(4 * block, 1 / SAMPLE_RATE)
    audible = spectra[:, (frequency > 100) & (frequency < 5000)]
    if np.median(np.exp(np.log(audible).mean(axis=1)) / audible.mean(axis=1)) > 0.2:
        return "noise"
    return "" if _in_tune(blocks, notes) else "off the notes"


def _in_tune(blocks: Samples, notes: tuple[Note, ...]) -> bool:
    """Whether the pitch classes heard in second-long stretches go with those written."""
    longer = blocks[: len(blocks) // 10 * 10].reshape(-1, blocks.shape[1] * 10)
    spectra = np.abs(np.fft.rfft(longer * np.hanning(longer.shape[1]), axis=1))
    frequency = np.fft.rfftfreq(longer.shape[1], 1 / SAMPLE_RATE)
    used = (frequency > 40) & (frequency < 2500)
    classes = np.round(12 * np.log2(frequency[used] / 440) + 9).astype(int) % 12
    heard = spectra[:, used] @ np.eye(12)[classes]
    written = np.zeros_like(heard)
    for note in notes:
        for second in range(int(note.start), min(int(note.end) + 1, len(written))):
            overlap = min(note.end, second + 1) - max(note.start, second)
            written[second, note.pitch % 12] += max(overlap, 0)
    used_rows = (written.sum(axis=1) > 0) & (heard.sum(axis=1) > 0.05 * heard.sum(axis=1).max())
    heard, written = heard[used_rows], written[used_rows]

    def agreement(shift: int) -> float:
        rolled = np.roll(written, shift, axis=1)
        return float(
            (heard / (heard.sum(axis=1, keepdims=True) + 1e-9) * rolled / rolled.sum(axis=1, keepdims=True)).sum()
        )

    scores = np.array([agreement(shift) for shift in range(12)])
    # a fifth (or a fourth, from below) is a tuning that patches often add
    return bool(used_rows.any() and scores.argmax() in (0, 5, 7) and scores[0] > 1.1 * scores.mean())


def beats(path: Path, seconds: float) -> NDArray[np.float64]:
    """Times of a MIDI file's beats in seconds, at least up to `seconds`."""
    file = mido.MidiFile(path, clip=True)
    times, tick, clock, tempo = [0.0], 0, 0.0, 500_000
    changes = [(message.time, message) for message in mido.merge_tracks(file.tracks)]
    for passed, message in [*changes, (10**9, None)]:
        while (next_beat := len(times) * file.ticks_per_beat) <= tick + passed and times[-1] < seconds:
            times.append(clock + mido.tick2second(next_beat - tick, file.ticks_per_beat, tempo))
        clock += mido.tick2second(passed, file.ticks_per_beat, tempo)
        tick += passed
        if message is not None and message.type == "set_tempo":
            tempo = message.tempo
    grid = np.array(times)
    while len(grid) > 1 and np.median(np.diff(grid)) < 0.33:  # half beats
        grid = grid[::2]
    return grid


def chords(parts: list[Part], grid: NDArray[np.float64]) -> list[tuple[float, float, tuple[int, ...]]]:
    """Start, end and pitch classes of the harmony, bass first, of each pair of beats in which something sounds."""
    found: list[tuple[float, float, tuple[int, ...]]] = []
    for start, end in zip(grid[:-1:2], [*grid[2::2], grid[-1]], strict=False):
        weights, lowest = np.zeros(12), 128
        for note in (note for part in parts for note in part.notes if note.start < end and note.end > start):
            weights[note.pitch % 12] += min(note.end, end) - max(note.start, start)
            lowest = min(lowest, note.pitch)
        if end - start < 0.2 or not weights.any():
            continue
        weights[lowest % 12] += 0.5 * weights.max()
        order = [int(i) for i in np.argsort(-weights, kind="stable") if weights[i] > 0.12 * weights.max()][:3]
        tones = (lowest % 12, *(tone for tone in order if tone != lowest % 12))
        if found and set(found[-1][2]) == set(tones) and found[-1][1] == start and end - found[-1][0] < 5:
            found[-1] = (found[-1][0], end, found[-1][2])
        else:
            found.append((start, end, tones))
    return found


def skyline(notes: tuple[Note, ...], sign: int = 1) -> tuple[Note, ...]:
    """One voice: of the notes that start together the highest (sign -1: lowest), each ended by the next."""
    first: dict[int, Note] = {}
    for note in sorted(notes, key=lambda note: sign * note.pitch):
        first[round(note.start * 20)] = note
    line = [first[key] for key in sorted(first)]
    ends = [*(note.start for note in line[1:]), float("inf")]
    return tuple(
        replace(note, end=max(min(note.end, end), note.start + 0.05)) for note, end in zip(line, ends, strict=True)
    )


def arrange(role: str, score: Score, grid: NDArray[np.float64], rng: np.random.Generator) -> tuple[Note, ...]:
    """The notes of a role, in its range; empty where the excerpt has none for it."""
    tuned = [part for part in score.parts if part.program < 112]
    line: tuple[Note, ...] = ()
    if role in ("lead", "bass") and tuned:
        sign = 1 if role == "lead" else -1
        long = [part for part in tuned if len(part.notes) >= 12] or tuned
        named = [part for part in long if part.name.upper() == "MELODY" and role == "lead"]
        # the highest or lowest part, rather one that plays a line than one that plays chords
        chosen = max(
            named or long, key=lambda p: sign * float(np.median([n.pitch for n in p.notes])) + 12 * _is_line(p)
        )
        line = skyline(chosen.notes, sign)
    harmony = chords(tuned, grid)
    velocity = int(rng.integers(75, 105))
    if role == "pad":
        gap = float(rng.choice((0.0, 0.02, 0.15)))
        line = tuple(
            Note(start, max(end - gap, start + 0.1), 52 + (tone - 52) % 12, velocity)
            for start, end, tones in harmony for tone in tones
        )  # fmt: skip
    elif role == "arp":
        line = _arpeggio(harmony, grid, velocity, rng)
    if not line:
        return ()
    middle, (low, high) = float(np.median([note.pitch for note in line])), ROLES[role][2]
    shift = 12 * round((rng.uniform(low, high) - middle) / 12)
    louder = [int(np.clip(0.5 * note.velocity + 45, 50, 110)) for note in line]
    return tuple(
        replace(note, pitch=int(np.clip(note.pitch + shift, 24, 100)), velocity=v)
        for note, v in zip(line, louder, strict=True)
    )


def _is_line(part: Part) -> float:
    """Share of a part's notes that start alone."""
    return len({round(note.start * 20) for note in part.notes}) / len(part.notes)


def _arpeggio(
    harmony: list[tuple[float, float, tuple[int, ...]]],
    grid: NDArray[np.float64],
    velocity: int,
    rng: np.random.Generator,
) -> tuple[Note, ...]:
    """Broken chords in steps of a half, third or quarter of a beat."""
    per_beat, order = int(rng.choice((2, 3, 4, 4))), ARPEGGIOS[int(rng.integers(len(ARPEGGIOS)))]
    held, number = float(rng.choice((0.5, 0.8, 1.0))), 0
    notes = []
    steps = np.interp(np.arange(0, len(grid) - 1, 1 / per_beat), np.arange(len(grid)), grid)
    for start, end in pairwise(steps):
        tones = next((tones for first, last, tones in harmony if first - 1e-6 <= start < last - 1e-6), ())
        if not tones:
            continue
        climb = sorted(60 + (tone - tones[0]) % 12 + tones[0] for tone in tones)
        climb += [pitch + 12 for pitch in climb] + [pitch + 24 for pitch in climb] * (len(climb) < 2)
        pitch = climb[order[number % len(order)] % len(climb)]
        notes.append(
            Note(float(start), float(start + held * (end - start)), pitch, velocity + 10 * (number % per_beat == 0))
        )
        number += 1
    return tuple(notes)


def drums(score: Score, grid: NDArray[np.float64], rng: np.random.Generator) -> Part:
    """The excerpt's drums, or a beat on its grid, with a kit of electronic drums rather than not."""
    kit = Control(0.0, "program_change", 0, int(rng.choice(KITS)))
    own = [part for part in score.parts if part.is_drums and len(part.notes) >= 20]
    if own:
        return replace(max(own, key=lambda part: len(part.notes)), controls=(kit,))
    steps = np.interp(np.arange(0, len(grid) - 1, 0.25), np.arange(len(grid)), grid)
    steady, kicks = rng.random() < 0.5, {0, *rng.choice((3, 6, 7, 10, 11), size=2).tolist(), 8}
    hats = int(rng.choice((1, 2, 4)))
    notes = []
    for i, start in enumerate(steps):
        place = i % 16
        hit = [36] if (place % 4 == 0 if steady else place in kicks) else []
        hit += [38 if rng.random() < 0.9 else 39] if place in (4, 12) else []
        hit += [46 if steady and place % 4 == 2 else 42] if place % hats == 0 else []
        notes += [Note(float(start), float(start) + 0.1, pitch, int(rng.integers(75, 115))) for pitch in hit]
    return Part(0, DRUM_CHANNEL, DRUM_PROGRAM, tuple(notes), (kit,))


class Presets:
    """Presets by kind, each given once before any comes again."""

    def __init__(self, presets: list[Preset], rng: np.random.Generator) -> None:
        self._rng = rng
        self._all = {kind: [p for p in presets if p.kind == kind] for kind in ("any", *KINDS)}
        self._left: dict[str, list[Preset]] = {kind: [] for kind in self._all}
        self.faults: dict[str, str] = {}

    def draw(self, kind: str) -> Preset:
        """One that has not been found faulty."""
        if not self._left[kind]:
            self._left[kind] = [p for p in self._all[kind] if p.name not in self.faults]
            self._rng.shuffle(self._left[kind])
        return self._left[kind].pop()


def play_song(
    path: Path, seconds: float, presets: Presets, font: SoundFont, rng: np.random.Generator
) -> tuple[dict[str, tuple[int, str, Samples]], list[str]]:
    """Stem name -> General MIDI program, what played it, samples; and what was left out."""
    score = read_score(path)
    start = float(rng.choice(excerpt_starts(score, seconds)[:40]))
    grid = beats(path, min(start + seconds, score.seconds)) - start
    score, length = cut(score, start, seconds), seconds + TAIL_SECONDS
    grid = np.maximum(grid[(grid > -1e-3) & (grid < score.seconds)], 0.0)
    played: dict[str, tuple[int, str, Samples]] = {}
    if len(grid) < 8:
        return {}, ["too few beats"]
    for role in BANDS[int(rng.integers(len(BANDS)))]:
        notes, (kinds, program, _) = arrange(role, score, grid, rng), ROLES[role]
        for _ in range(TRIES if len(notes) >= 8 else 0):
            preset = presets.draw(str(rng.choice(kinds)))
            samples = play(preset, notes, length)
            if reason := fault(samples, notes):
                presets.faults[preset.name] = reason
                continue
            played[f"{role}-{preset.name}"] = (program, PRESETS_LICENCE.format(package=preset.package), samples)
            break
    if played and rng.random() < 0.5:
        room = Room(size=float(rng.uniform(0.05, 0.6)), level=float(rng.uniform(0, 0.7)))
        samples = synthesize(drums(score, grid, rng), font.path, length, room)
        played["drums"] = (DRUM_PROGRAM, f"SoundFont {font.path.stem}", samples)
    silent: list[str] = []
    levels = level({name: samples for name, (_, _, samples) in played.items()}, silent, EVEN_LEVELS)
    return {name: (*played[name][:2], samples) for name, samples in levels.items()}, silent


def write_table(rows: list[dict[str, str]], path: Path) -> None:
    """Write `stems.csv`; after each song, so that a run cut off leaves a folder that can be prepared."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--midi", nargs=2, action="append", required=True, metavar=("FOLDER", "LICENCE"))
    parser.add_argument("--soundfont", "-s", type=Path, action="append", required=True)
    parser.add_argument("--presets", type=Path, action="append", help="folder of .xpf or .xiz files; may be repeated")
    parser.add_argument("--songs", type=int, default=120)
    parser.add_argument("--seconds", type=float, default=22.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    fonts = [SoundFont.open(path) for path in given.soundfont]
    roots = given.presets or [Path("/usr/share/lmms/presets"), Path("/usr/share/zynaddsubfx/banks")]
    presets = Presets(find_presets(roots), rng)
    files = []
    for folder, licence in given.midi:
        paths = sorted(Path(folder).rglob("*.mid"))
        files.append([(paths[int(i)], licence) for i in rng.permutation(len(paths))])
    # the folders take turns; one that is through begins again, with other excerpts
    rows: list[dict[str, str]] = []
    for number in range(given.songs):
        of = files[number % len(files)]
        path, licence = of[number // len(files) % len(of)]
        song = f"{re.sub(r'[^a-z0-9]+', '-', path.stem.lower())}.{given.seed}.{number}"
        try:
            stems, left_out = play_song(path, given.seconds, presets, fonts[int(rng.integers(len(fonts)))], rng)
        except OrganologyError as error:
            stems, left_out = {}, [str(error)]
        for line in left_out:
            print(f"{song}: {line}", flush=True)
        for name, (program, by, samples) in stems.items():
            target = given.out / song / f"{name}.flac"
            target.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(target, samples, SAMPLE_RATE, "PCM_16")
            values = (f"{song}/{name}.flac", song, path.stem, name, "general_midi", str(program), "rendered")
            rows.append(dict(zip(COLUMNS, (*values, f"{by}; MIDI {licence}", "true"), strict=True)))
        write_table(rows, given.out / "stems.csv")
    for name, reason in sorted(presets.faults.items()):
        print(f"{name}: {reason}")
    print(f"{len(rows)} stems of {given.songs} songs in {given.out}")


if __name__ == "__main__":
    try:
        main()
    except OrganologyError as error:
        raise SystemExit(f"error: {error}") from error
