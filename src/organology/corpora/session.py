"""The stems of a session: what is in each file of a folder, and what to call it.

`reports` recognizes the files and says of each the instrument, its General MIDI program, a new name, and what to look
at: silence, bleed, a name that says something else. `rename` gives the files their new names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from organology.corpora.names import Found, find_instrument, tokens
from organology.errors import AudioError, OrganologyError
from organology.labels import ABSENT, LabelSet, Vocabulary, concept_tree
from organology.recognition.recognizer import Recognizer
from organology.recognition.result import Recognition

DRUM_CHANNEL = 10
"""Of General MIDI, counted from 1."""

_FIRST_UNPITCHED = 115  # woodblock, taiko, toms, reverse cymbal, sounds

_USUAL = {
    "voice": 52, "singing": 53, "bowed_string": 48,
    "string_section": 48, "plucked_string": 24, "guitar": 24, "electric_guitar": 27,
    "woodwind": 73, "free_reed": 21, "saxophone": 65, "brass": 61, "key": 0, "organ": 16, "electric_piano": 4,
    "synth": 80, "synth_bass": 38, "mallet_percussion": 12, "bells": 14,
}  # fmt: skip
"""Programs of concepts that several programs, or none, stand for: the one that arrangements use most."""


@dataclass(frozen=True)
class StemReport:
    """What is in a stem.

    Attributes
    ----------
    file : Path
    duration : float
        In seconds.
    label : str or None
        The surest of the finest labels that play; None: nothing plays.
    name : str
        Of `label`, for people; or "silent", "unsure".
    score : float
        Of `label`; of the highest one where nothing plays.
    plays : tuple of str
        Names of all labels that play.
    program : int or None
        General MIDI, counted from 0; None for drums and where nothing plays.
    is_drums : bool
        It belongs on `DRUM_CHANNEL`.
    marks : tuple of str
        What to look at.
    """

    file: Path
    duration: float
    label: str | None
    name: str
    score: float
    plays: tuple[str, ...] = ()
    program: int | None = None
    is_drums: bool = False
    marks: tuple[str, ...] = ()


def reports(
    files: Sequence[Path], recognizer: Recognizer, workers: int = 1
) -> Iterator[tuple[Path, StemReport | AudioError]]:
    """Recognize stems, in the order of the files.

    Parameters
    ----------
    files : sequence of Path
    recognizer : Recognizer
    workers : int
        Files worked on at once.

    Yields
    ------
    Path, StemReport or AudioError
        The error says why a file cannot be used.
    """
    found = recognizer.recognize_many([str(file) for file in files], workers=workers)
    for file, (_, result) in zip(files, found, strict=True):
        yield file, report(file, result) if isinstance(result, Recognition) else result


def report(file: Path, recognition: Recognition) -> StemReport:
    """What a recognition says of a stem.

    Parameters
    ----------
    file : Path
        Its name is compared with what is heard.
    recognition : Recognition
    """
    label_set, playing = recognition.label_set, recognition.instruments
    if not recognition.scores.any():
        return StemReport(file, recognition.duration, None, "silent", 0.0, marks=("silent",))
    if not playing:
        best = max(recognition.labels, key=recognition.score)
        nearest = f"unsure: perhaps {label_set.display[best]}"
        return StemReport(file, recognition.duration, None, "unsure", recognition.score(best), marks=(nearest,))
    finest = [label for label in playing if not any(label_set.parents.get(other) == label for other in playing)]
    label = max(finest, key=recognition.score)
    family = label_set.family(label) or label
    others = [one for one in finest if (label_set.family(one) or one) != family]
    marks = [f"bleeding: {', '.join(label_set.display[one] for one in others)}"] if others else []
    told = find_instrument(tokens(file.stem))
    if told is not None and _contradicts(told, label, label_set):
        marks.append(f"name says {told.word}")
    is_drums = label_set.concepts[family] == ("percussion",) and program_of(label_set.concepts[label]) is None
    return StemReport(
        file,
        recognition.duration,
        label,
        label_set.display[label],
        recognition.score(label),
        tuple(label_set.display[one] for one in playing),
        None if is_drums else program_of(label_set.concepts[label]),
        is_drums,
        tuple(marks),
    )


def _contradicts(told: Found, label: str, label_set: LabelSet) -> bool:
    """Whether the instrument in a name cannot be the label."""
    if told.instruments is None:
        return False
    return bool(told.instruments.encode(label_set)[label_set.index(label)] == ABSENT)


def program_of(concepts: Sequence[str]) -> int | None:
    """The General MIDI program of a label's concepts, counted from 0.

    A pitched instrument that has none gets its family's. Drums, and voices that have none, give None.

    Examples
    --------
    >>> program_of(["violin"]), program_of(["bowed_string"]), program_of(["drums"])
    (40, 48, None)
    """
    programs, tree = _programs(), concept_tree()
    for known in (_USUAL, programs):
        for concept in concepts:
            if concept in known:
                return known[concept]
    families = {tree.family(concept) for concept in concepts}
    if families & {"percussion", "voice"}:
        return None
    inside = [program for concept, program in programs.items() if concept in tree.all_below(concepts)]
    return min(inside, default=next((_USUAL[family] for family in families if family in _USUAL), None))


@cache
def _programs() -> Mapping[str, int]:
    """Concept -> the first program that stands for it alone."""
    found: dict[str, int] = {}
    for word, entry in Vocabulary.load("general_midi").entries.items():
        if word.isdigit() and int(word) < _FIRST_UNPITCHED and entry.policy == "use" and len(entry.present) == 1:
            found.setdefault(entry.present[0], int(word))
    return found


def new_names(found: Sequence[StemReport]) -> dict[Path, Path]:
    """New paths of the stems whose name changes: the instrument, with a number where it is taken.

    Silent and unsure ones keep their names. No new path is one that is there already.

    Parameters
    ----------
    found : sequence of StemReport
    """
    folders = {one.file.parent for one in found}
    taken = {folder: {file.name.casefold() for file in folder.iterdir()} for folder in folders}
    changes: dict[Path, Path] = {}
    for one in found:
        if one.label is None:
            continue
        wanted = re.sub(r"[^\w]+", "-", one.name).strip("-") or "stem"
        stem, number = one.file.stem, 1
        if stem == wanted or (stem.startswith(f"{wanted}-") and stem.removeprefix(f"{wanted}-").isdigit()):
            continue
        name = f"{wanted}{one.file.suffix}"
        while name.casefold() in taken[one.file.parent]:
            number += 1
            name = f"{wanted}-{number}{one.file.suffix}"
        taken[one.file.parent].add(name.casefold())
        changes[one.file] = one.file.with_name(name)
    return changes


def rename(old: Path, new: Path) -> None:
    """Give a file another name, never that of another file.

    Raises
    ------
    OrganologyError
        If it cannot be done; names the file and the reason.
    """
    try:
        if os.path.lexists(new):
            raise FileExistsError(f"{new.name} is there already")
        old.rename(new)
    except OSError as error:
        raise OrganologyError(f"{old}: cannot be renamed: {error.strerror or error}") from error
