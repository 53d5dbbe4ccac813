"""What a music tagger knows, put into the output layer of a finished network.

The tagger learned its tags from real music; the network hears enough to say most of what it says, with another output
layer. That layer is found by ridge regression on recordings without labels and mixed into the network's own: nothing
else of it changes, and it is no slower than before.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from sklearn.linear_model import RidgeCV
from torch import Tensor

from organology.corpora.tagging import ChunkConfig, TaggedChunks, TaggingPool
from organology.errors import ConfigError
from organology.model import InstrumentNet, load_checkpoint
from organology.model_metadata import ModelMetadata
from organology.training.distillation.pseudo_labels import RECORDING_FLOOR_DB, match_spread
from organology.training.distillation.teacher import Tags, TagTeacher
from organology.training.provenance import describe_tagging

PENALTIES = (10.0, 100.0, 1000.0, 10_000.0)
"""Of the regression; leave-one-out errors choose."""

BATCH_SIZE = 16


@dataclasses.dataclass(frozen=True)
class _Heard:
    """What both say of chunks: features (n, size), logits of the network and of the tagger (n, n_labels)."""

    features: NDArray[np.float64]
    own: NDArray[np.float64]
    tagger: NDArray[np.float64]


def distill(
    folder: str | os.PathLike[str],
    recordings: Sequence[Path],
    tagger: str | os.PathLike[str],
    share: float = 0.35,
    labels: Sequence[str] = (),
    n_chunks: int = 6000,
    seed: int = 0,
    tags: Tags = "mtg-jamendo",
    console: Console | None = None,
) -> tuple[InstrumentNet, ModelMetadata]:
    """Mix into a network's output layer one that says what a music tagger says.

    The tagger's logits are first brought to the mean and the spread of the network's own, label by label, so that its
    say moves the order of recordings, not how often a label is present. ("Distilling the knowledge in a neural
    network", Hinton et al., 2015, by least squares.)

    Parameters
    ----------
    folder : path
        Checkpoint.
    recordings : sequence of path
        Prepared tagging corpora; their tags are not looked at. Chunks of the training split are learned from, those of
        the validation split, a tenth as many, tell how well the tagger is met.
    tagger : path
        Published weights of musicnn.
    share : float
        Of the new output layer, 0 ... 1.
    labels : sequence of str
        Those that the tagger has a say in; default: all that it has tags for.
    n_chunks : int
    seed : int
        Of the chunks.
    tags : {"mtg-jamendo", "magnatagatune"}
        What the tagger was trained on.
    console : rich.console.Console, optional

    Returns
    -------
    net : InstrumentNet
        In eval mode, not calibrated.
    metadata : ModelMetadata
        `provenance["distilled"]` gets an entry: share, recordings and, for each label that the tagger has a say in,
        which part of the variance of the tagger's logits the new layer explains on the validation split.

    Raises
    ------
    OrganologyError
        If the checkpoint, a corpus, the tagger or a setting cannot be used.
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"the tagger's share is from 0 to 1, not {share}")
    if n_chunks < 2 * BATCH_SIZE:
        raise ConfigError(f"{n_chunks} chunks are too few; at least {2 * BATCH_SIZE}")
    network, metadata = load_checkpoint(folder)
    network.calibrate(None)
    teacher = TagTeacher(tagger, network.labels, labels, tags)
    seconds = metadata.window_seconds
    train = _hear(network, teacher, recordings, "train", seconds, n_chunks, seed, console)
    held_out = _hear(network, teacher, recordings, "validation", seconds, n_chunks // 10, seed, console)
    slope, offset = match_spread(train.own, train.tagger)
    targets, wanted = (slope * heard.tagger + offset for heard in (train, held_out))
    says = teacher.says.numpy()
    weight, bias = np.zeros((len(says), train.features.shape[1])), np.zeros(len(says))
    explained: dict[str, float] = {}
    for column in np.flatnonzero(says):
        fit = RidgeCV(PENALTIES).fit(train.features, targets[:, column])
        weight[column], bias[column] = fit.coef_, fit.intercept_
        explained[network.labels[column]] = round(float(fit.score(held_out.features, wanted[:, column])), 3)
    network.head.blend(
        torch.from_numpy(weight).float(), torch.from_numpy(bias).float(), share * torch.from_numpy(says).float()
    )
    entry: dict[str, Any] = {
        "tagger": Path(tagger).name,
        "tags": tags,
        "share": share,
        "chunks": n_chunks,
        "seed": seed,
        "recordings": describe_tagging(recordings),
        "explained_variance": explained,
    }
    provenance = {key: value for key, value in metadata.provenance.items() if key != "calibration"}
    told = [*provenance.get("distilled", []), entry]
    return network.eval(), dataclasses.replace(metadata, calibration=None, provenance={**provenance, "distilled": told})


@torch.inference_mode()
def _hear(
    network: InstrumentNet,
    teacher: TagTeacher,
    recordings: Sequence[Path],
    split: str,
    seconds: float,
    n_chunks: int,
    seed: int,
    console: Console | None,
) -> _Heard:
    config = ChunkConfig(chunk_seconds=seconds, floor_db=RECORDING_FLOOR_DB)
    chunks = TaggedChunks(TaggingPool.load(recordings, split), config, seed)
    starts = range(0, n_chunks, BATCH_SIZE)
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for first in track(starts, f"hearing recordings ({split})", console=console or Console(stderr=True)):
        numbers = range(first, min(first + BATCH_SIZE, n_chunks))
        waveform = torch.from_numpy(np.stack([chunks.chunk(number).audio for number in numbers]))
        embedding = network.embed(waveform)
        parts.append((network.head.features(embedding), network.head(embedding), teacher.logits(waveform)))
    return _Heard(*(torch.cat(part).double().numpy() for part in zip(*parts, strict=True)))
