"""Which level a network should hear music at: windows as they are, and brought to one root mean square.

    python research/levels.py CHECKPOINT RECIPE LABELS.csv CLIPS [--level -10 -20 …] [--corpus stems rendered …]

Scored on labeled clips, on the same clips 20 dB quieter, and on mixtures of held-out stems, as in `checkpoints.py`. The
network itself stays as it is. Prints tables in Markdown.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path

import torch
from checkpoints import clips, held_out, print_table, score

from organology.model import load_checkpoint

LEVELS = (-10.0, -15.0, -20.0, -25.0, -30.0, -35.0, -40.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("checkpoint", "recipe", "labels", "folder"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--level", type=float, nargs="+", default=LEVELS, help="in dB re full scale")
    parser.add_argument("--corpus", nargs="*", default=["stems", "rendered", "recorded"])
    parser.add_argument("--validation", type=int, default=1000, help="mixtures of each corpus to score on")
    given = parser.parse_args()
    torch.set_num_threads(1)
    network, _ = load_checkpoint(given.checkpoint)
    network.calibrate(None)
    levels = {"as it is": None, **{f"{level:g} dB": level for level in given.level}}
    recordings = clips(given.labels, given.folder)
    quiet = dataclasses.replace(recordings, name=f"{recordings.name}, 20 dB quieter", windows=recordings.windows / 10)
    for test in (recordings, quiet, *given.corpus):
        items = held_out(given.recipe, test, given.validation) if isinstance(test, str) else test
        scores = []
        for level in levels.values():
            network.set_level(level)
            scores.append(score(network, items))
        print_table(items, "level", list(levels), scores)
    print(f"\n{time.process_time():.0f} s of CPU")


if __name__ == "__main__":
    main()
