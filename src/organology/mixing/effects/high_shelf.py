"""High shelf filter."""

from __future__ import annotations

from dataclasses import dataclass

from organology.config import FORBID
from organology.mixing.effects.filter_base import Filter
from organology.mixing.ranges import Range


@dataclass(frozen=True)
class HighShelf(Filter):
    """Raises or lowers what lies above `center_hz`."""

    __pydantic_config__ = FORBID
    name = "high_shelf"
    transform = "HighShelfFilter"
    center_hz: Range = (300.0, 7500.0)
