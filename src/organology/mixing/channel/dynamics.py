"""What compressor and limiter share: a gain that is computed for frames and applied to samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

CONTROL_SECONDS = 0.001
"""Length of a frame."""


def per_sample(controls: NDArray[np.float64], frame: int, frames: int) -> Samples:
    """Values at the middles of frames as one value a sample, linear between them; shape (frames,)."""
    ramp = np.linspace(0, 1, frame, endpoint=False, dtype=np.float32)
    c = np.concatenate([controls[:1], controls, controls[-1:]]).astype(np.float32)
    lines = c[:-1, None] + np.diff(c)[:, None] * ramp
    return np.ascontiguousarray(lines.reshape(-1)[frame // 2 : frame // 2 + frames])
