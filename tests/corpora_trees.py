"""Small trees in the published layouts of MedleyDB and Mixing Secrets: made-up songs, synthetic sound.

`python tests/corpora_trees.py FOLDER` writes one of each kind, with stems long enough to train on.
"""

from __future__ import annotations

import sys
import zlib
from pathlib import Path

import numpy as np
import soundfile
import yaml

RATE = 44_100
SECONDS = 1.0

# Song -> (fields that differ from the usual ones, words of its stems; a list stands for one stem of several words).
MEDLEYDB = {
    "AnnaOak_FirstLight": (
        {"artist": "Anna Oak"},
        ["electric bass", "drum set", "clean electric guitar", "female singer", "fx/processed sound"],
    ),
    "AnnaOak_Hollow": (
        {"artist": "Anna Oak & Ben Elm"},
        ["acoustic guitar", "female singer", ["vocalists", "violin"], "auxiliary percussion"],
    ),
    "BrassLane_March": (
        {"artist": "Brass Lane", "instrumental": "yes"},
        ["trumpet", "trombone", "tuba", "drum set", "piano"],
    ),
    "GlassTrio_Waltz": (
        {"artist": "Glass Trio", "instrumental": "yes", "excerpt": "yes"},
        ["piano", "violin", "cello", "double bass"],
    ),
    "NightBus_Meter": (
        {"artist": "Night Bus"},
        ["synthesizer", "drum machine", "male rapper", "electric bass", "sampler"],
    ),
    "ReedFour_Rondo": (
        {"artist": "Reed Four", "instrumental": "yes"},
        ["flute", "clarinet", "bassoon", ["oboe", "tenor saxophone"]],
    ),
    "Schubert_ABird": (
        {"artist": "School of Music", "has_bleed": "yes", "genre": "Classical"},
        ["piano", "male singer", "Main System"],
    ),
    "TheMills_Static": (
        {"artist": "The Mills"},
        ["distorted electric guitar", "electric bass", "drum set", "male singer", "piano"],
    ),
}
RELEASE_OF = {song: "V2" if song[0] > "G" else "V1" for song in MEDLEYDB}

# Song -> (has_bleed, file names of the library with the words of single stems; None: part of a sum).
MIXING_SECRETS = {
    "DryRiver_Stone": (
        "no",
        {"01_Kick": None, "02_Snare": None, "03_Bass": "electric bass", "04_ElecGtr1": "clean electric guitar"},
    ),
    "MR0901_RedKite": ("no", {"01_Piano": "piano", "02_LeadVox": "female singer", "03_Cello": "cello"}),
    "OldHall_Chorale": ("yes", {"01_MainPair": "main system", "02_Choir": "choir", "03_Violin": "violin"}),
    "RedKite_Morning": (
        "no",
        {
            "01_Kick": None,
            "02_Cowbell": None,
            "03_Synth1": None,
            "04_Synth2": None,
            "05_Hammond": "Hammond",
            "06_LeadVox": "male singer",
            "07_Room": "room",
            "08_VoxGtr": ["male singer", "acoustic guitar"],
        },
    ),
    "SlowTide_Harbor": (
        "no",
        {"01_AcGtr": "acoustic guitar", "02_Trumpet": "trumpet", "03_Sax": "tenor saxophone", "04_Bass DI": "bass"},
    ),
    "TinOwls_Circuit": (
        "no",
        {"01_Synth": None, "02_SynthPad": None, "03_Vox": "female singer", "04_Rhodes": "Rhodes"},
    ),
}
_SUMS = (("drums", "drum set", ("Kick", "Snare", "Cowbell")), ("synth", "synthesizer", ("Synth",)))


def sound(name: str, seconds: float = SECONDS, rate: int = RATE) -> np.ndarray:
    """Stereo sound of shape (n, 2) that depends on a name: hits for what is hit, else a tone with partials."""
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    t = np.arange(round(seconds * rate)) / rate
    if any(word in name.casefold() for word in ("drum", "percussion", "kick", "snare", "cowbell")):
        samples = generator.standard_normal(len(t)) * np.exp(-12 * (t % 0.5))
    else:
        pitch = 110 * 2 ** (generator.integers(36) / 12)
        partials = generator.uniform(0.1, 1, 6) / np.arange(1, 7)
        samples = sum(a * np.sin(2 * np.pi * pitch * k * t) for k, a in enumerate(partials, start=1))
        samples *= 1 + 0.3 * np.sin(2 * np.pi * 5 * t)
    left = 0.2 * samples / np.abs(samples).max()
    return np.stack([left, 0.9 * left], axis=1)


def write(path: Path, samples: np.ndarray, rate: int = RATE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, "PCM_16")


def write_yaml(path: Path, values: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(values, default_flow_style=False), encoding="utf-8")


def write_activations(path: Path, stems: dict[str, tuple[tuple[float, float], ...]], seconds: float = SECONDS) -> None:
    """A file of confidences as MedleyDB has them: 0.9 in the given seconds, else 0.1."""
    times = np.arange(round(seconds * RATE / 2048) + 1) * 2048 / RATE
    columns = [times]
    for spans in stems.values():
        sounds = np.zeros(len(times), dtype=bool)
        for start, end in spans:
            sounds |= (times >= start) & (times < end)
        columns.append(np.where(sounds, 0.9, 0.1))
    path.parent.mkdir(parents=True, exist_ok=True)
    header = ",".join(["time", *stems])
    np.savetxt(path, np.stack(columns, axis=1), header=header, delimiter=",", fmt="%.4f", comments="")


def medleydb_metadata(song: str) -> dict:
    fields, words = MEDLEYDB[song]
    stems = {}
    for number, word in enumerate(words, start=1):
        raw = f"{song}_RAW_{number:02}_01.wav"
        stems[f"S{number:02}"] = {
            "component": "",
            "filename": f"{song}_STEM_{number:02}.wav",
            "instrument": word,
            "raw": {"R01": {"filename": raw, "instrument": word}},
        }
    usual = {"album": "", "composer": [""], "excerpt": "no", "genre": "Rock", "has_bleed": "no", "instrumental": "no"}
    names = {"mix_filename": f"{song}_MIX.wav", "raw_dir": f"{song}_RAW", "stem_dir": f"{song}_STEMS"}
    rest = {"origin": "Made up", "producer": [""], "title": song.partition("_")[2], "version": 1.2, "website": None}
    return {**usual, **names, **rest, **fields, "stems": stems}


def medleydb(root: Path, layout: str = "first", seconds: float = SECONDS) -> Path:
    """A tree of MedleyDB.

    Layouts: `first`, the release of 2014 (Audio, Annotations); `archives`, those of 1.0 and 2.0 as they are unpacked
    (V1, V2); `repository`, audio without metadata and a clone of the publisher's repository beside it.
    """
    clone = root / "medleydb" / "medleydb" / "data"
    for song in MEDLEYDB:
        folder = root / (RELEASE_OF[song] if layout == "archives" else "Audio") / song
        values = medleydb_metadata(song)
        for stem in values["stems"].values():
            write(folder / f"{song}_STEMS" / stem["filename"], sound(song + str(stem["instrument"]), seconds))
        mix = sum(soundfile.read(file)[0] for file in sorted((folder / f"{song}_STEMS").iterdir()))
        write(folder / f"{song}_MIX.wav", mix / 5)
        (folder / f"{song}_RAW").mkdir()
        beside = clone / "Metadata" if layout == "repository" else folder
        write_yaml(beside / f"{song}_METADATA.yaml", values)
    spans = {f"S{number:02}": ((0.0, seconds),) for number in range(1, 6)}
    spans["S04"] = ((0.0, 0.3 * seconds),)
    name = "AnnaOak_FirstLight_ACTIVATION_CONF.lab"
    if layout == "repository":
        write_activations(clone / "Annotations/Activation_Confidence/v2" / name, spans, seconds)
        write_activations(clone / "Annotations/Activation_Confidence/original" / name, {"S01": ((0, 0.1),)}, seconds)
    elif layout == "first":
        write_activations(root / "Annotations/Instrument_Activations/ACTIVATION_CONF" / name, spans, seconds)
    return root


def _mixing_secrets_metadata(song: str, *, later_words: bool) -> dict:
    """Metadata as the authors wrote them: sums of drums and synthesizers first, then the single files."""
    has_bleed, files = MIXING_SECRETS[song]
    later = {"Hammond": "electronic organ", "Rhodes": "electric piano"}
    stems: dict[str, dict] = {}
    for short, word, parts in _SUMS:
        names = [name for name, own in files.items() if own is None and any(part in name for part in parts)]
        if names:
            raw = {f"R{i:02}": {"filename": f"{n}.wav", "instrument": n[3:]} for i, n in enumerate(names, start=1)}
            stem = {"component": "", "filename": f"{song}_STEM_{short}.wav", "instrument": word, "raw": raw}
            stems[f"S{len(stems) + 1:02}"] = stem
    for name, word in files.items():
        if word is not None:
            own = later.get(word, word) if later_words and isinstance(word, str) else word
            raw = {"R01": {"filename": f"{name}.wav", "instrument": word}}
            stem = {"component": "", "filename": f"{name}.wav", "instrument": own, "raw": raw}
            stems[f"S{len(stems) + 1:02}"] = stem
    artist, _, title = song.partition("_")
    empty = dict.fromkeys(("album", "composer", "excerpt", "genre", "producer", "website"), "")
    names = {"mix_filename": f"{song}_MIX.wav", "raw_dir": f"{song}_RAW", "stem_dir": f"{song}_STEMS"}
    rest = {"artist": artist, "title": title, "origin": "Mixing Secrets", "version": "3.0", "instrumental": "no"}
    return {**empty, **names, **rest, "has_bleed": has_bleed, "stems": stems}


def mixing_secrets(root: Path, layout: str = "medley", seconds: float = SECONDS) -> Path:
    """A tree of Mixing Secrets.

    Layouts: `medley`, as the authors' script makes it, with the earlier words in the metadata beside the audio;
    `archives`, a clone of their repository and the library's archives as they are unpacked.
    """
    for song, (_, files) in MIXING_SECRETS.items():
        folder = root / "Medley_Format" / "Audio" / song
        values = _mixing_secrets_metadata(song, later_words=False)
        write_yaml(folder / f"{song}_METADATA.yaml", values)
        raw = {f"{name}.wav": sound(song + name, seconds) for name in files}
        raw = {name: samples[: len(samples) - 441 * i] for i, (name, samples) in enumerate(raw.items())}
        for name, samples in raw.items():
            write((folder / f"{song}_RAW" if layout == "medley" else root / f"{song}_Full") / name, samples)
        if layout == "medley":
            for stem in values["stems"].values():
                parts = [raw[part["filename"]] for part in stem["raw"].values()]
                total = np.zeros((max(map(len, parts)), 2))
                for part in parts:
                    total[: len(part)] += part / len(parts)
                write(folder / f"{song}_STEMS" / stem["filename"], total)
        else:
            write_yaml(root / "metadata" / f"{song}_METADATA.yaml", _mixing_secrets_metadata(song, later_words=True))
    spans = {"S01": ((0.0, 0.5 * seconds),), "S02": ((0.0, seconds),), "S03": ()}
    write_activations(root / "annotations" / "MR0901_RedKite_ACTIVATION_CONF.lab", spans, seconds)
    return root


if __name__ == "__main__":
    for maker, name, layouts in (
        (medleydb, "medleydb", ("first", "archives", "repository")),
        (mixing_secrets, "mixing_secrets", ("medley", "archives")),
    ):
        for kind in layouts:
            print(maker(Path(sys.argv[1]) / f"{name}_{kind}", kind, seconds=8.0))
