"""How many mixtures a second one core makes, for some settings.

    python benchmarks/mixing.py                                  # a synthetic corpus, made in a temporary folder
    python benchmarks/mixing.py prepared/medleydb --split train
    python benchmarks/mixing.py --recipe paper      # its corpora and its settings
    python benchmarks/mixing.py --channel                        # each transform of `mixing.channel` alone

Counted in CPU time of one process, so that other work on the machine disturbs little; memory bandwidth and clock are
shared all the same.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from rich.console import Console
from rich.table import Table

from organology.corpora.table import row, write_table
from organology.errors import OrganologyError
from organology.labels import default_set
from organology.mixing import TRANSFORMS, ChannelConfig, EffectsConfig, Mixer, MixingConfig, StemPool
from organology.mixing.channel.amplifier import Amplifier
from organology.mixing.channel.base import Player
from organology.mixing.channel.chain import apply_transforms, draw_channel
from organology.mixing.reading import ChunkReader
from organology.mixing.recipe import load_recipe
from organology.mixing.seeds import Seed

RATE = 32_000


def synthetic_corpus(folder: Path, songs: int = 8, seconds: int = 60) -> Path:
    """Songs of decaying harmonic tones over a little noise: as hard for FLAC as music is, and as long."""
    rng = np.random.default_rng(0)
    label_set = default_set()
    rows = []
    for song in range(songs):
        for instrument in label_set.parents:
            path = folder / "audio" / f"song{song}" / f"{instrument}.flac"
            path.parent.mkdir(parents=True, exist_ok=True)
            time_ = np.arange(RATE // 2) / RATE
            notes = [
                sum(np.sin(2 * np.pi * hertz * k * time_) / k for k in range(1, 8)) * np.exp(-4 * time_)
                for hertz in rng.uniform(80, 800, 2 * seconds)
            ]
            samples = 0.1 * np.concatenate(notes) + 0.002 * rng.standard_normal(seconds * RATE)
            soundfile.write(path, samples, RATE, "PCM_16")
            rows.append(
                row(
                    corpus="synthetic",
                    song=f"song{song}",
                    stem=instrument,
                    path=path.relative_to(folder).as_posix(),
                    split="train",
                    frames=len(samples),
                    active=[(0, len(samples))],
                    labels=label_set.encode_labels([instrument]),
                    aligned=True,
                )
            )
    write_table(rows, folder)
    return folder


def cases(config: MixingConfig) -> dict[str, MixingConfig]:
    """The settings to compare, by name."""
    off = EffectsConfig.none()
    in_place = config.effects.replace(pitch_shift=off.pitch_shift, time_stretch=off.time_stretch)
    change = dataclasses.replace
    return {
        "as configured": config,
        "as configured, stems in memory": change(config, cache_megabytes=2000),
        "the same, 4 stretch variants": change(config, cache_megabytes=2000, stretch_variants=4),
        "no pitch shift, no time stretch": change(config, effects=in_place),
        "no effects": change(config, effects=off),
        "musical only": change(config, p_musical=1.0),
        "musical only, no effects": change(config, p_musical=1.0, effects=off),
        "non-musical only": change(config, p_musical=0.0),
        "non-musical only, no effects": change(config, p_musical=0.0, effects=off),
    }


def measure(mixer: Mixer, seconds: float) -> tuple[float, float, float]:
    """CPU time a mixture, CPU time a plan (both in ms), and sources a mixture."""
    for index in range(40 if not mixer.config.cache_megabytes else 400):  # imports, open files, cache
        mixer.mix(index)
    start, count, sources = time.process_time(), 0, 0
    while (spent := time.process_time() - start) < seconds:
        sources += len(mixer.mix(10_000 + count).sources)
        count += 1
    start = time.process_time()
    for index in range(200):
        mixer.plan(index)
    return spent / count * 1e3, (time.process_time() - start) / 200 * 1e3, sources / count


def reading(folder: Path, count: int = 150) -> dict[str, float]:
    """CPU time of reading 4 s from anywhere in a file of a minute, in ms, by kind of file."""
    rng = np.random.default_rng(0)
    time_ = np.arange(60 * RATE) / RATE
    samples = 0.1 * np.sin(2 * np.pi * 220 * time_) * np.exp(-3 * (time_ % 1)) + 0.002 * rng.standard_normal(len(time_))
    found = {}
    for name, subtype in {"16-bit FLAC": "PCM_16", "16-bit WAV": "PCM_16", "24-bit WAV": "PCM_24"}.items():
        path = folder / f"{name}.{name[-4:].strip().lower()}"
        soundfile.write(path, samples, RATE, subtype)
        reader = ChunkReader(RATE)
        reader.read(path, 0, 10)
        starts = rng.integers(0, 55 * RATE, count)
        begun = time.process_time()
        for start in starts:
            reader.read(path, int(start), 4 * RATE)
        found[name] = (time.process_time() - begun) / count * 1e3
    return found


def measure_channel(mixer: Mixer, count: int = 24) -> dict[str, float]:
    """CPU time of each transform of `mixing.channel` on its own, in ms a mixture (amp: a source)."""
    mixtures = [mixer.mix(index).audio for index in range(count)]
    guitar, spent = Player(frozenset({"electric_guitar"}), ""), {}
    for name, kind in TRANSFORMS.items():
        config = ChannelConfig(**{name: Amplifier(1.0, 1.0) if kind is Amplifier else kind(probability=1.0)})
        for index, samples in enumerate([*mixtures[:3], *mixtures]):
            if index == 3:  # imports and delays of codecs are behind
                start = time.process_time()
            drawn = draw_channel(Seed((index,)), config, [guitar])
            apply_transforms(samples, drawn.of_source(0) + drawn.mixture, mixer.config.sample_rate, [samples])
        spent[name] = (time.process_time() - start) / count * 1e3
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", nargs="*", type=Path, help="prepared corpora (default: a synthetic one)")
    parser.add_argument("--recipe", type=Path)
    parser.add_argument("--split", default="train")
    parser.add_argument("--seconds", type=float, default=5.0, help="CPU time for each setting")
    parser.add_argument("--channel", action="store_true", help="the transforms of mixing.channel instead")
    arguments = parser.parse_args()
    recipe = load_recipe(arguments.recipe) if arguments.recipe else None
    config = recipe.mixing if recipe else MixingConfig()
    corpora = arguments.corpora or (recipe.corpora if recipe else ())
    with tempfile.TemporaryDirectory() as temporary:
        folders = list(corpora) or [synthetic_corpus(Path(temporary))]
        if arguments.channel:
            for name, spent in measure_channel(Mixer(StemPool.load(folders, arguments.split, config), config)).items():
                print(f"{name:12} {spent:6.1f} ms")
            return
        table = Table(title=f"{', '.join(map(str, corpora)) or 'synthetic corpus'}, {arguments.split}")
        table.add_column("setting", no_wrap=True)
        for heading in ("mixtures/s a core", "ms a mixture", "of it plan", "sources a mixture"):
            table.add_column(heading, justify="right")
        for name, case in cases(config).items():
            mixer = Mixer(StemPool.load(folders, arguments.split, case), case, seed=1)
            total, plan, sources = measure(mixer, arguments.seconds)
            table.add_row(name, f"{1000 / total:.1f}", f"{total:.2f}", f"{plan:.2f}", f"{sources:.2f}")
        Console().print(table)
        for name, milliseconds in reading(Path(temporary)).items():
            print(f"reading 4 s of {name}: {milliseconds:.2f} ms")


if __name__ == "__main__":
    try:
        main()
    except OrganologyError as error:
        raise SystemExit(f"error: {error}") from error
