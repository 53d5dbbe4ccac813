"""A tiny prepared corpus and a recipe for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile as sf
import yaml

from organology.corpora.table import row, write_table
from organology.corpora.tagging.table import write_tracks
from organology.labels.bradl15 import BRADL15

RATE = 32_000
SECONDS = 5
TAGS = ("genre---low", "genre---high", "mood/theme---noisy")
VOICES = {"piano": "piano", "drums": "drums", "bass": "electric_bass"}


def sound(voice: str, song: int) -> np.ndarray:
    """Five seconds that tell the three voices apart by ear and by spectrum."""
    rng = np.random.default_rng([song, len(voice)])
    t = np.arange(SECONDS * RATE) / RATE
    if voice == "drums":
        return 0.3 * rng.standard_normal(len(t)) * np.exp(-20 * (t % 0.5))
    pitch = {"piano": 440, "bass": 60}[voice] * 2 ** (song / 12)
    tone = sum(np.sin(2 * np.pi * pitch * k * t) / k for k in (1, 2, 3))
    return 0.2 * tone * np.exp(-3 * (t % 1))


def make_corpus(folder: Path, songs_per_split: int = 2) -> Path:
    """Songs of piano, drums and bass; the drums are missing from every other one, the bass from the rest."""
    rows = []
    for number in range(3 * songs_per_split):
        split = ("train", "validation", "test")[number % 3]
        song = f"song {number}"
        for voice, label in VOICES.items():
            if voice == ("drums", "bass")[number // 3 % 2]:
                continue
            path = f"audio/{number}/{voice}.flac"
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            sf.write(folder / path, sound(voice, number).astype(np.float32), RATE, subtype="PCM_16")
            labels = BRADL15.encode_labels([label], unknown=["synth"] if number == 0 else [])
            rows.append(
                row(corpus="tiny", song=song, stem=voice, path=path, split=split, frames=SECONDS * RATE,
                    active=[(0, SECONDS * RATE)], labels=labels, kind="rendered", aligned=True,
                    licence="CC0-1.0", word=voice)
            )  # fmt: skip
    write_table(rows, folder)
    return folder


def write_recipe(path: Path, corpus: Path, **training: object) -> Path:
    """A recipe of seconds: four blocks of few channels, chunks of a second, a few batches."""
    values = {
        "name": "tiny",
        "corpora": [str(corpus)],
        "seed": 3,
        "mixing": {
            "chunk_seconds": 1.1,
            "effects": {"pitch_shift": {"probability": 0}, "time_stretch": {"probability": 0}},
        },
        "model": {"channels": [4, 6, 8, 8, 8, 8, 8]},
        "training": {
            "transfer": "scratch", "epochs": 2, "batches_per_epoch": 3, "batch_size": 4, "validation_mixtures": 8,
            "workers": 0, "device": "cpu", **training,
        },
    }  # fmt: skip
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


def make_tagging_corpus(folder: Path, tracks_per_split: int = 8, tags: tuple[str, ...] = TAGS) -> Path:
    """Tones of two octaves, every third one in noise, each with its tags."""
    rows = []
    for number in range(3 * tracks_per_split):
        kind, rng = number // 3, np.random.default_rng(number)
        high, noisy = kind % 2, kind % 3 == 0
        t = np.arange(3 * RATE) / RATE
        sound = 0.2 * np.sin(2 * np.pi * (3000 if high else 150) * (1 + 0.02 * kind) * t)
        sound += (0.1 if noisy else 0.001) * rng.standard_normal(len(t))
        path = f"audio/{number}.flac"
        (folder / "audio").mkdir(parents=True, exist_ok=True)
        sf.write(folder / path, sound.astype(np.float32), RATE, subtype="PCM_16")
        rows.append(
            {"corpus": "tones", "track": f"track_{number:03}", "artist": f"a{number}", "album": "", "path": path,
             "split": ("train", "validation", "test")[number % 3], "frames": len(t), "licence": "CC0-1.0",
             "tags": [tags[high], *([tags[2]] if noisy else [])]}
        )  # fmt: skip
    write_tracks(rows, folder, "tones", tags)
    return folder
