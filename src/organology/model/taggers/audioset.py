"""The published AudioSet tagger, and what its 527 scores say of our labels.

`AudioSetTagger` is front end, backbone and classifier of EfficientAT's `mn04_as` (Schmid, Koutini and Widmer, 2023).
`ZeroShot` reads the labels of a set from its scores: the vocabulary `audioset` maps classes to instruments, and a label
is the highest of the classes in which it is present.
"""

from __future__ import annotations

import os

import torch
from torch import Tensor, nn

from organology.errors import ModelError
from organology.labels import PRESENT, LabelSet, Vocabulary, default_set
from organology.model.backbones.mobilenet import MobileNet, read_published
from organology.model.config import EFFICIENTAT
from organology.model.frontend import MelFrontend
from organology.model.weights import load_state

N_CLASSES = 527


class AudioSetClassifier(nn.Module):
    """Embedding (batch, 384) -> AudioSet logits (batch, 527): the published head."""

    def __init__(self, embedding_size: int = 384, hidden_size: int = 512, dropout: float = 0.2) -> None:
        super().__init__()
        self.hidden = nn.Linear(embedding_size, hidden_size)
        self.activation = nn.Hardswish()
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden_size, N_CLASSES)

    def forward(self, embedding: Tensor) -> Tensor:
        """(batch, embedding_size) -> (batch, 527)."""
        logits: Tensor = self.output(self.dropout(self.activation(self.hidden(embedding))))
        return logits


def class_table(label_set: LabelSet) -> list[list[int]]:
    """For each label, the numbers of the AudioSet classes in which it is present, by the vocabulary `audioset`.

    A parent is present in the classes of its children too. The rows of the vocabulary are in AudioSet's order.
    """
    vectors = [entry.encode(label_set) for entry in Vocabulary.load("audioset").entries.values()]
    return [[i for i, vector in enumerate(vectors) if vector[column] == PRESENT] for column in range(len(label_set))]


class ZeroShot(nn.Module):
    """AudioSet scores (batch, 527) -> scores of labels (batch, n_labels): the highest matching one.

    It is monotonic, so that logits and probabilities may go in alike.

    Parameters
    ----------
    label_set : LabelSet, optional
        Default: `default_set()`.

    Attributes
    ----------
    known : tuple of bool
        Which labels AudioSet has a class for; the others are 0.

    Raises
    ------
    ModelError
        If AudioSet has a class for none of the labels.
    """

    classes: Tensor
    mask: Tensor

    def __init__(self, label_set: LabelSet | None = None) -> None:
        super().__init__()
        label_set = label_set or default_set()
        table = class_table(label_set)
        longest = max(map(len, table))
        if longest == 0:
            raise ModelError(f"AudioSet has no class for any label of {label_set.name}")
        self.known = tuple(bool(row) for row in table)
        padded = [(row or [0]) + (row or [0])[:1] * (longest - max(len(row), 1)) for row in table]
        self.register_buffer("classes", torch.tensor(padded), persistent=False)
        self.register_buffer("mask", torch.tensor(self.known).float(), persistent=False)

    def forward(self, scores: Tensor) -> Tensor:
        """(batch, 527) -> (batch, n_labels)."""
        highest = scores[:, self.classes].amax(-1)
        return highest if all(self.known) else highest * self.mask


class AudioSetTagger(nn.Module):
    """Waveform -> 527 AudioSet logits, or the labels of a set read from them.

    Parameters
    ----------
    label_set : LabelSet, optional
        Of `zero_shot`; default: `default_set()`.

    Examples
    --------
    >>> tagger = AudioSetTagger().eval()
    >>> with torch.no_grad():
    ...     tagger(torch.zeros(1, 32_000)).shape, tagger.zero_shot(torch.zeros(1, 32_000)).shape
    (torch.Size([1, 527]), torch.Size([1, 15]))
    """

    def __init__(self, label_set: LabelSet | None = None) -> None:
        super().__init__()
        self.frontend = MelFrontend(EFFICIENTAT)
        self.backbone = MobileNet()
        self.classifier = AudioSetClassifier(self.backbone.embedding_size)
        self.to_labels = ZeroShot(label_set)

    @classmethod
    def from_published(cls, path: str | os.PathLike[str], label_set: LabelSet | None = None) -> AudioSetTagger:
        """The tagger with the published weights (`mn04_as_mAP_432.pt`), in eval mode.

        Raises
        ------
        ModelError
            If the file cannot be read or does not fit.
        """
        tagger = cls(label_set)
        load_state(tagger, read_published(path), path)
        return tagger.eval()

    def forward(self, waveform: Tensor) -> Tensor:
        """Logits: waveform (batch, samples) at 32 kHz -> (batch, 527)."""
        logits: Tensor = self.classifier(self.backbone(self.frontend(waveform)))
        return logits

    def zero_shot(self, waveform: Tensor) -> Tensor:
        """Logits of the labels, with no training of ours: waveform (batch, samples) -> (batch, n_labels)."""
        labels: Tensor = self.to_labels(self(waveform))
        return labels
