"""Peaking filter."""

from __future__ import annotations

from dataclasses import dataclass

from organology.config import FORBID
from organology.mixing.effects.filter_base import Filter
from organology.mixing.ranges import Range


@dataclass(frozen=True)
class Peaking(Filter):
    """Raises or lowers what lies around `center_hz`."""

    __pydantic_config__ = FORBID
    name = "peaking"
    transform = "PeakingFilter"
    highest_q = 100.0
    center_hz: Range = (50.0, 7500.0)
    gain_db: Range = (-24.0, 24.0)
    q: Range = (0.5, 5.0)
