"""Head blending: what a music tagger knows, put into the output layer of a finished network.

The tagger learned its tags from real music. Another output layer lets the network predict most of them: it is found by
ridge regression on recordings without labels and mixed into the network's own. Nothing else of the network changes,
and it is no slower than before.
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
from organology.model.checkpoint import load_checkpoint
from organology.model.checkpoint_files import describe_parent
from organology.model.network import InstrumentNet
from organology.model_metadata import ModelMetadata
from organology.training.provenance import describe_tagging
from organology.training.teachers.pseudo_labels import RECORDING_FLOOR_DB, match_spread
from organology.training.teachers.tags import TagTeacher

PENALTIES = (10.0, 100.0, 1000.0, 10_000.0)
"""Of the regression; leave-one-out errors choose."""

BATCH_SIZE = 16


@dataclasses.dataclass(frozen=True)
class _Outputs:
    """Of both networks for chunks: features (n, size), logits of the network and of the tagger (n, n_labels)."""

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
    tags: str = "mtg-jamendo",
    console: Console | None = None,
) -> tuple[InstrumentNet, ModelMetadata]:
    """Mix into a network's output layer one that predicts a music tagger's logits.

    The tagger's logits are first brought to the mean and the spread of the network's own, label by label, so that it
    moves the order of recordings, not how often a label is present. ("Distilling the knowledge in a neural
    network", Hinton et al., 2015, by least squares.)

    Parameters
    ----------
    folder : path
        Checkpoint.
    recordings : sequence of path
        Prepared tagging corpora; their tags are not used. Chunks of the training split are learned from, those of
        the validation split, a tenth as many, measure how well the tagger is predicted.
    tagger : path
        Published weights of musicnn.
    share : float
        Of the new output layer, 0 ... 1.
    labels : sequence of str
        Those that the tagger contributes to, in any of their names; default: all that it has tags for.
    n_chunks : int
    seed : int
        Of the chunks.
    tags : str
        What the tagger was trained on, one of `TAG_SETS`.
    console : rich.console.Console, optional

    Returns
    -------
    net : InstrumentNet
        In eval mode, not calibrated.
    metadata : ModelMetadata
        `provenance["distilled"]` gets an entry: share, recordings and, for each label that the tagger contributes to,
        which part of the variance of the tagger's logits the new layer explains on the validation split.

    Raises
    ------
    OrganologyError
        If the checkpoint, a corpus, the tagger or a setting cannot be used.
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"the tagger's share must be from 0 to 1, got {share}")
    if n_chunks < 2 * BATCH_SIZE:
        raise ConfigError(f"chunks must be {2 * BATCH_SIZE} or more, got {n_chunks}")
    network, metadata = load_checkpoint(folder)
    network.calibrate(None)
    try:
        only = [label for word in labels for label in network.label_set.find(word)]
    except ValueError as error:
        raise ConfigError(str(error)) from error
    teacher = TagTeacher(tagger, network.label_set, only, tags)
    seconds = metadata.window_seconds
    train = _outputs(network, teacher, recordings, "train", seconds, n_chunks, seed, console)
    held_out = _outputs(network, teacher, recordings, "validation", seconds, n_chunks // 10, seed, console)
    slope, offset = match_spread(train.own, train.tagger)
    targets, wanted = (slope * outputs.tagger + offset for outputs in (train, held_out))
    knows = teacher.knows.numpy()
    weight, bias = np.zeros((len(knows), train.features.shape[1])), np.zeros(len(knows))
    explained: dict[str, float] = {}
    for column in np.flatnonzero(knows):
        fit = RidgeCV(PENALTIES).fit(train.features, targets[:, column])
        weight[column], bias[column] = fit.coef_, fit.intercept_
        explained[network.labels[column]] = round(float(fit.score(held_out.features, wanted[:, column])), 3)
    network.head.blend(
        torch.from_numpy(weight).float(), torch.from_numpy(bias).float(), share * torch.from_numpy(knows).float()
    )
    entry: dict[str, Any] = {
        "tagger": Path(tagger).name,
        "tags": tags,
        "share": share,
        "chunks": n_chunks,
        "seed": seed,
        "recordings": describe_tagging(recordings),
        "explained_variance": explained,
        "parent": describe_parent(folder, metadata.name),
    }
    provenance = {key: value for key, value in metadata.provenance.items() if key != "calibration"}
    entries = [*provenance.get("distilled", []), entry]
    return network.eval(), dataclasses.replace(
        metadata, calibration=None, provenance={**provenance, "distilled": entries}
    )


@torch.inference_mode()
def _outputs(
    network: InstrumentNet,
    teacher: TagTeacher,
    recordings: Sequence[Path],
    split: str,
    seconds: float,
    n_chunks: int,
    seed: int,
    console: Console | None,
) -> _Outputs:
    config = ChunkConfig(chunk_seconds=seconds, floor_db=RECORDING_FLOOR_DB)
    chunks = TaggedChunks(TaggingPool.load(recordings, split), config, seed)
    starts = range(0, n_chunks, BATCH_SIZE)
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for first in track(starts, f"scoring recordings ({split})", console=console or Console(stderr=True)):
        numbers = range(first, min(first + BATCH_SIZE, n_chunks))
        waveform = torch.from_numpy(np.stack([chunks.chunk(number).audio for number in numbers]))
        embedding = network.embed(waveform)
        parts.append((network.head.features(embedding), network.head(embedding), teacher.logits(waveform)))
    return _Outputs(*(torch.cat(part).double().numpy() for part in zip(*parts, strict=True)))
