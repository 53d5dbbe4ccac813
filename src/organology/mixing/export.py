"""Mixtures written to a folder, to listen to, with their labels and sources."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from organology.atomic import written_whole
from organology.audio.writing import write_sound
from organology.mixing.mixer import Mixer, Mixture

AudioFormat = Literal["wav", "flac"]
_SUBTYPE = {"wav": "FLOAT", "flac": "PCM_24"}


def write_mixtures(mixer: Mixer, count: int, folder: Path, audio_format: AudioFormat = "wav") -> Iterator[Mixture]:
    """Write mixtures 0 to `count` - 1 as they are iterated over; the two tables when the last is done.

    ```
    FOLDER/
    ├── mixture-0000.wav   float samples (FLAC: 24 bit)
    ├── mixtures.csv       file, strategy and the labels: 1 present, 0 absent, -1 unknown
    └── sources.json      per mixture seed, index, songs, the transforms of its channel, and per
                          source stem, position, effects, audibility, transforms
    ```

    Parameters
    ----------
    mixer : Mixer
    count : int
    folder : Path
        Made if it is not there.
    audio_format : {"wav", "flac"}

    Yields
    ------
    Mixture
        Each after its file has been written.
    """
    rows: list[list[Any]] = []
    details: list[dict[str, Any]] = []
    for index in range(count):
        mixture = mixer.mix(index)
        name = f"mixture-{index:04d}.{audio_format}"
        write_sound(folder / name, mixture.audio, mixer.config.sample_rate, _SUBTYPE[audio_format])
        rows.append([name, mixture.strategy, *mixture.labels.tolist()])
        details.append({"file": name, **describe(mixture)})
        yield mixture
    with written_whole(folder / "mixtures.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", "strategy", *mixer.pool.label_set.labels])
        writer.writerows(rows)
    with written_whole(folder / "sources.json") as temporary:
        temporary.write_text(
            json.dumps(details, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
        )


def describe(mixture: Mixture) -> dict[str, Any]:
    """A mixture but for its audio and labels, as plain values for JSON."""
    return {
        "seed": mixture.seed,
        "index": mixture.index,
        "strategy": mixture.strategy,
        "songs": list(mixture.songs),
        "gain_db": mixture.gain_db,
        "channel": [dataclasses.asdict(applied) for applied in mixture.channel],
        "sources": [dataclasses.asdict(source) for source in mixture.sources],
    }
