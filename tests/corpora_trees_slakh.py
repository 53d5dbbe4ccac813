"""Small folders in the published layouts of Slakh2100 and MTG-Jamendo, with tones for audio.

As a script: `python tests/corpora_trees_slakh.py DIR` writes all of them into DIR.
"""

import sys
from pathlib import Path

import numpy as np
import soundfile

from organology.corpora.registry import find
from organology.corpora.tagging.prepare import TaggingConfig, prepare_tagging

RATE = 44_100
_MIDI = b"MThd\0\0\0\6\0\1\0\1\1\xe0"

# Track -> MIDI file, song of the Million Song Dataset, stems: (program, patch, rendered); program 128 is drums.
SLAKH = {
    "Track00001": (
        "1a81",
        "TRAAAAA",
        [
            (30, "elektrik_guitar.nkm", True),
            (128, "session_kit_full.nkm", True),
            (22, "transistor_compact.nkm", True),
            (103, "None", False),
        ],
    ),
    "Track00004": ("c613", "TRBBBBB", [(33, "classic_bass.nkm", True), (0, "grand_piano.nkm", True)]),
    "Track00357": (
        "3570",
        "TRCCCCC",
        [
            (40, "violin_solo.nkm", True),
            (50, "string_ensemble.nkm", True),
            (56, "trumpet.nkm", True),
            (73, "flute.nkm", True),
        ],
    ),
    "Track01501": ("1501", "TRDDDDD", [(0, "scarbee_pianet.nkm", True), (128, "pop_kit.nkm", True)]),
    "Track01502": ("1502", "TRAAAAA", [(24, "/Library/Audio/Plug-Ins/Components/AGML2.component", True)]),
    "Track01876": ("1876", "TREEEEE", [(48, "string_ensemble.nkm", True), (81, "cheesy_lead.nkm", True)]),
    "Track01939": ("c613", "TRBBBBB", [(33, "pop_bass.nkm", True), (1, "the_gentleman.nkm", True)]),
}

# Part -> (track, artist, album, tags).
JAMENDO = {
    "train": [
        (214, 14, 31, ("genre---rock", "instrument---voice")),
        (241, 5, 33, ("genre---rock",)),
        (1314, 14, 32, ("mood/theme---happy", "instrument---piano")),
    ],
    "validation": [(382, 87, 46, ("instrument---piano", "genre---jazz"))],
    "test": [
        (215, 26, 47, ("genre---jazz", "instrument---drums", "mood/theme---relaxing")),
        (3085, 27, 48, ("genre---pop",)),
    ],
}
_LICENCE = "Available under a Creative Commons Attribution license: http://creativecommons.org/licenses/by-nc/3.0/"


def tone(seconds, frequency, rate=RATE, level=0.3):
    t = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * frequency * t)).astype(np.float32)


def slakh(root, layout="redux", seconds=0.4):
    """Write a Slakh2100 tree: layout redux (with `omitted`), original, original_wav or baby (16 kHz wav, flat)."""
    suffix = "flac" if layout in ("redux", "original") else "wav"
    rate = 16_000 if layout == "baby" else RATE
    for track, (midi, song, stems) in SLAKH.items():
        number = int(track[-5:])
        split = "train" if number <= 1500 else "validation" if number <= 1875 else "test"
        split = "omitted" if layout == "redux" and number == 1939 else split
        folder = root / track if layout == "baby" else root / split / track
        (folder / "stems").mkdir(parents=True)
        (folder / "MIDI").mkdir()
        mix = np.zeros(round(seconds * rate), dtype=np.float32)
        for i, (_, _, rendered) in enumerate(stems):
            if rendered:
                samples = tone(seconds, 150 * (i + 1) + number % 100, rate)
                mix += samples
                soundfile.write(folder / "stems" / f"S{i:02}.{suffix}", samples, rate, subtype="PCM_16")
                (folder / "MIDI" / f"S{i:02}.mid").write_bytes(_MIDI)
        soundfile.write(folder / f"mix.{suffix}", mix / len(stems), rate, subtype="PCM_16")
        (folder / "all_src.mid").write_bytes(_MIDI)
        (folder / "metadata.yaml").write_text(slakh_metadata(midi, song, stems, layout == "baby"))
    return root


def slakh_metadata(midi, song, stems, baby=False):
    lines = [
        f"UUID: {midi}",
        "audio_dir: stems",
        f"lmd_midi_dir: lmd_matched/{'/'.join(song[2:5])}/{song}/{midi}.mid",
        "midi_dir: MIDI",
        "normalization_factor: -13.0",
        "normalized: true",
        "overall_gain: 0.18270259567062658",
        "stems:",
    ]
    for i, (program, patch, rendered) in enumerate(stems):
        flag = str(rendered and not baby).lower()  # in BabySlakh no stem is said to be rendered
        lines += [
            f"  S{i:02}:",
            f"    audio_rendered: {flag}",
            "    inst_class: Strings",
            "    integrated_loudness: -12.82074180245363",
            f"    is_drum: {str(program == 128).lower()}",
            "    midi_program_name: not looked at",
            f"    midi_saved: {flag}",
            f"    plugin_name: {patch}",
            f"    program_num: {program}",
        ]
    return "\n".join([*lines, "target_peak: -1.0", ""])


def jamendo(root, audio="audio", low=False, seconds=6.0, tables="data/splits/split-0"):
    """Write an MTG-Jamendo tree: tables of split 0, and mp3 in full (stereo) or low (mono, `.low.mp3`) quality."""
    (root / tables).mkdir(parents=True, exist_ok=True)
    for part, tracks in JAMENDO.items():
        lines = ["TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS"]
        for number, artist, album, tags in tracks:
            path = f"{number % 100:02}/{number}.mp3"
            cells = (f"track_{number:07}", f"artist_{artist:06}", f"album_{album:06}", path, f"{seconds}", *tags)
            lines.append("\t".join(cells))
            file = root / audio / (path.replace(".mp3", ".low.mp3") if low else path)
            mp3(file, seconds, 200 + number % 700, 1 if low else 2)
        text = "".join(f"{line}\r\n" for line in lines)  # as the publisher's
        (root / tables / f"autotagging_top50tags-{part}.tsv").write_bytes(text.encode())
    licences = f"41/241.mp3\nA by B from Jamendo: http://www.jamendo.com/track/241\n{_LICENCE}\n\n"
    (root / "audio_licenses.txt").write_text(licences)
    return root


def mp3(path, seconds, frequency, channels=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.repeat(tone(seconds, frequency)[:, None], channels, axis=1)
    mode = "CONSTANT" if channels == 2 else "VARIABLE"
    soundfile.write(path, samples, RATE, format="MP3", subtype="MPEG_LAYER_III", bitrate_mode=mode)


def main(folder):
    for layout in ("redux", "original", "original_wav", "baby"):
        slakh(folder / f"slakh_{layout}", layout)
    jamendo(folder / "jamendo")


def prepare_tags(corpus, root, out, settings=None, jobs=1, strict=False, listener=None, **config):
    """Prepare a tagging corpus of the registry; what is left over are fields of `TaggingConfig`."""
    source = find(corpus).corpus(**(settings or {}))
    return prepare_tagging(source, root, out, TaggingConfig(**config), jobs=jobs, strict=strict, listener=listener)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
