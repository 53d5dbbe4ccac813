"""Mixtures of 4 s in which sources come and go, and what sounds in each frame of them.

One to four layers; a layer is a stem, a row of stems with pauses between, or a piece of a recording without labels, of
which a model said, alone, what sounds in it: what it hears in a layer by itself it has to hear in the mixture too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

Array = NDArray[np.floating]

RATE, SAMPLES, FRAMES, FRAME_SECONDS = 32_000, 128_000, 13, 0.32
CELL = 640
"""Samples of a cell of 0.02 s, in which it is told whether a layer sounds."""
SOUNDS_DB, HEARD_DB, LEAST_POWER = 40.0, 25.0, 1e-7
CLOSED_CELLS = 15
"""Pauses up to 0.3 s count as sound."""
OFTEN = ("singer", "electric_guitar", "acoustic_guitar", "violin", "piano", "drums")
FAMILIES = ("voice", "percussion", "bowed_string", "plucked_string", "woodwind", "brass", "key", "synth")
FOLDER_SHARE = {"stems": 2.0, "recorded": 1.5, "sampled": 1.2}
"""Recorded stems are drawn more often than rendered ones (1)."""


def power(samples: Array) -> Array:
    """Mean power of every cell."""
    return np.square(samples.reshape(-1, CELL).astype(np.float64)).mean(1)


def leveled(samples: Array, rng: np.random.Generator) -> Array:
    """At a random level about -26 dBFS."""
    mean = np.square(samples).mean()
    if mean <= 1e-10:
        return samples * 0
    return samples * np.float32(10 ** ((-26 + rng.uniform(-6, 4)) / 20) / np.sqrt(mean + 1e-12))


def gate(rng: np.random.Generator) -> Array:
    """Ones with an entry, an exit, a pause or an island, or none of these: (SAMPLES,)."""
    on = np.zeros(SAMPLES, np.float32)
    kind = rng.random()
    if kind < 0.35:
        on[:] = 1
        return on
    first, second = int(rng.uniform(0.2, 3.8) * RATE), int(rng.uniform(0.2, 3.8) * RATE)
    begin, end = min(first, second), max(first, second)
    if kind < 0.55:
        on[begin:] = 1
    elif kind < 0.75:
        on[:end] = 1
    elif kind < 0.88:
        on[:] = 1
        on[begin:end] = 0
    else:
        on[begin:end] = 1
    width = int(rng.choice([1, 1, 160, 960, 2400]))
    if width > 1:
        sums = np.cumsum(np.pad(on, (width, 0)))
        on = ((sums[width:] - sums[:-width]) / width)[:SAMPLES]
    return on.astype(np.float32)


def row(rng: np.random.Generator) -> list[tuple[int, int]]:
    """Where the pieces of a layer lie: begin and end in samples."""
    kind = rng.random()
    if kind < 0.35:
        return [(0, SAMPLES)]
    parts = []
    place = int(rng.uniform(-3.5, 1.5) * RATE) if kind < 0.85 else int(rng.uniform(0, 3.5) * RATE)
    while place < SAMPLES:
        length = int(rng.uniform(1.0, 9.0) * RATE) if rng.random() < 0.75 else int(rng.uniform(0.5, 2) * RATE)
        begin, end = max(0, place), min(SAMPLES, place + length)
        if end - begin > 2000:
            parts.append((begin, end))
        place += length + int(rng.uniform(0.5, 6 if rng.random() < 0.5 else 2) * RATE)
    return parts


def colored(samples: Array, rng: np.random.Generator, decibels: float = 3.5) -> Array:
    """Behind a random equalizer, and now and then a low pass."""
    spectrum = np.fft.rfft(samples)
    octaves = np.log2(np.maximum(np.fft.rfftfreq(len(samples), 1 / RATE), 20) / 20)
    gain = np.interp(octaves, np.linspace(0, 9.7, 8), rng.normal(0, decibels, 8))
    if rng.random() < 0.25:
        gain = gain - 40 * np.clip((octaves - np.log2(rng.uniform(3500, 12000) / 20)) * 2, 0, 2)
    return np.fft.irfft(spectrum * 10 ** (gain / 20), len(samples)).astype(np.float32)


def room(samples: Array, rng: np.random.Generator) -> Array:
    """With a short decaying noise as its room."""
    n = int(rng.uniform(0.1, 0.8) * RATE)
    response = rng.normal(size=n) * 10 ** (-3 * np.arange(n) / n)
    response = response / np.sqrt(np.square(response).sum()) * 10 ** (rng.uniform(-14, -3) / 20)
    return (samples + fftconvolve(samples, response)[: len(samples)]).astype(np.float32)


def sounding(of_cells: Array) -> NDArray[np.bool_]:
    """Where a layer of this power sounds, short pauses closed."""
    on = of_cells > max(of_cells.max() * 10 ** (-SOUNDS_DB / 10), LEAST_POWER)
    change = np.diff(np.r_[1, on.astype(int), 1])
    for begin, end in zip(np.flatnonzero(change == -1), np.flatnonzero(change == 1), strict=True):
        if end - begin <= CLOSED_CELLS:
            on[begin:end] = True
    return on


def frames_of(cells: Array) -> Array:
    """(n_cells, n_labels) -> means over the 0.32 s around each frame, (FRAMES, n_labels)."""
    sums = np.concatenate([np.zeros((1, cells.shape[1])), np.cumsum(cells, axis=0)])
    centers, n = np.arange(FRAMES) * FRAME_SECONDS, len(cells)
    first = np.clip(np.round((centers - FRAME_SECONDS / 2) * RATE / CELL).astype(int), 0, n - 1)
    last = np.maximum(np.clip(np.round((centers + FRAME_SECONDS / 2) * RATE / CELL).astype(int), 1, n), first + 1)
    return (sums[last] - sums[first]) / (last - first)[:, None]


def sigmoid(logits: Array) -> Array:
    """Of cells of the teacher."""
    return 1 / (1 + np.exp(-logits))


class Layers:
    """Draws mixtures.

    Parameters
    ----------
    stems, recordings : path
        What `pack.py` wrote, without the suffix.
    share : float
        Of the mixtures in which recordings without labels sound.
    """

    def __init__(self, stems: Path, recordings: Path, share: float = 0.4) -> None:
        self.share = share
        table = np.load(stems.with_suffix(".npz"))
        self.samples = np.memmap(stems.with_suffix(".i16"), dtype="<i2", mode="r")
        self.start, self.length, self.labels = table["start"], table["length"], table["labels"]
        self.song, self.names = table["song"], table["names"].tolist()
        self.mates: dict[str, list[int]] = {}
        for i in np.flatnonzero(table["aligned"]).tolist():
            self.mates.setdefault(self.song[i], []).append(i)
        self.keys, self.pools = self._balanced(table["folder"], table["weight"])
        music = np.load(recordings.with_suffix(".npz"))
        self.music = np.memmap(recordings.with_suffix(".i16"), dtype="<i2", mode="r")
        self.music_start, self.music_length = music["start"], music["length"]
        self.said = np.split(music["cells"].astype(np.float32), np.cumsum(music["n_cells"])[:-1])

    def _balanced(self, folders: NDArray, weights: Array) -> tuple[list[str], dict[str, tuple[NDArray, Array]]]:
        """Labels to draw from, and the stems of each with the sums of their weights."""
        keys: list[str] = []
        pools: dict[str, tuple[NDArray, Array]] = {}
        for column, name in enumerate(self.names):
            found = np.flatnonzero(self.labels[:, column] == 1)
            if not len(found):
                continue
            share = np.zeros(len(found))
            for folder in np.unique(folders[found]):
                inside = folders[found] == folder
                of = weights[found][inside]
                share[inside] = of / of.sum() * FOLDER_SHARE.get(folder, 1.0) * min(1, inside.sum() / 8 + 0.2)
            keys += [name] * (3 if name in OFTEN else 2 if name in FAMILIES else 1)
            pools[name] = (found, np.cumsum(share / share.sum()))
        nothing = np.flatnonzero((self.labels == 1).sum(1) == 0)
        if len(nothing):
            keys.append("")
            pools[""] = (nothing, np.cumsum(np.ones(len(nothing)) / len(nothing)))
        return keys, pools

    def _stem(self, rng: np.random.Generator) -> int:
        found, sums = self.pools[self.keys[rng.integers(len(self.keys))]]
        return int(found[min(len(found) - 1, np.searchsorted(sums, rng.random()))])

    def _read(self, i: int, begin: int, n: int) -> Array:
        span = slice(self.start[i] + min(begin, self.length[i]), self.start[i] + min(self.length[i], begin + n))
        return self.samples[span].astype(np.float32) / 32767

    def _crop(self, i: int, rng: np.random.Generator, n: int) -> tuple[Array, int]:
        """The loudest of five places, or the first that sounds."""
        best, most, place = np.zeros(0, np.float32), -1.0, 0
        for _ in range(5):
            begin = int(rng.integers(0, max(1, self.length[i] - n + 1)))
            samples = self._read(i, begin, n)
            mean = float(np.square(samples).mean())
            if mean > most:
                best, most, place = samples, mean, begin
            if mean > 1e-4:
                break
        return np.pad(best, (0, n - len(best))), place

    def _music(self, rng: np.random.Generator) -> list[tuple[Array, None, Array]]:
        """A row of pieces of recordings, with the teacher's logits over the cells."""
        layers = []
        for begin, end in row(rng):
            i = int(rng.integers(len(self.music_start)))
            place = int(rng.integers(0, self.music_length[i] - (end - begin) + 1)) // 3200 * 3200
            samples, first = np.zeros(SAMPLES, np.float32), self.music_start[i] + place
            samples[begin:end] = self.music[first : first + end - begin].astype(np.float32) / 32767
            said = self.said[i]
            times = (np.arange(SAMPLES // CELL) * CELL + CELL / 2 - begin + place) / RATE / 0.1
            layers.append((leveled(samples, rng), None, said[np.clip(times.astype(int), 0, len(said) - 1)]))
        return layers

    def _layers(self, rng: np.random.Generator) -> list[tuple[Array, Array | None, Array | None]]:
        """Samples of each piece with its labels, or with the teacher's logits."""
        layers: list[tuple[Array, Array | None, Array | None]] = []
        with_music = rng.random() < self.share
        count, musical, first = int(rng.choice([1, 2, 3, 4], p=[0.35, 0.33, 0.24, 0.08])), rng.random() < 0.3, None
        for number in range(count):
            music = with_music and (number == 0 or rng.random() < 0.35)
            if musical and not music and first is not None:
                mates = [j for j in self.mates.get(self.song[first[0]], []) if j != first[0]]
                if mates:
                    mate = int(rng.choice(mates))
                    samples = self._read(mate, first[1], SAMPLES)
                    samples = np.pad(samples, (0, SAMPLES - len(samples)))
                    if np.square(samples).mean() > 1e-7:
                        layers.append((leveled(samples, rng) * gate(rng), self.labels[mate], None))
                        continue
            if music:
                layers += self._music(rng)
                continue
            for begin, end in row(rng):
                stem = self._stem(rng)
                piece, place = self._crop(stem, rng, end - begin)
                samples = np.zeros(SAMPLES, np.float32)
                samples[begin:end] = piece
                whole = begin == 0 and end == SAMPLES
                if whole:
                    first = (stem, place)
                samples = leveled(samples, rng)
                if whole and rng.random() < 0.5:
                    samples = samples * gate(rng)
                layers.append((samples, self.labels[stem], None))
        return layers

    def draw(self, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        """Samples (SAMPLES,), what sounds (FRAMES, n_labels; 0 ... 1) and where that is known (0 or 1)."""
        layers = self._layers(rng)
        layers = [
            (room(x, rng) if rng.random() < 0.15 else x, h, s) for x, h, s in layers if np.square(x).mean() > 1e-12
        ]
        if not layers:
            samples = rng.normal(0, 10 ** (rng.uniform(-75, -50) / 20), SAMPLES).astype(np.float32)
            nothing = np.zeros((FRAMES, len(self.names)))
            return samples, nothing, nothing + 1
        if rng.random() < 0.4:
            layers = [(colored(x, rng, 2.5), h, s) for x, h, s in layers]
        mixture = np.sum([x for x, _, _ in layers], axis=0)
        sounds, known = self._truth(layers, power(mixture))
        if rng.random() < 0.4:
            mixture = colored(mixture, rng)
        if rng.random() < 0.25:
            mixture = mixture + rng.normal(0, 10 ** (rng.uniform(-75, -45) / 20), SAMPLES).astype(np.float32)
        mixture = mixture * np.float32(10 ** (rng.uniform(-8, 8) / 20))
        return (mixture / max(1, np.abs(mixture).max())).astype(np.float32), sounds, known.astype(float)

    def _truth(self, layers: list, of_mixture: Array) -> tuple[Array, NDArray[np.bool_]]:
        """What sounds in each frame, and where that is known."""
        shape = (SAMPLES // CELL, len(self.names))
        absent, unknown = np.ones(shape), np.zeros(shape, bool)
        for samples, labels, said in layers:
            of_layer = power(samples)
            on = sounding(of_layer)
            heard = on & (of_layer > of_mixture * 10 ** (-HEARD_DB / 10))
            faint = on & ~heard
            if labels is not None:
                absent[np.ix_(heard, labels == 1)] = 0
                unknown[np.ix_(faint, labels == 1)] = True
                unknown[np.ix_(on, labels == -1)] = True
                continue
            frames, best = sigmoid(said[:, 0]), sigmoid(said[:, 1])
            absent *= 1 - np.minimum(frames, np.sqrt(frames * best)) * heard[:, None]
            unknown[faint] |= sigmoid(said[faint, 0]) > 0.2
        sounds = frames_of(1 - absent)
        return sounds, (frames_of(unknown.astype(float)) <= 0) | (sounds > 0.99)
