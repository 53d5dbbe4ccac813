"""Ranges of settings: checked, and drawn from."""

from __future__ import annotations

import math

import numpy as np

Range = tuple[float, float]


def check(condition: bool, message: str) -> None:
    """Raise ValueError with `message` unless `condition` holds."""
    if not condition:
        raise ValueError(message)


def check_probability(name: str, value: float) -> None:
    """Raise ValueError unless `value` lies within 0 … 1."""
    check(0 <= value <= 1, f"{name} must be a probability within 0 … 1, got {value}")


def check_range(name: str, value: Range, low: float = float("-inf"), high: float = float("inf")) -> None:
    """Raise ValueError unless the range rises, and lies within `low` … `high`."""
    check(low <= value[0] <= value[1] <= high, f"{name} must rise within {low:g} … {high:g}, got {list(value)}")


def check_amount(name: str, value: float, low: float, high: float) -> None:
    """Raise ValueError unless `value` lies within `low` … `high`."""
    check(low <= value <= high, f"{name} must be within {low:g} … {high:g}, got {value:g}")


def uniform(rng: np.random.Generator, bounds: Range) -> float:
    """A number drawn evenly from a range."""
    return float(rng.uniform(*bounds))


def log_uniform(rng: np.random.Generator, bounds: Range) -> float:
    """A number drawn evenly in the logarithm: as likely in each octave of a range."""
    return float(math.exp(rng.uniform(math.log(bounds[0]), math.log(bounds[1]))))
