"""Times as text, and round steps for marks on a time axis."""

from __future__ import annotations

_STEPS_SECONDS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400)


def clock(seconds: float, tenths: bool = False) -> str:
    """Seconds as m:ss or h:mm:ss.

    >>> clock(83.4), clock(83.4, tenths=True), clock(3725)
    ('1:23', '1:23.4', '1:02:05')
    """
    unit = 10 if tenths else 1
    whole, part = divmod(round(seconds * unit), unit)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    text = f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
    return f"{text}.{part}" if tenths else text


def time_step(duration: float, most: int) -> float:
    """Distance of at most so many marks on a time axis, a round one, in seconds; for days on end more marks."""
    return next((step for step in _STEPS_SECONDS if duration / step <= most), _STEPS_SECONDS[-1])
