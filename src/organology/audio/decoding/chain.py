"""Sources that follow each other in one file, read as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from organology.audio.decoding.conform import Conform
from organology.audio.decoding.readers import NotAudioError, Reader, Samples, reblocked
from organology.audio.sources.source import OpenSource


class ChainReader:
    """Reads parts of a file one after the other, at the rate and with the channels of the first.

    Parameters
    ----------
    source : OpenSource
    starts : sequence of int
        Where the parts begin, in bytes; each ends where the next one begins.
    opened : callable
        Gives a reader of a part.

    Raises
    ------
    NotAudioError
        If no part can be opened.
    """

    def __init__(self, source: OpenSource, starts: Sequence[int], opened: Callable[[OpenSource], Reader]) -> None:
        self._source = source
        self._spans = iter(zip(starts, [*starts[1:], source.size], strict=True))
        self._opened = opened
        self._part: OpenSource | None = None
        self.truncated = self.broken = self.distrusted = False
        reader = self._next()
        if reader is None:
            raise NotAudioError("nothing in it can be decoded")
        self._reader: Reader | None = reader
        self.sample_rate, self.channels = reader.sample_rate, reader.channels
        self.frames: int | None = None

    def _next(self) -> Reader | None:
        for start, end in self._spans:
            self._part = self._source.view(start, end)
            try:
                return self._opened(self._part)
            except NotAudioError:
                self._part.close()
                self._part = None
                self.truncated = True
        return None

    def _pieces(self, block_frames: int) -> Iterator[Samples]:
        conform = Conform(self.sample_rate, self.channels)
        while self._reader is not None:
            for block in self._reader.blocks(block_frames):
                yield from conform.add(block, self._reader.sample_rate)
            self.truncated |= self._reader.truncated
            self.distrusted |= self._reader.distrusted
            self.close()
            self._reader = self._next()
        yield from conform.end()

    def blocks(self, block_frames: int) -> Iterator[Samples]:
        """Blocks of shape (frames, channels), the last one shorter."""
        return reblocked(self._pieces(block_frames), block_frames)

    def close(self) -> None:
        """Let go of the part that is being read."""
        if self._reader is not None:
            self._reader.close()
        if self._part is not None:
            self._part.close()
        self._reader = self._part = None
