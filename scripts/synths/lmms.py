"""Notes played by LMMS: a project of one track with one preset, rendered without a screen."""

from __future__ import annotations

import gzip
import os
import subprocess
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt  # type: ignore[import-untyped]

from organology.audio import SAMPLE_RATE
from organology.rendering.midi import Note
from synths.presets import Preset

Samples = NDArray[np.float32]

RENDER_SECONDS = 90
BPM, TICKS_PER_SECOND = 150, 150 * 48 / 60
LMMS_RATE = 44_100
A4_KEY = 57  # LMMS's keys are MIDI's less an octave


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
