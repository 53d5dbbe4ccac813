"""Mixed precision outside of Lightning's loop."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch

Precision = Literal["32-true", "16-mixed", "bf16-mixed", "64-true"]


def autocast(device: str, precision: Precision) -> AbstractContextManager[object]:
    """A context in which a network computes as in training of this precision.

    Front ends compute in float32 in it too. On a CPU without float16 arithmetic "16-mixed" has no use, and is float32.

    Parameters
    ----------
    device : str
        Of torch, e.g. "cpu" or "cuda".
    precision : {"32-true", "16-mixed", "bf16-mixed", "64-true"}
    """
    kind = torch.device(device).type
    if precision in ("32-true", "64-true") or (precision == "16-mixed" and kind == "cpu"):
        return nullcontext()
    return torch.autocast(kind, dtype=torch.bfloat16 if precision == "bf16-mixed" else torch.float16)
