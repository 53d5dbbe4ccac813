"""The paper's head."""

from __future__ import annotations

from torch import Tensor, nn

from organology.labels import LabelSet
from organology.model.heads.linear import before_last, blend_linear


class PaperHead(nn.Sequential):
    """Linear, batch norm, ReLU, dropout, linear: the paper's fully connected layers, sizes as in Won et al. (2020).

    Parameters
    ----------
    embedding_size : int
    label_set : LabelSet
    hidden_size : int or None
        None: as the embedding.
    dropout : float
    """

    def __init__(
        self, embedding_size: int, label_set: LabelSet, hidden_size: int | None = None, dropout: float = 0.5
    ) -> None:
        hidden_size = hidden_size or embedding_size
        super().__init__(
            nn.Linear(embedding_size, hidden_size),
            nn.BatchNorm1d(hidden_size),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_size, len(label_set)),
        )

    def features(self, embedding: Tensor) -> Tensor:
        """(batch, embedding_size) -> (batch, hidden_size)."""
        return before_last(self, embedding)

    def blend(self, weight: Tensor, bias: Tensor, share: Tensor) -> None:
        """As `LinearHead.blend`."""
        blend_linear(self[-1], weight, bias, share)
