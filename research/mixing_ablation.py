"""Which corpora and which settings of mixing help on real recordings: a linear head on frozen features for each.

    python research/mixing_ablation.py research/mixing_ablation.yaml WEIGHTS LABELS.csv CLIPS [--mixtures 1500]

ABLATION.yaml names a recipe (`base`) and settings that change it. For each setting as many mixtures are made, embedded
by the published AudioSet tagger (WEIGHTS: mn04_as_mAP_432.pt), and a linear layer on top of what its own classifier
says is fitted, as in `augmentation.py`. It is scored on labeled clips (LABELS.csv is as for `labeled_clips.py`) and on
mixtures of the validation split of the base recipe's first corpus. Prints tables in Markdown after each seed.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from augmentation import ORDERS, Embedder, clip_windows, compare, embed_all, fit, score
from labeled_clips import read_targets
from pydantic import TypeAdapter

from organology import audio
from organology.mixing import Mixer, MixingConfig, StemPool
from organology.mixing.recipe import MixRecipe, load_recipe

VALIDATION_SEED = 77


def changed(base: MixRecipe, folder: Path, change: dict[str, Any]) -> MixRecipe:
    """The base recipe with corpora added or dropped and settings of mixing replaced; weights of corpora are merged."""
    change = dict(change)
    add, drop = ([(folder / name).resolve() for name in change.pop(key, [])] for key in ("add", "drop"))
    corpora = [corpus for corpus in base.corpora if corpus.resolve() not in drop]
    weights = base.mixing.corpus_weights | change.pop("corpus_weights", {})
    if drop:
        weights = {name: weight for name, weight in weights.items() if name in {corpus.name for corpus in corpora}}
    settings = TypeAdapter(MixingConfig).validate_python(
        dataclasses.asdict(base.mixing) | change | {"corpus_weights": weights}
    )
    return MixRecipe((*corpora, *add), settings)


def mixtures(recipe: MixRecipe, split: str, seed: int, count: int, embed: Embedder) -> tuple[np.ndarray, ...]:
    """Embeddings, logits and labels of `count` mixtures."""
    mixer = Mixer(StemPool.load(recipe.corpora, split, recipe.mixing), recipe.mixing, seed)
    labels: list[np.ndarray] = []

    def windows() -> Iterator[np.ndarray]:
        for index in range(count):
            mixture = mixer.render(mixer.plan(index))
            labels.append(mixture.labels)
            yield mixture.audio

    embeddings, logits = embed_all(windows(), embed)
    return embeddings, logits, np.stack(labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("ablation", "weights", "labels", "folder"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--mixtures", type=int, default=1500)
    parser.add_argument("--validation", type=int, default=1000, help="mixtures of recorded stems to score on")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--variants", type=int, default=0, help="stretch variants: quicker mixtures, less varied")
    given = parser.parse_args()
    plan = yaml.safe_load(given.ablation.read_text("utf-8"))
    folder = given.ablation.parent
    base = load_recipe(plan["base"])
    base = dataclasses.replace(
        base, mixing=dataclasses.replace(base.mixing, stretch_variants=given.variants, cache_megabytes=2000)
    )
    embed = Embedder(given.weights)
    with given.labels.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    windows = [clip_windows(audio.read_mono(given.folder / row["file"])) for row in rows]
    clip_of = np.repeat(np.arange(len(windows)), [len(w) for w in windows])
    groups = [row.get("group", row["file"]) for row in rows]
    recorded = dataclasses.replace(base, corpora=base.corpora[:1])
    recorded = changed(recorded, folder, {"corpus_weights": {}, "p_musical": 0.2, "sources_max": 4, "effects": {}})
    recorded = dataclasses.replace(recorded, mixing=dataclasses.replace(recorded.mixing, corpus_weights={}))
    *heard, truth = mixtures(recorded, "validation", VALIDATION_SEED, given.validation, embed)
    tests = {
        "clips": (read_targets(rows), groups, (*embed_all(iter(np.concatenate(windows)), embed), clip_of)),
        "recorded stems": (truth, [str(i) for i in range(len(truth))], (*heard, np.arange(len(truth)))),
    }
    print(f"clips and validation mixtures embedded after {time.process_time():.0f} s of CPU", flush=True)
    scores: dict[tuple[str, str], list[np.ndarray]] = {}
    for seed in given.seeds:
        for setting, change in plan["settings"].items():
            made = mixtures(changed(base, folder, change), "train", seed, given.mixtures, embed)
            heads = [fit(*made, order) for order in range(ORDERS)]
            for test, (_, _, data) in tests.items():
                scores.setdefault((setting, test), []).append(score(heads, *data))
            print(f"seed {seed}, {setting}: {time.process_time():.0f} s of CPU", flush=True)
        for test, (targets, of, _) in tests.items():
            print(f"\nSeeds so far: {len(scores[next(iter(plan['settings'])), test])}. Scored on: {test}\n")
            print("| setting | ROC-AUC | against the first | PR-AUC | against the first |\n|---|---|---|---|---|")
            first = np.stack(scores[next(iter(plan["settings"])), test])
            for setting in plan["settings"]:
                cells = compare(targets, of, np.stack(scores[setting, test]), first)
                print(f"| {setting} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
