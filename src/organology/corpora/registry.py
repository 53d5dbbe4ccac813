"""Which corpora there are: the one place that names their readers and what can be set of each.

A corpus is a module with `corpus(**settings)`, which gives a `Corpus` of stems or a `TaggingCorpus`, and, where its
folders can be told by their tree, with `looks_like(root)`. To add one, write the module and `register` it: the verbs
`prepare` and `corpus`, and the table in docs/corpora.md, follow. Nothing is imported before it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from organology.errors import ConfigError

if TYPE_CHECKING:
    from organology.corpora.base import Corpus
    from organology.corpora.tagging.base import TaggingCorpus

Holds = Literal["stems", "tags"]


@dataclass(frozen=True)
class Setting:
    """What can be set of a corpus when it is prepared: an option of the verb, a keyword of `corpus`.

    Attributes
    ----------
    name : str
        Of the keyword; the option is the same with hyphens.
    kind : type
    default : Any
    help : str
    least, most : float or None
        Of a number.
    """

    name: str
    kind: type
    default: Any
    help: str
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class CorpusEntry:
    """A corpus that can be prepared.

    Attributes
    ----------
    name : str
        Of the verb and of the table's column `corpus`.
    module : str
    holds : {"stems", "tags"}
        Songs of stems, or whole recordings with tags (or with none).
    help : str
        One line.
    settings : tuple of Setting
    published_splits : tuple of str
        Splits by the publisher that `corpus` takes as its keyword `split`, beside those that are drawn.
    of_any_audio : bool
        Any folder of audio is one; it is not told by its tree.
    """

    name: str
    module: str
    holds: Holds
    help: str
    settings: tuple[Setting, ...] = ()
    published_splits: tuple[str, ...] = ()
    of_any_audio: bool = False

    def load(self) -> ModuleType:
        """Its module."""
        return import_module(self.module)

    def corpus(self, **settings: Any) -> Corpus | TaggingCorpus:
        """The corpus with some settings."""
        made: Corpus | TaggingCorpus = self.load().corpus(**settings)
        return made

    def looks_like(self, root: Path) -> bool:
        """Whether a folder has its tree."""
        test: Callable[[Path], bool] | None = getattr(self.load(), "looks_like", None)
        return test is not None and test(root)


CORPORA: dict[str, CorpusEntry] = {}
"""All corpora by name, in the order they are listed in."""


def register(entry: CorpusEntry) -> None:
    """Add a corpus.

    Raises
    ------
    ValueError
        If there is one of that name.
    """
    if entry.name in CORPORA:
        raise ValueError(f"corpus {entry.name!r} is registered already")
    CORPORA[entry.name] = entry


def find(name: str) -> CorpusEntry:
    """The entry of a corpus.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    if name not in CORPORA:
        raise ConfigError(f"no corpus {name!r}; there are {', '.join(CORPORA)}")
    return CORPORA[name]


def markdown_table() -> str:
    """The corpora as the table of docs/corpora.md."""
    lines = ["| corpus | holds | what | options of its own |", "|---|---|---|---|"]
    for entry in CORPORA.values():
        options = [f"`--{setting.name.replace('_', '-')}`" for setting in entry.settings]
        options += [f"`--split {split}`" for split in entry.published_splits]
        lines.append(f"| `{entry.name}` | {entry.holds} | {entry.help} | {', '.join(options)} |")
    return "\n".join(lines) + "\n"


_KEEP_BLEED = Setting("keep_bleed", bool, False, "Use songs whose stems bleed into each other, too.")
_READERS = "organology.corpora.readers"

register(
    CorpusEntry(
        "stems",
        f"{_READERS}.stems.reader",
        "stems",
        "Your own folder of songs with stems: labels from a stems.csv, or from the names.",
        of_any_audio=True,
    )
)
register(
    CorpusEntry(
        "medleydb",
        f"{_READERS}.medleydb",
        "stems",
        "MedleyDB, 1 and 2.0; songs with bleed are dropped.",
        (_KEEP_BLEED,),
    )
)
register(
    CorpusEntry(
        "mixing-secrets",
        f"{_READERS}.mixing_secrets",
        "stems",
        "Mixing Secrets, with the metadata of Gururani and Lerch (2017); songs with bleed are dropped.",
        (_KEEP_BLEED,),
    )
)
register(
    CorpusEntry(
        "slakh",
        f"{_READERS}.slakh.reader",
        "stems",
        "Slakh2100 (redux, original) and BabySlakh.",
        published_splits=("redux", "published"),
    )
)
register(
    CorpusEntry(
        "jamendo",
        f"{_READERS}.jamendo",
        "tags",
        "MTG-Jamendo, its 50 top tags: for pre-training.",
        (
            Setting("split", int, 0, "Which of the publisher's five splits.", 0, 4),
            Setting("audio", Path, None, "Folder of the mp3 files, where they are not below ROOT."),
        ),
    )
)
register(
    CorpusEntry(
        "recordings",
        f"{_READERS}.recordings",
        "tags",
        "Any recordings, without labels: for self-training, or to be taught by a teacher.",
        (
            Setting("fractions", str, "0.9,0.1,0", "Of train, validation and test."),
            Setting("seed", int, 0, "Of the splits."),
            Setting("licence", str, "", "Of all of them, for the table."),
        ),
        of_any_audio=True,
    )
)
