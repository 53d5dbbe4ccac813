"""Corpora: a folder as its publisher lays it out -> prepared stems and `stems.parquet`.

`reader(name)` gives what knows a corpus's folders, words and terms; `prepare.prepare` does the work that all
corpora share. docs/corpora.md tells how to use them, docs/architecture.md what they give.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from organology.errors import ConfigError

if TYPE_CHECKING:
    from organology.corpora.base import Corpus

READERS: dict[str, str] = {
    "stems": "organology.corpora.readers.stems.reader",
    "medleydb": "organology.corpora.readers.medleydb",
    "mixing-secrets": "organology.corpora.readers.mixing_secrets",
    "slakh": "organology.corpora.readers.slakh.reader",
}
"""Name of a corpus -> the module whose `CORPUS` reads it."""


def reader(name: str) -> Corpus:
    """The reader of a corpus.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    if name not in READERS:
        raise ConfigError(f"no corpus {name!r}; there are {', '.join(READERS)}")
    corpus: Corpus = import_module(READERS[name]).CORPUS
    return corpus


__all__ = ["READERS", "reader"]
