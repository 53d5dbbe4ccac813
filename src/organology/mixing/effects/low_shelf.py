"""Low shelf filter."""

from __future__ import annotations

from dataclasses import dataclass

from organology.config import FORBID
from organology.mixing.effects.filter_base import Filter


@dataclass(frozen=True)
class LowShelf(Filter):
    """Raises or lowers what lies below `center_hz`."""

    __pydantic_config__ = FORBID
    name = "low_shelf"
    transform = "LowShelfFilter"
