"""Where the sound of a container lies on its clock: silence before it begins, and in its holes."""

from __future__ import annotations

HOLE_SECONDS = 0.1
"""A shorter distance between what has been given and a time stamp is rounding, padding or jitter, and no hole."""

_FREE_SECONDS = 600.0  # of silence that any file may have …
_BYTES_A_SECOND = 1000  # … and one second more for so many bytes of the file


class Timeline:
    """Counts the frames that are given, and tells how many of silence are missing before the next.

    A time stamp that cannot be true (beyond the declared end, or more silence than a file of this size would have)
    only moves the clock, as does one that goes back; what follows is told from there on.

    Parameters
    ----------
    sample_rate : int
        In Hz.
    end : float or None
        Declared end, in seconds.
    size : int
        Of the file, in bytes.
    """

    def __init__(self, sample_rate: int, end: float | None, size: int) -> None:
        self.distrusted = False
        self._rate = sample_rate
        self._given = 0
        self._offset = 0  # of the clock against what was given, in frames
        self._end = end
        self._silence = round((_FREE_SECONDS + size / _BYTES_A_SECOND) * sample_rate)

    def silence_before(self, seconds: float | None) -> int:
        """Frames of silence to give before sound whose time stamp is `seconds` (None: it has none)."""
        if seconds is None:
            return 0
        missing = round(seconds * self._rate) - self._offset - self._given
        if abs(missing) <= HOLE_SECONDS * self._rate:
            return 0
        beyond = self._end is not None and seconds > self._end + HOLE_SECONDS
        if missing < 0 or missing > self._silence or beyond:
            self._offset += missing
            self.distrusted |= missing > 0
            return 0
        self._silence -= missing
        self._given += missing
        return missing

    def give(self, frames: int) -> None:
        """Count frames of sound."""
        self._given += frames
