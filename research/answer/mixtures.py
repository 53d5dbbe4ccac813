"""Mixtures of stems with the concepts that sound in every frame, as features of one or more backbones.

    python research/answer/mixtures.py OUT --stems FOLDER [--stems FOLDER ...] --backbone NAME=CHECKPOINT [...]
        [--count 6000] [--seed 0]

FOLDER holds a stems.csv (recorded stems, `scripts/sample_notes.py`, `organology render`). OUT gets a file for each 200
mixtures, NUMBER.npz: `maps_NAME` float16 (200, 13, 384), `concepts` and `labels` int8 (200, 13, n): 1 sounds in that
frame, 0 not, -1 unknown. Files that are there already are kept, so that a run can be taken up again.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from concepts import CONCEPTS, Source, sources
from features import session
from layers import colored

from organology.labels.bradl15 import LABELS

RATE, SAMPLES, BATCH = 32_000, 128_000, 200
FRAMES, STEP = 13, 10_240
HEARD_DB, SOUNDS_DB, LEAST_DB = 20.0, 40.0, -65.0


def read(path: Path, rng: np.random.Generator, start: float | None) -> tuple[np.ndarray, float]:
    """4 s of a stem that sound, and where (seconds) they begin."""
    with soundfile.SoundFile(path) as file:
        need = round(SAMPLES / RATE * file.samplerate)
        best, place = np.zeros(SAMPLES, np.float32), 0.0
        for _ in range(1 if start is not None else 6):
            at = (
                round(start * file.samplerate) if start is not None else int(rng.uniform(0, max(1, file.frames - need)))
            )
            file.seek(min(at, file.frames))
            samples = file.read(need, dtype="float32", always_2d=True).mean(1)
            if file.samplerate != RATE:
                samples = soxr.resample(samples, file.samplerate, RATE, quality="MQ")
            samples = np.pad(samples[:SAMPLES], (0, max(0, SAMPLES - len(samples))))
            if np.square(samples).mean() >= np.square(best).mean():
                best, place = samples, at / file.samplerate
            if np.square(samples).mean() > 1e-5:
                break
    return best.astype(np.float32), place


def powers(samples: np.ndarray) -> np.ndarray:
    """Mean power around the frames of the maps, which lie 0.32 s apart from 0 on: (13,)."""
    padded = np.pad(samples.astype(np.float64), (STEP // 2, STEP // 2 + FRAMES * STEP - SAMPLES))
    return np.square(padded[: FRAMES * STEP]).reshape(FRAMES, STEP).mean(1)


def gated(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """With an entry, an exit or a pause in it."""
    begin, end = sorted(rng.uniform(0.2, 3.8, 2))
    ramp = round(rng.uniform(0.005, 0.06) * RATE)
    on = np.zeros(SAMPLES, np.float32)
    a, b = round(begin * RATE), round(end * RATE)
    kind = rng.integers(3)
    if kind == 0:
        on[a:] = 1
    elif kind == 1:
        on[:b] = 1
    elif b - a > RATE // 2:
        on[:] = 1
        on[a:b] = 0
    else:
        on[a:] = 1
    kernel = np.ones(ramp, np.float32) / ramp
    sums = np.cumsum(np.pad(on, (ramp, 0)))
    return samples * ((sums[ramp:] - sums[:-ramp]) * kernel[0])


class Drawing:
    """Draws mixtures: a concept first, then a stem that has it, so that rare ones are not starved."""

    def __init__(self, stems: list[Source]) -> None:
        self.stems = stems
        self.by_concept = {c: [i for i, s in enumerate(stems) if s.concepts[j] == 1] for j, c in enumerate(CONCEPTS)}
        self.by_concept = {c: found for c, found in self.by_concept.items() if found}
        self.by_song: dict[str, list[int]] = defaultdict(list)
        for i, stem in enumerate(stems):
            if stem.aligned:
                self.by_song[stem.song].append(i)
        self.others = [i for i, s in enumerate(stems) if not (s.concepts == 1).any()]

    def stem(self, rng: np.random.Generator) -> int:
        """One stem."""
        if self.others and rng.random() < 0.05:
            return int(rng.choice(self.others))
        names = list(self.by_concept)
        found = self.by_concept[names[rng.integers(len(names))]]
        weights = np.array([self.stems[i].weight for i in found])
        return int(rng.choice(found, p=weights / weights.sum()))

    def mixture(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Samples (128000,), concepts (13, n_concepts) and labels (13, 15)."""
        count = int(rng.choice([1, 2, 3, 4, 5], p=[0.35, 0.25, 0.2, 0.12, 0.08]))
        first = self.stem(rng)
        chosen, start = [first], None
        mates = [i for i in self.by_song.get(self.stems[first].song, []) if i != first]
        musical = count > 1 and len(mates) >= 1 and rng.random() < 0.6
        if musical:
            chosen += rng.permutation(mates)[: count - 1].tolist()
        else:
            chosen += [self.stem(rng) for _ in range(count - 1)]
        parts = []
        for position, i in enumerate(chosen):
            samples, place = read(self.stems[i].path, rng, start if musical and position else None)
            start = place
            power = np.square(samples).mean()
            if power < 1e-9:
                continue
            offset = rng.uniform(-5, 5) if musical else rng.uniform(-9, 5)
            samples = samples * np.float32(10 ** ((-26 + offset) / 20) / np.sqrt(power))
            if rng.random() < 0.35:
                samples = gated(samples, rng)
            parts.append((i, samples))
        total = np.sum([samples for _, samples in parts], axis=0) if parts else np.zeros(SAMPLES, np.float32)
        concepts, labels = self.truth(parts, total)
        if rng.random() < 0.5:
            total = colored(total, rng)
        if rng.random() < 0.25:
            total = total + rng.normal(0, 10 ** (rng.uniform(-75, -45) / 20), SAMPLES).astype(np.float32)
        total = total * np.float32(10 ** (rng.uniform(-8, 8) / 20))
        return (total / max(1.0, float(np.abs(total).max()))).astype(np.float32), concepts, labels

    def truth(self, parts: list[tuple[int, np.ndarray]], total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What sounds in each frame."""
        mixed = powers(total)
        out = []
        for kind, n in (("concepts", len(CONCEPTS)), ("labels", len(LABELS))):
            state = np.zeros((FRAMES, n), np.int8)
            unsure = np.zeros((FRAMES, n), bool)
            for i, samples in parts:
                power = powers(samples)
                sounds = (power > power.max() * 10 ** (-SOUNDS_DB / 10)) & (power > 10 ** (LEAST_DB / 10))
                heard = sounds & (power > mixed * 10 ** (-HEARD_DB / 10))
                of = getattr(self.stems[i], kind)
                state[np.ix_(heard, of == 1)] = 1
                unsure[np.ix_(sounds & ~heard, of == 1)] = True
                unsure[np.ix_(sounds, of == -1)] = True
            out.append(np.where(state == 1, 1, np.where(unsure, -1, 0)).astype(np.int8))
        return out[0], out[1]


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--stems", type=Path, action="append", required=True)
    parser.add_argument("--backbone", action="append", required=True, metavar="NAME=CHECKPOINT")
    parser.add_argument("--count", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    stems = [source for folder in given.stems for source in sources(folder) if source.path.exists()]
    drawing = Drawing(stems)
    counts = {concept: len(found) for concept, found in drawing.by_concept.items()}
    print(f"{len(stems)} stems; {counts}; without any concept: {len(drawing.others)}", flush=True)
    models = {name: session(Path(path)) for name, path in (entry.split("=", 1) for entry in given.backbone)}
    given.out.mkdir(parents=True, exist_ok=True)
    for number in range(given.count // BATCH):
        path = given.out / f"{given.seed}-{number:04d}.npz"
        if path.exists():
            continue
        columns: dict[str, list[np.ndarray]] = defaultdict(list)
        for index in range(BATCH):
            rng = np.random.default_rng([given.seed, number, index])
            samples, concepts, labels = drawing.mixture(rng)
            columns["concepts"].append(concepts)
            columns["labels"].append(labels)
            for name, model in models.items():
                columns[f"maps_{name}"].append(model.run(None, {"waveform": samples[None]})[0][0].astype(np.float16))
        temporary = path.with_suffix(".part.npz")
        np.savez(temporary, **{name: np.array(column) for name, column in columns.items()})
        temporary.rename(path)
        print(number, flush=True)


if __name__ == "__main__":
    main()
