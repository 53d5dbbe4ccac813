"""What is in a corpus folder: as its publisher lays it out, or prepared; nothing is written.

A source is read by the reader of its corpus, which is told by the tree. Lengths are taken from the headers; no audio is
decoded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from organology import audio
from organology.corpora.checking.items import Item, prepared_stems, prepared_tracks, source_stems, source_tracks
from organology.corpora.issues import BAD, Issue
from organology.corpora.registry import CORPORA, find
from organology.corpora.splits import SPLITS
from organology.corpora.tagging.base import TaggingCorpus
from organology.errors import AudioError, CorpusError
from organology.labels import LabelSet, default_set

Form = Literal["source", "prepared"]
Holds = Literal["stems", "tags"]
_OWN, _OWN_TABLE = "stems", "stems.csv"
_TABLES = {"stems.parquet": "stems", "tracks.parquet": "tags"}


@dataclass(frozen=True)
class Check:
    """What was found in a folder.

    Attributes
    ----------
    root : str
    corpus : str
        Its name, or the names in the table of a prepared one.
    form : {"source", "prepared"}
    holds : {"stems", "tags"}
    seconds : {"audio", "sounding"}
        What the minutes are: of the files, or of where the stems sound.
    total : dict
        `songs`, `stems`, `artists`, `minutes` (None if no length is known). A tagged track is a song of one stem.
    splits : dict
        The same of each split, and `labels`: of each label or tag `songs`, `stems`, `minutes`.
    licences : dict of str to int
        Stems by licence.
    masked : dict
        Words with labels that are unknown: `stems`, `unknown`.
    issues : tuple of Issue
    """

    root: str
    corpus: str
    form: Form
    holds: Holds
    seconds: Literal["audio", "sounding"]
    total: Mapping[str, Any]
    splits: Mapping[str, Any]
    licences: Mapping[str, int]
    masked: Mapping[str, Any]
    issues: tuple[Issue, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing is missing, broken or unmapped."""
        return not any(issue.severity in BAD for issue in self.issues)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {**asdict(self), "complete": self.complete, "issues": [asdict(issue) for issue in self.issues]}


def detect(root: Path) -> tuple[str, Form]:
    """The corpus that a folder holds, and whether it is prepared ("stems" or "tags" then).

    Raises
    ------
    CorpusError
        If it holds none.
    """
    if not root.is_dir():
        raise CorpusError(f"{root}: no such folder")
    for table, holds in _TABLES.items():
        if (root / table).is_file():
            return holds, "prepared"
    for entry in CORPORA.values():
        if not entry.of_any_audio and entry.looks_like(root):
            return entry.name, "source"
    if (root / _OWN_TABLE).is_file():
        return _OWN, "source"
    try:
        audio.find(root)
    except AudioError:
        raise CorpusError(f"{root}: neither a prepared corpus nor one of {', '.join(CORPORA)}") from None
    return _OWN, "source"


def check(root: Path, corpus: str = "", minutes: bool = True, label_set: LabelSet | None = None) -> Check:
    """Say what is in a folder.

    Parameters
    ----------
    root : Path
        A source or a prepared corpus.
    corpus : str
        Of which corpus it is the source; "" to tell it by the tree.
    minutes : bool
        Read the lengths from the headers of all files.
    label_set : LabelSet, optional
        By which stems are counted; by default `default_set`. Tagged tracks are counted by their tags.

    Raises
    ------
    CorpusError
        If it cannot be read as such.
    ConfigError
        If there is no corpus of that name.
    """
    root, label_set = Path(root), label_set or default_set()
    form: Form
    name, form = (corpus, "source") if corpus else detect(root)
    if form == "prepared" and name == "stems":
        names, items, issues = prepared_stems(root, label_set)
        return _check(root, names, form, "stems", items, label_set.labels, issues)
    if form == "prepared":
        said, items, issues = prepared_tracks(root)
        return _check(root, said.corpus, form, "tags", items, said.tags, issues)
    source = find(name).corpus()
    if isinstance(source, TaggingCorpus):
        items, issues = source_tracks(root, source)
        return _check(root, name, form, "tags", items, source.tags, issues)
    items, issues = source_stems(root, source, minutes, label_set)
    return _check(root, name, form, "stems", items, label_set.labels, issues)


def _check(
    root: Path,
    corpus: str,
    form: Form,
    holds: Holds,
    items: Sequence[Item],
    labels: Sequence[str],
    issues: Sequence[Issue],
) -> Check:
    splits = {}
    for split in SPLITS:
        members = [item for item in items if item.split == split]
        having: dict[str, list[Item]] = {label: [] for label in labels}
        for item in members:
            for label in item.present:
                having[label].append(item)
        splits[split] = {**_counts(members), "labels": {label: _counts(some) for label, some in having.items()}}
    masked: dict[str, dict[str, Any]] = {}
    for item in items:
        if item.unknown:
            masked.setdefault(item.word, {"stems": 0, "unknown": list(item.unknown)})["stems"] += 1
    return Check(
        root=str(root),
        corpus=corpus,
        form=form,
        holds=holds,
        seconds="sounding" if (form, holds) == ("prepared", "stems") else "audio",
        total=_counts(items),
        splits=splits,
        licences=dict(sorted(Counter(item.licence for item in items).items())),
        masked=dict(sorted(masked.items(), key=lambda pair: (-pair[1]["stems"], pair[0]))),
        issues=tuple(issues),
    )


def _counts(items: Iterable[Item]) -> dict[str, Any]:
    items = list(items)
    known = [item.seconds for item in items if item.seconds is not None]
    return {
        "songs": len({item.song for item in items}),
        "stems": len(items),
        "artists": len({item.artist for item in items}),
        "minutes": round(sum(known) / 60, 2) if known or not items else None,
    }
