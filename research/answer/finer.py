"""Finer names: what AudioSet's classes tell, what a head trained on mixtures tells, and both together.

    python research/answer/finer.py CHECKPOINT CLASSES.csv MIXTURES CLIPS.npz LABELS.csv INSTRUMENTS.csv
        [--published WEIGHTS.pt PUBLISHED_CLIPS.npz] [--head OUT.pt] [--chosen]

MIXTURES is a folder of `mixtures.py`, CLASSES.csv AudioSet's class_labels_indices.csv. A concept is present in a clip
that names it, unknown where it may sound, and absent where the list is complete or its family is known to be absent
("known"). As "solo" the demonstrations of orchestras and schools count as one instrument alone, so that a trumpet is
no trombone there.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from common import Cache, head_logits, load, read_truth
from concepts import _ROWS, CONCEPTS, LABEL_OF
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import nn

from organology.labels.bradl15 import FAMILY_OF, LABELS
from organology.model import AudioSetTagger
from organology.recognition.inference import SILENCE_DBFS

FAMILIES = {"double_bass": ("bowed_string", "plucked_string"), "bass": ("plucked_string", "bowed_string", "synth")}
FROM_LABELS = {
    "singing": "singer",
    "drum_kit": "drums",
    "violin": "violin",
    "electric_guitar": "electric_guitar",
    "piano": "piano",
    "acoustic_guitar": "acoustic_guitar",
    "electric_bass": "electric_bass",
    "bass": "electric_bass",
    "synthesizer": "synth",
}
"""Concepts whose score is that of a label (a bass: the electric one is what the model knows best)."""
OPENMIC = (
    *("accordion", "banjo", "bass", "cello", "clarinet", "cymbals", "drum_kit", "flute", "guitar", "mallet_percussion"),
    *("mandolin", "organ", "piano", "saxophone", "synthesizer", "trombone", "trumpet", "ukulele", "violin", "voice"),
)
DEMONSTRATIONS = ("cmne_", "merav_", "alvra_", "sasogu_")


def concept_truth(labels_csv: Path, instruments_csv: Path, solo: bool) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Files, targets (n, n_concepts + 1; the last is "voice") of 1, 0, -1, and recordings."""
    truth = read_truth(labels_csv)
    with instruments_csv.open(newline="", encoding="utf-8") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    targets = np.full((len(truth.files), len(CONCEPTS) + 1), -1, np.int8)
    for n, name in enumerate(truth.files):
        row = rows[name]
        sure, may = ({word for word in row[key].split("|") if word} for key in ("instruments", "possible"))
        for words in (sure, may):
            if words & {"acoustic_guitar", "electric_guitar"}:
                words.add("guitar")
            if words & {"electric_bass", "double_bass", "synth_bass"}:
                words.add("bass")
            if words & {"synth_bass"}:
                words.add("synthesizer")
        if "guitar" in sure:
            may |= {"acoustic_guitar", "electric_guitar"} - sure
        alone = solo and name.startswith(DEMONSTRATIONS) and bool(sure) and "jazz" not in name
        for j, concept in enumerate(CONCEPTS):
            families = FAMILIES.get(concept, (FAMILY_OF.get(LABEL_OF[concept], LABEL_OF[concept]),))
            absent = all(truth.targets[n, LABELS.index(family)] == 0 for family in families)
            own = truth.targets[n, LABELS.index(LABEL_OF[concept])]
            whole = concept in {
                "singing",
                "violin",
                "electric_guitar",
                "acoustic_guitar",
                "electric_bass",
                "piano",
                "synthesizer",
            }
            if concept in sure:
                targets[n, j] = 1
            elif concept in may:
                continue
            elif row["complete"] == "1" or absent or alone or (whole and own == 0):
                targets[n, j] = 0
    targets[:, -1] = truth.targets[:, LABELS.index("voice")]
    return truth.files, targets, truth.groups


class ZeroShotConcepts:
    """The highest logit of the AudioSet classes of each concept; -inf where it has none."""

    def __init__(self, classes_csv: Path) -> None:
        with classes_csv.open(newline="", encoding="utf-8") as file:
            place = {row["display_name"]: int(row["index"]) for row in csv.DictReader(file)}
        self.classes = [[place[word] for word in row["audioset"].split("|") if word] for row in _ROWS]

    @torch.no_grad()
    def __call__(self, classifier: nn.Module, embeddings: np.ndarray) -> np.ndarray:
        """(n, 384) -> (n, n_concepts)."""
        logits = classifier(torch.from_numpy(np.ascontiguousarray(embeddings, np.float32))).numpy()
        none = np.full(len(logits), -np.inf)
        return np.stack([logits[:, of].max(1) if of else none for of in self.classes], axis=1)


@dataclass(frozen=True)
class Training:
    """How the linear head is trained."""

    epochs: int = 30
    rate: float = 2e-3
    decay: float = 1e-3
    soft: float = 0.0
    frames: float = 0.5
    hidden: int = 0
    anchored: bool = True
    seed: int = 0


class Head(nn.Module):
    """Normed embedding -> logits; added to `scale` times what AudioSet says where it says something."""

    def __init__(self, n: int, hidden: int = 0, anchored: bool = True) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(384)
        self.body = nn.Sequential(nn.Linear(384, hidden), nn.Hardswish(), nn.Dropout(0.3)) if hidden else nn.Identity()
        self.linear = nn.Linear(hidden or 384, n)
        nn.init.zeros_(self.linear.weight)
        nn.init.constant_(self.linear.bias, -2.0)
        self.scale = nn.Parameter(torch.ones(n))
        self.anchored = anchored

    def forward(self, embeddings: torch.Tensor, anchor: torch.Tensor) -> torch.Tensor:
        """(n, 384), (n, n_concepts) -> (n, n_concepts)."""
        logits = self.linear(self.body(self.norm(embeddings)))
        return logits + self.scale * anchor if self.anchored else logits


def read_mixtures(folder: Path, backbone: str, what: str = "concepts") -> tuple[np.ndarray, np.ndarray]:
    """Maps (n, 13, 384) float16 and targets (n, 13, n_concepts)."""
    maps, targets = [], []
    for path in sorted(folder.glob("*-[0-9][0-9][0-9][0-9].npz")):
        with np.load(path) as data:
            maps.append(data[f"maps_{backbone}"])
            targets.append(data[what])
    return np.concatenate(maps), np.concatenate(targets)


def clip_targets(frames: np.ndarray) -> np.ndarray:
    """Of windows, from those of frames: present in 2 frames or more, absent if in none and unknown in none."""
    present, unknown = (frames == 1).sum(1) >= 2, (frames != 0).any(1)
    return np.where(present, 1, np.where(unknown, -1, 0)).astype(np.int8)


def examples(
    maps: np.ndarray, targets: np.ndarray, share: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings and targets: of whole windows, and for a share of them of three frames around one that is drawn."""
    whole = maps.astype(np.float32).mean(1)
    whole_targets = clip_targets(targets)
    if share == 0:
        return whole, whole_targets
    count = round(share * len(maps))
    rows, at = rng.choice(len(maps), count, replace=False), rng.integers(1, maps.shape[1] - 1, count)
    around = np.stack([maps[r, a - 1 : a + 2].astype(np.float32).mean(0) for r, a in zip(rows, at, strict=True)])
    same = np.stack([targets[r, a - 1 : a + 2] for r, a in zip(rows, at, strict=True)])
    of_frame = np.where((same == 1).all(1), 1, np.where((same == 0).all(1), 0, -1)).astype(np.int8)
    return np.concatenate([whole, around]), np.concatenate([whole_targets, of_frame])


def train(maps: np.ndarray, targets: np.ndarray, classifier: nn.Module, zero: ZeroShotConcepts, how: Training) -> Head:
    """A head on cached features."""
    rng = np.random.default_rng(how.seed)
    torch.manual_seed(how.seed)
    x, y = examples(maps, targets, how.frames, rng)
    anchor = np.nan_to_num(zero(classifier, x), neginf=0.0).astype(np.float32)
    has = np.array([bool(of) for of in zero.classes])
    inputs = torch.from_numpy(x), torch.from_numpy(anchor), torch.from_numpy(y)
    head = Head(targets.shape[2], how.hidden, how.anchored)
    with torch.no_grad():
        head.linear.bias[torch.from_numpy(has)] = 0.0 if how.anchored else -2.0
    optimizer = torch.optim.AdamW(head.parameters(), how.rate, weight_decay=how.decay)
    batch = 256
    steps = how.epochs * len(x) // batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, how.rate, total_steps=steps + 1)
    soft = torch.sigmoid(inputs[1])
    counts = (inputs[2] == 1).sum(0).clamp(min=1)
    weight = ((inputs[2] == 0).sum(0) / counts).clamp(1, 8).sqrt()
    masked_soft = torch.from_numpy(has)
    for step in range(steps):
        if step % (len(x) // batch) == 0:
            order = torch.randperm(len(x))
        part = order[(step % (len(x) // batch)) * batch :][:batch]
        e, a, t = (column[part] for column in inputs)
        logits = head(e, a)
        known = (t >= 0).float()
        loss = nn.functional.binary_cross_entropy_with_logits(
            logits, t.clamp(min=0).float(), pos_weight=weight, reduction="none"
        )
        value = (loss * known).sum() / known.sum()
        if how.soft:
            teach = nn.functional.binary_cross_entropy_with_logits(logits, soft[part], reduction="none")
            value = value + how.soft * teach[:, masked_soft].mean()
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
    return head.eval()


@torch.no_grad()
def head_scores(head: Head, embeddings: np.ndarray, anchor: np.ndarray) -> np.ndarray:
    """Logits (n, n_concepts)."""
    finite = np.nan_to_num(anchor, neginf=0.0).astype(np.float32)
    return head(torch.from_numpy(embeddings.astype(np.float32)), torch.from_numpy(finite)).numpy()


def per_file(cache: Cache, files: list[str], logits_of_windows: list[np.ndarray]) -> np.ndarray:
    """Means of logits over the windows that sound (clips are 10 s at most)."""
    rows = []
    for name in files:
        i = cache.files.index(name)
        sounds = cache.levels[i] >= SILENCE_DBFS
        rows.append(logits_of_windows[i][sounds if sounds.any() else slice(None)].mean(0))
    return np.array(rows)


def ranked(scores: np.ndarray, targets: np.ndarray, fewest: int = 5) -> dict[str, tuple[int, int, float, float]]:
    """Positives, negatives, ROC-AUC and average precision of each concept."""
    out = {}
    for j, name in enumerate((*CONCEPTS, "voice")):
        if j >= scores.shape[1]:
            continue
        known = targets[:, j] >= 0
        y, s = targets[known, j], scores[known, j]
        if y.sum() >= fewest and (1 - y).sum() >= fewest and np.isfinite(s).all():
            out[name] = (int(y.sum()), int((1 - y).sum()), roc_auc_score(y, s), average_precision_score(y, s))
    return out


def show(name: str, scores: np.ndarray, targets: np.ndarray, detail: bool = False) -> None:
    """Macro figures; by concept."""
    of = ranked(scores, targets)
    openmic = [of[c][3] for c in OPENMIC if c in of]
    both = np.array([row[2:] for row in of.values()])
    macro = f"AUC {both[:, 0].mean():.3f} mAP {both[:, 1].mean():.3f}"
    print(f"{name:48s} openmic {len(openmic)}: mAP {np.mean(openmic):.3f}   all {len(of)}: {macro}", flush=True)
    if detail:
        print("   " + " ".join(f"{c}:{row[3]:.2f}({row[0]}/{row[1]})" for c, row in of.items()))


def from_labels(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Concepts that the 15 labels know are theirs; logits (n, n_concepts [+ 1]) and (n, 15)."""
    out = scores.copy()
    for concept, label in FROM_LABELS.items():
        out[:, CONCEPTS.index(concept)] = labels[:, LABELS.index(label)]
    guitars = [out[:, CONCEPTS.index(name)] for name in ("electric_guitar", "acoustic_guitar")]
    out[:, CONCEPTS.index("guitar")] = np.maximum(*guitars)
    return out


def blended(trained: np.ndarray, zero: np.ndarray, share: float) -> np.ndarray:
    """`share` of the trained head's logits, the rest AudioSet's; the trained ones alone where AudioSet has none."""
    has = np.isfinite(zero)
    return np.where(has, share * trained + (1 - share) * np.where(has, zero, 0), trained)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("shipped", "classes", "mixtures", "clips", "labels", "instruments"):
        parser.add_argument(name, type=Path)
    parser.add_argument(
        "--published", nargs=2, type=Path, metavar=("WEIGHTS.pt", "CLIPS.npz"), help="the original backbone beside it"
    )
    parser.add_argument("--head", type=Path, help="write the chosen head here")
    parser.add_argument("--chosen", action="store_true", help="train the chosen variant alone")
    given = parser.parse_args()
    net, _ = load(given.shipped)
    zero = ZeroShotConcepts(given.classes)
    cache = Cache.read(given.clips)
    truths = [concept_truth(given.labels, given.instruments, solo) for solo in (False, True)]
    files = truths[0][0]
    labels = per_file(cache, files, [head_logits(net, maps.mean(1)) for maps in cache.maps])
    voice = labels[:, LABELS.index("voice")]

    def tell(name: str, scores: np.ndarray, detail: bool = False) -> None:
        for kind, (_, targets, _) in zip(("known", "solo"), truths, strict=True):
            show(f"{name} [{kind}]", np.column_stack([scores, voice]), targets, detail)

    if given.published:
        tagger, other = AudioSetTagger.from_published(given.published[0]), Cache.read(given.published[1])
        tell(
            "AudioSet classes, original backbone",
            per_file(other, files, [zero(tagger.classifier, m.mean(1)) for m in other.maps]),
            True,
        )
    anchors = [zero(net.head.classifier, maps.mean(1)) for maps in cache.maps]
    plain = per_file(cache, files, anchors)
    tell("AudioSet classes, fine-tuned backbone", plain, True)
    tell("and the 15 labels where they are the same", from_labels(plain, labels), True)
    if not given.mixtures.exists():
        return
    maps, targets = read_mixtures(given.mixtures, "shipped")
    print(f"{len(maps)} mixtures")
    variants = {
        "linear": Training(),
        "linear, soft targets 0.5": Training(soft=0.5),
        "linear, soft 0.5, no frames": Training(soft=0.5, frames=0),
        "hidden 128, soft 0.5": Training(soft=0.5, hidden=128, epochs=15),
        "not anchored, soft 0.5": Training(soft=0.5, anchored=False),
        "linear, soft 0.5, 10 epochs": Training(soft=0.5, epochs=10),
    }
    chosen = "linear, soft targets 0.5"
    for name, how in variants.items():
        if given.chosen and name != chosen:
            continue
        head = train(maps, targets, net.head.classifier, zero, how)
        of_windows = [head_scores(head, m.mean(1), a) for m, a in zip(cache.maps, anchors, strict=True)]
        trained = per_file(cache, files, of_windows)
        for share in (1.0, 0.7, 0.5, 0.3):
            mixed = blended(trained, plain, share)
            tell(f"{name}, share {share}", mixed, share == 0.5)
            tell(f"{name}, share {share}, labels", from_labels(mixed, labels))
        if given.head and name == chosen:
            torch.save(head.state_dict(), given.head)


if __name__ == "__main__":
    main()
