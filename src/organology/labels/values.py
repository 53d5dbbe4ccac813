"""The three values of a label, and the type of label vectors."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

LabelArray: TypeAlias = NDArray[np.int8]
"""Label vectors: int8, shape (..., n_labels), each value `PRESENT`, `ABSENT` or `UNKNOWN`."""

PRESENT, ABSENT, UNKNOWN = 1, 0, -1
