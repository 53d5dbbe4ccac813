"""What the additions to the paper's mixing change: the audibility rule, the guard against peaks, where chunks begin.

    python benchmarks/mixing_switches.py prepared/stems prepared/starter [--split train] [--mixtures 1000] [--seed 0]

Each mixture is made once, with both switches on, and looked at: whether the plain union of its sources' labels would be
another vector, whether the guard scaled it down. Chunks are those of non-musical sources of stems longer than a chunk.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from organology.labels import PRESENT, UNKNOWN
from organology.mixing import Mixer, MixingConfig, StemPool


def main() -> None:
    """Print a table, a row a strategy, and where chunks begin."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", nargs="+", type=Path)
    parser.add_argument("--split", default="train")
    parser.add_argument("--mixtures", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    config = MixingConfig()
    pool = StemPool.load(given.corpora, given.split, config)
    rows = measure(Mixer(pool, config, given.seed), given.mixtures)
    print("| strategy | mixtures | guard acts | by, median | other labels | a label less | a label unknown |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for strategy in ("musical", "non-musical"):
        part = [row for row in rows if row[0] == strategy]
        gains = np.array([row[1] for row in part])
        acts = gains[gains < 0]
        shares = [np.mean([row[i] for row in part]) for i in (2, 3, 4)]
        by = f"{np.median(acts):.1f} dB" if len(acts) else "-"
        cells = [f"{100 * len(acts) / len(part):.0f} %", by, *(f"{100 * share:.0f} %" for share in shares)]
        print(f"| {strategy} | {len(part)} | {' | '.join(cells)} |")
    starts = np.concatenate([row[5] for row in rows])
    first, last = (f"{100 * np.mean(part):.0f} %" for part in (starts < 0.1, starts > 0.9))
    print(f"\n{len(starts)} chunks: {100 * np.mean(starts == 0):.1f} % begin at the stem's beginning,")
    print(f"{first} in the first tenth of all places, {last} in the last")


def measure(mixer: Mixer, n_mixtures: int) -> list[tuple[str, float, bool, bool, bool, np.ndarray]]:
    """A row a mixture: strategy, gain of the guard in dB, whether labels are others than the plain union of those of
    its sources, whether one is absent, unknown instead of present, and the chunks' places in their stems, 0 to 1.
    """
    rows = []
    frames = mixer.config.chunk_frames
    for index in range(n_mixtures):
        plan = mixer.plan(index)
        mixture = mixer.render(plan)
        union = mixer.pool.label_set.union(mixer.pool.labels[[source.stem for source in plan.sources]])
        changed = union != mixture.labels
        less = changed & (union == PRESENT) & (mixture.labels == 0)
        unsure = changed & (union == PRESENT) & (mixture.labels == UNKNOWN)
        places = [
            source.start / (mixer.pool.stems[source.stem].frames - source.frames)
            for source in plan.sources
            if plan.strategy == "non-musical" and mixer.pool.stems[source.stem].frames > source.frames + frames
        ]
        row = (mixture.gain_db, bool(changed.any()), bool(less.any()), bool(unsure.any()), np.array(places))
        rows.append((plan.strategy, *row))
    return rows


if __name__ == "__main__":
    main()
