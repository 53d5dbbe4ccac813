"""The published AudioSet tagger, and what its 527 scores say of our labels.

`AudioSetTagger` is front end, backbone and classifier of EfficientAT's `mn04_as` (Schmid, Koutini and Widmer, 2023).
`ZeroShot` reads our labels from its scores by the vocabulary `audioset`: an output is the highest of the classes
that hold it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from organology import taxonomy
from organology.model.backbones.mobilenet import MobileNet
from organology.model.frontend import EFFICIENTAT, MelFrontend
from organology.model.pretrained import load_state, read_published

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


def class_table(labels: Sequence[str] = taxonomy.LABELS) -> list[list[int]]:
    """For each label, the numbers of the AudioSet classes that hold it, by the vocabulary `audioset`.

    A family is held by the classes of its instruments too. The rows of the vocabulary are in AudioSet's order.
    """
    vectors = [entry.labels for entry in taxonomy.Vocabulary.load("audioset").entries.values()]
    table = []
    for label in labels:
        column = taxonomy.LABELS.index(label)
        table.append([i for i, vector in enumerate(vectors) if vector[column] == taxonomy.PRESENT])
    return table


class ZeroShot(nn.Module):
    """AudioSet scores (batch, 527) -> scores of our labels (batch, 15): the highest matching one.

    It is monotonic, so that logits and probabilities may go in alike.
    """

    classes: Tensor

    def __init__(self, labels: Sequence[str] = taxonomy.LABELS) -> None:
        super().__init__()
        table = class_table(labels)
        longest = max(map(len, table))
        padded = [row + row[:1] * (longest - len(row)) for row in table]
        self.register_buffer("classes", torch.tensor(padded), persistent=False)

    def forward(self, scores: Tensor) -> Tensor:
        """(batch, 527) -> (batch, n_labels)."""
        return scores[:, self.classes].amax(-1)


class AudioSetTagger(nn.Module):
    """Waveform -> 527 AudioSet logits, or the 15 labels read from them.

    Examples
    --------
    >>> tagger = AudioSetTagger().eval()
    >>> with torch.no_grad():
    ...     tagger(torch.zeros(1, 32_000)).shape, tagger.zero_shot(torch.zeros(1, 32_000)).shape
    (torch.Size([1, 527]), torch.Size([1, 15]))
    """

    def __init__(self) -> None:
        super().__init__()
        self.frontend = MelFrontend(EFFICIENTAT)
        self.backbone = MobileNet()
        self.classifier = AudioSetClassifier(self.backbone.embedding_size)
        self.to_labels = ZeroShot()

    @classmethod
    def from_published(cls, path: str | os.PathLike[str]) -> AudioSetTagger:
        """The tagger with the published weights (`mn04_as_mAP_432.pt`), in eval mode.

        Raises
        ------
        ModelError
            If the file cannot be read or does not fit.
        """
        tagger = cls()
        load_state(tagger, read_published(path), path)
        return tagger.eval()

    def forward(self, waveform: Tensor) -> Tensor:
        """Logits: waveform (batch, samples) at 32 kHz -> (batch, 527)."""
        logits: Tensor = self.classifier(self.backbone(self.frontend(waveform)))
        return logits

    def zero_shot(self, waveform: Tensor) -> Tensor:
        """Logits of our labels, with no training of ours: waveform (batch, samples) -> (batch, 15)."""
        labels: Tensor = self.to_labels(self(waveform))
        return labels
