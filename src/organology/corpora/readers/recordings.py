"""Any folder of recordings, without labels or tags: to be taught by a teacher, or for self-training.

```
ROOT/
├── LICENSE.txt, anything else     not looked at
├── some artist/song.mp3           audio in folders of any depth
└── song.flac
```

The first folder of a path counts as the artist.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from organology.audio.discovery import search
from organology.corpora.issues import NOT_TEXT, Issue, is_text, shown_path
from organology.corpora.splits import SplitSong, assign, parse_fractions
from organology.corpora.tagging.base import SourceTrack, TaggingCorpus
from organology.errors import CorpusError
from organology.labels import default_set

FRACTIONS = (0.9, 0.1, 0.0)
"""Of train, validation and test: what has no labels is mostly to be learned from."""


def read(
    root: Path, *, fractions: tuple[float, float, float] = FRACTIONS, seed: int = 0, licence: str = ""
) -> Iterator[SourceTrack | Issue]:
    """Tracks of a folder of recordings; see `TaggingCorpus.read`.

    Parameters
    ----------
    root : Path
    fractions : (float, float, float)
        Of train, validation and test; recordings of one artist may be in two of them.
    seed : int
        Of the splits.
    licence : str
        Of all of them, for the table.

    Raises
    ------
    CorpusError
        If there is no such folder, or no audio in it.
    ConfigError
        If the fractions are not as they have to be.
    """
    if not Path(root).is_dir():
        raise CorpusError(f"{root}: no such folder")
    found = list(search(root))
    for path in found:
        if not is_text(str(path.relative_to(root))):
            yield Issue("refused", shown_path(path, root), NOT_TEXT)
    named = {path.relative_to(root).as_posix(): path for path in found}
    files = {track: path for track, path in named.items() if is_text(track)}
    if not found:
        raise CorpusError(f"{root}: no audio in this folder")
    nothing = default_set().encode(())
    splits = assign([SplitSong(track, (), nothing) for track in files], fractions, seed, by="song")
    for track, path in files.items():
        folder, _, rest = track.partition("/")
        yield SourceTrack(track, path, (), splits[track], artist=folder if rest else "", licence=licence)


def corpus(
    fractions: tuple[float, float, float] | str = FRACTIONS, seed: int = 0, licence: str = "", name: str = "recordings"
) -> TaggingCorpus:
    """A folder of recordings with other splits, or with a licence; see `read`. Fractions may be "0.9,0.1,0", too."""
    if isinstance(fractions, str):
        fractions = parse_fractions(fractions)
    return TaggingCorpus(
        name=name,
        title="recordings without labels",
        citation="",
        licence=licence or "the owners'; option --licence",
        tree="ROOT/   audio in folders of any depth",
        how_to_get="Your own recordings.",
        tags=(),
        read=partial(read, fractions=fractions, seed=seed, licence=licence),
    )


CORPUS = corpus()
