"""Names of files and folders: instrument words found in them, and names made safe for any file system."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from organology.corpora.instruments import Instruments
from organology.labels import Entry, Vocabulary, concept_tree

_TOKEN = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_MOST_TOKENS = 6
_LONGEST_NAME = 80
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """The instrument that a name tells.

    Attributes
    ----------
    word : str
        Of the vocabulary.
    instruments : Instruments or None
        None for a word that names no instrument (a mix, an effect).
    """

    word: str
    instruments: Instruments | None


def tokens(name: str) -> list[str]:
    """The words and numbers of a name, in lower case, accents taken off.

    Examples
    --------
    >>> tokens("03_LeadVox-Dbl EGtr2")
    ['03', 'lead', 'vox', 'dbl', 'e', 'gtr', '2']
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return [token.lower() for token in _TOKEN.findall(plain)]


def find_instrument(name: Sequence[str], vocabulary: str = "stems") -> Found | None:
    """The longest word of a vocabulary among the tokens of a name.

    Words that name an instrument go before those that name none ("drums room" is drums), unless these are longer and
    hold them ("no drums"). Where no word is there, an instrument of the tree (`docs/labels.md`) counts that is one word
    ("shawm"); one of several ("plucked string") counts as a word of the vocabulary does. Other instruments that the
    name holds besides become unknown: a stem "bass and drums" is certainly drums, and whether there is a bass cannot
    be told for sure.

    Parameters
    ----------
    name : sequence of str
        See `tokens`.
    vocabulary : str

    Returns
    -------
    Found or None
        None if neither a word of the vocabulary nor an instrument is there.

    Examples
    --------
    >>> find_instrument(tokens("02 KickDrum_In")).word
    'kick drum'
    >>> find_instrument(tokens("Track 7")) is None
    True
    """
    matches = _matches(tuple(name), vocabulary)
    instruments = [entry for _, _, entry in matches if entry.policy != "exclude"]
    if not instruments:
        return Found(matches[0][2].word, None) if matches else None
    main, others = instruments[0], instruments[1:]
    return Found(main.word, Instruments.of(main).or_perhaps(*map(Instruments.of, others)))


def is_instrument(name: str, vocabulary: str = "stems") -> bool:
    """Whether a name holds nothing but words of the vocabulary (and numbers), as "Drums" or "01 Lead Vocals" do."""
    words = tokens(name)
    matches = _matches(tuple(words), vocabulary)
    covered = {i for start, end, _ in matches for i in range(start, end)}
    rest = [word for i, word in enumerate(words) if i not in covered and not word.isdigit()]
    return not rest and any(entry.policy != "exclude" for _, _, entry in matches)


def _matches(name: tuple[str, ...], vocabulary: str) -> list[tuple[int, int, Entry]]:
    """Words in a name that do not overlap, `(first token, end, entry)`, the longest first; else those of the tree."""
    return _found(name, _index(vocabulary)) or _found(name, _of_tree())


def _found(name: tuple[str, ...], index: Mapping[str, Entry]) -> list[tuple[int, int, Entry]]:
    spans = []
    for start in range(len(name)):
        for end in range(start + 1, min(start + _MOST_TOKENS, len(name)) + 1):
            joined = "".join(name[start:end])
            entry = index.get(joined) or (index.get(joined[:-1]) if joined.endswith("s") else None)
            if entry is not None:
                spans.append((len(joined), start, end, entry))
    spans.sort(key=lambda span: (-span[0], span[1]))
    kept: list[tuple[int, int, Entry]] = []
    for _, start, end, entry in spans:
        if all(end <= other_start or start >= other_end for other_start, other_end, _ in kept):
            kept.append((start, end, entry))
    return kept


@cache
def _of_tree() -> dict[str, Entry]:
    """Names and aliases of the tree's instruments."""
    tree = concept_tree()
    concepts = ((word, tree.find(word)) for word in tree.words)
    return {"".join(tokens(word)): Entry(word, "use", (concept,), ()) for word, concept in concepts if concept}


@cache
def _index(vocabulary: str) -> dict[str, Entry]:
    """The words of a vocabulary, and those of the tree that are several."""
    # Where a word is in the table in one piece too ("kickdrum"), the one in two is told.
    entries = sorted(Vocabulary.load(vocabulary).entries.items(), key=lambda item: item[0].count(" "))
    several = {key: entry for key, entry in _of_tree().items() if len(tokens(entry.word)) > 1}
    return several | {"".join(tokens(word)): entry for word, entry in entries}


def safe_name(name: str) -> str:
    """A file name that every file system takes: ASCII, no spaces, not too long.

    A name that had to be changed gets eight digits of its hash, so that different names stay different.

    Examples
    --------
    >>> safe_name("01 Bass")
    '01_Bass-2a79c17a'
    >>> safe_name("Kick_2")
    'Kick_2'
    """
    normal = unicodedata.normalize("NFC", name)
    plain = "".join(c for c in unicodedata.normalize("NFKD", normal) if not unicodedata.combining(c))
    safe = re.sub(r"[^A-Za-z0-9_.+-]+", "_", plain)[:_LONGEST_NAME].strip("._")
    if not safe or safe != normal or _RESERVED.fullmatch(safe):
        safe = f"{safe}-{hashlib.sha256(normal.encode()).hexdigest()[:8]}".lstrip("-")
    return safe


def safe_names(names: Sequence[str]) -> dict[str, str]:
    """Safe names of different names, different from each other also where case does not count."""
    safe: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(names):
        candidate = safe_name(name)
        if candidate.casefold() in taken:
            candidate = f"{candidate}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
        taken.add(candidate.casefold())
        safe[name] = candidate
    return safe
