"""Which transforms of `mixing.channel` help on real recordings: a linear head on frozen features.

    python research/augmentation.py RECIPE WEIGHTS LABELS.csv CLIPS [--mixtures 2000] [--seeds 0 1]

For every setting the same mixtures (same seed, same draws) are made, embedded by the published AudioSet tagger
(WEIGHTS: mn04_as_mAP_432.pt), and a linear layer on top of what its own classifier says is fitted. Then the clips are
scored: as they are, and made worse in three ways. A mixture that a setting leaves alone is embedded once. LABELS.csv is
as for `labeled_clips.py`. Prints tables in Markdown after each seed; `--save` keeps scores and targets.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from labeled_clips import FEWEST, read_targets
from torch import nn

from organology import audio
from organology.evaluation.arrays import macro_mean
from organology.evaluation.bootstrap import interval, resampled
from organology.evaluation.metrics.ranking import areas, rank
from organology.labels import PRESENT, default_set
from organology.mixing import ChannelConfig, Mixer, MixingConfig, StemPool
from organology.mixing.channel.amplifier import Amplifier
from organology.mixing.channel.band import Band
from organology.mixing.channel.base import Player
from organology.mixing.channel.chain import apply_transforms, draw_channel
from organology.mixing.channel.codec import Codec
from organology.mixing.channel.compressor import Compressor
from organology.mixing.channel.equalizer import Equalizer
from organology.mixing.channel.loudness import Loudness
from organology.mixing.channel.microphone import Microphone
from organology.mixing.channel.noise import Noise
from organology.mixing.channel.room import Room
from organology.mixing.channel.saturation import Saturation
from organology.mixing.draw import MixturePlan, SourcePlan
from organology.mixing.recipe import load_recipe
from organology.mixing.seeds import Seed
from organology.model import AudioSetTagger

WINDOW, HOP, RATE = 128_000, 32_000, 32_000
BATCH, EPOCHS, RATE_OF_LEARNING, SOFT, ORDERS, RESAMPLES = 32, 10, 2e-3, 0.3, 3, 1000


def settings_to_compare(p: float) -> dict[str, ChannelConfig]:
    """Each group alone with probability `p`, and everything with the probabilities that the docs suggest."""
    return {
        "nothing": ChannelConfig(),
        "amplifiers": ChannelConfig(amp=Amplifier(p, p)),
        "rooms": ChannelConfig(room=Room(p)),
        "mastering": ChannelConfig(
            equalizer=Equalizer(p), compressor=Compressor(p), saturation=Saturation(p / 2)
        ),
        "microphones": ChannelConfig(microphone=Microphone(p)),
        "noise": ChannelConfig(noise=Noise(p)),
        "narrow channels": ChannelConfig(band=Band(p)),
        "loudness": ChannelConfig(loudness=Loudness(p)),
        "codecs": ChannelConfig(codec=Codec(p)),
        "everything": ChannelConfig(
            amp=Amplifier(0.3, 0.15), room=Room(0.3), equalizer=Equalizer(0.3), compressor=Compressor(0.3),
            saturation=Saturation(0.1), microphone=Microphone(0.15), noise=Noise(0.2), band=Band(0.08),
            loudness=Loudness(0.5), codec=Codec(0.2),
        ),
    }  # fmt: skip


CLIPS_MADE_WORSE = {
    "as they are": ChannelConfig(),
    "noisy room": ChannelConfig(room=Room(1, (0.4, 1.2), (-3, 3)), noise=Noise(1, (10, 20), ("hiss",))),
    "narrow": ChannelConfig(band=Band(1, ("resample", "telephone", "am"), (8000,))),
    "low bit rate": ChannelConfig(codec=Codec(1, ("mp3", "opus"), (16, 24))),
}


class _Mixer(Mixer):
    """Keeps the sources of the mixture that was made last, for the same mixture under other settings."""

    kept: tuple[int, dict[int, object]] = (-1, {})

    def render(self, plan: MixturePlan):
        if self.kept[0] != plan.index:
            self.kept = (plan.index, {})
        return super().render(plan)

    def _source(self, source: SourcePlan):
        if source.stem not in self.kept[1]:
            self.kept[1][source.stem] = super()._source(source)
        samples, gain_db = self.kept[1][source.stem]
        return samples.copy(), gain_db


class Embedder:
    """Windows, shape (n, samples) -> embeddings (n, 384) and logits of the labels (n, 15)."""

    def __init__(self, weights: Path) -> None:
        self.tagger = AudioSetTagger.from_published(weights)
        self.tagger.backbone.to(memory_format=torch.channels_last)

    def __call__(self, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A batch."""
        with torch.inference_mode():
            mel = self.tagger.frontend(torch.from_numpy(windows)).contiguous(memory_format=torch.channels_last)
            embedding = self.tagger.backbone(mel)
            return embedding.numpy(), self.tagger.to_labels(self.tagger.classifier(embedding)).numpy()


def embed_all(stream: Iterator[np.ndarray], embed: Embedder) -> tuple[np.ndarray, np.ndarray]:
    out, batch = [], []
    for window in stream:
        batch.append(window)
        if len(batch) == 16:
            out.append(embed(np.stack(batch)))
            batch = []
    if batch:
        out.append(embed(np.stack(batch)))
    return np.concatenate([e for e, _ in out]), np.concatenate([z for _, z in out])


def make_mixtures(
    recipe: Path, seed: int, count: int, settings: dict[str, ChannelConfig], embed: Embedder
) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Per setting embeddings, logits and labels of the same `count` mixtures."""
    loaded = load_recipe(recipe)
    config: MixingConfig = dataclasses.replace(loaded.mixing, channel=ChannelConfig(), stretch_variants=0)
    mixer = _Mixer(StemPool.load(loaded.corpora, "train", config), config, seed)
    planner = {name: dataclasses.replace(config, channel=channel) for name, channel in settings.items()}
    pools = {name: Mixer(mixer.pool, c, seed) for name, c in planner.items()}
    labels: dict[str, list[np.ndarray]] = {name: [] for name in settings}
    rows: dict[str, list[int]] = {name: [] for name in settings}
    made = 0

    def windows() -> Iterator[np.ndarray]:
        nonlocal made
        for index in range(count):
            seen: dict[str, tuple[int, np.ndarray]] = {}
            for name, pool in pools.items():
                plan = pool.plan(index)
                key = repr((plan.channel.mixture, plan.channel.sources if any(plan.channel.sources) else ()))
                if key not in seen:
                    mixture = mixer.render(plan)
                    seen[key] = (made, mixture.labels)
                    made += 1
                    yield mixture.audio
                rows[name].append(seen[key][0])
                labels[name].append(seen[key][1])

    embeddings, logits = embed_all(windows(), embed)
    return {name: (embeddings[rows[name]], logits[rows[name]], np.stack(labels[name])) for name in settings}


def clip_windows(samples: np.ndarray) -> np.ndarray:
    """Windows of 4 s every second, the last one flush with the end; a shorter clip is repeated."""
    if len(samples) < WINDOW:
        samples = np.tile(samples, WINDOW // max(len(samples), 1) + 1)[:WINDOW]
    starts = sorted({*range(0, len(samples) - WINDOW + 1, HOP), len(samples) - WINDOW})
    return np.stack([samples[start : start + WINDOW] for start in starts])


def make_worse(samples: np.ndarray, channel: ChannelConfig, number: int) -> np.ndarray:
    drawn = draw_channel(Seed((99, number)), channel, [Player(frozenset(), "")])
    return apply_transforms(samples, drawn.mixture, RATE, [samples])


def fit(embeddings: np.ndarray, logits: np.ndarray, labels: np.ndarray, order: int) -> nn.Module:
    """Linear layer on a layer norm, added to the scaled logits; decays toward its first state, with soft targets."""
    torch.manual_seed(order)
    e, z, y = (torch.from_numpy(a.astype(np.float32)) for a in (embeddings, logits, labels))
    head = nn.Sequential(nn.LayerNorm(e.shape[1]), nn.Linear(e.shape[1], y.shape[1]))
    head.register_parameter("scale", nn.Parameter(torch.ones(y.shape[1])))
    for parameter in head[1].parameters():
        nn.init.zeros_(parameter)
    first = [p.detach().clone() for p in head.parameters()]
    optimizer = torch.optim.Adam(head.parameters(), RATE_OF_LEARNING)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * (len(e) // BATCH))
    bce = nn.functional.binary_cross_entropy_with_logits
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(e)).split(BATCH)[: len(e) // BATCH]:
            out = head(e[rows]) + head.scale * z[rows]
            known = (y[rows] >= 0).float()
            hard = (bce(out, y[rows].clamp(min=0), reduction="none") * known).sum() / known.sum()
            loss = (1 - SOFT) * hard + SOFT * bce(out, torch.sigmoid(z[rows]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                for parameter, start in zip(head.parameters(), first, strict=True):
                    parameter.lerp_(start, optimizer.param_groups[0]["lr"])
            schedule.step()
    return head


def score(heads: list[nn.Module], embeddings: np.ndarray, logits: np.ndarray, clip_of: np.ndarray) -> np.ndarray:
    """Scores of the clips: mean over the orders of fitting (logits), then over the windows; shape (n_clips, 15)."""
    e, z = torch.from_numpy(embeddings), torch.from_numpy(logits)
    with torch.inference_mode():
        scores = torch.sigmoid(torch.stack([head(e) + head.scale * z for head in heads]).mean(0)).numpy()
    return default_set().raise_parents(np.stack([scores[clip_of == clip].mean(0) for clip in range(clip_of.max() + 1)]))


def macro(targets: np.ndarray, scores: np.ndarray, labels: list[int], weights: np.ndarray) -> np.ndarray:
    """Macro ROC-AUC and PR-AUC under rows of weights, the first row that of the whole; shape (n_weightings, 2)."""
    each = [areas(rank(targets[:, i], scores[:, i]), weights) for i in labels]
    values = [np.stack([pair[k] for pair in each], 1) for k in (0, 1)]
    return np.stack([macro_mean(of_labels, of_labels[0]) for of_labels in values], 1)


def compare(targets: np.ndarray, groups: list[str], scores: np.ndarray, base: np.ndarray) -> list[str]:
    """Cells: figures, and their differences from `base`; scores have shape (n_seeds, n_clips, 15)."""
    labels = [i for i in range(len(default_set())) if (targets[:, i] == PRESENT).sum() >= FEWEST]
    whole = np.ones((1, len(targets)))

    def statistic(weights: np.ndarray) -> dict[str, np.ndarray]:
        rows = np.concatenate([whole, weights])
        both = [np.mean([macro(targets, s, labels, rows)[1:] for s in of], 0) for of in (scores, base)]
        return {"difference": both[0] - both[1]}

    now, then = (np.mean([macro(targets, s, labels, whole)[0] for s in of], 0) for of in (scores, base))
    low, high = interval(resampled(statistic, groups, len(targets), RESAMPLES, 0)["difference"], 0.95)
    return [f"{now[k]:.4f} | {now[k] - then[k]:+.4f} [{low[k]:+.4f}, {high[k]:+.4f}]" for k in (0, 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("recipe", "weights", "labels", "folder"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--mixtures", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--probability", type=float, default=0.5, help="of a transform that is tried alone")
    parser.add_argument("--save", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with given.labels.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    targets, groups = read_targets(rows), [row.get("group", row["file"]) for row in rows]
    embed, settings = Embedder(given.weights), settings_to_compare(given.probability)
    clips = [audio.read_mono(given.folder / row["file"]) for row in rows]
    embedded = {}
    for name, channel in CLIPS_MADE_WORSE.items():
        windows = [clip_windows(make_worse(clip, channel, number)) for number, clip in enumerate(clips)]
        clip_of = np.repeat(np.arange(len(clips)), [len(w) for w in windows])
        embedded[name] = (*embed_all(iter(np.concatenate(windows)), embed), clip_of)
    print(f"clips embedded after {time.process_time():.0f} s of CPU", flush=True)
    scores: dict[tuple[str, str], list[np.ndarray]] = {}
    for seed in given.seeds:
        mixtures = make_mixtures(given.recipe, seed, given.mixtures, settings, embed)
        for setting, data in mixtures.items():
            heads = [fit(*data, order) for order in range(ORDERS)]
            for name, clip_data in embedded.items():
                scores.setdefault((setting, name), []).append(score(heads, *clip_data))
        print(f"\nseed {seed} after {time.process_time():.0f} s of CPU", flush=True)
        tell(scores, targets, groups)
        if given.save:
            arrays = {f"{setting}/{name}": np.stack(values) for (setting, name), values in scores.items()}
            np.savez(given.save, targets=targets, groups=groups, **arrays)


def tell(scores: dict[tuple[str, str], list[np.ndarray]], targets: np.ndarray, groups: list[str]) -> None:
    """Print a table for each kind of clips."""
    settings, kinds = (list(dict.fromkeys(key[k] for key in scores)) for k in (0, 1))
    for name in kinds:
        print(f"\nClips: {name}\n\n| treated | ROC-AUC | against nothing | PR-AUC | against nothing |")
        print("|---|---|---|---|---|")
        base = np.stack(scores["nothing", name])
        for setting in settings:
            cells = compare(targets, groups, np.stack(scores[setting, name]), base)
            print(f"| {setting} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
