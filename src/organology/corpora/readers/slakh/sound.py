"""What the stems of Slakh2100 sound like: labels of programs and patches, and stems known to be broken.

`program_num` is what the MIDI file asks for, `plugin_name` the sampler patch that was played. The patches of a class
of programs were drawn at random (`ethman/slakh-generation`: `MakingSlakh.md`, `komplete_strict.json`), and no patch
exists for some programs of a class: accordions and harmonicas are played by organs, synth strings by a sampled string
orchestra, harpsichords by grand pianos. A stem is therefore labeled by its patch, and by its program where the patch
is not known. `inst_class` is not looked at: it files the harp and the timpani under "Strings".
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import PurePosixPath
from typing import Any, Literal

import numpy as np

from organology.corpora.instruments import Instruments
from organology.errors import CorpusError
from organology.labels import Vocabulary, default_set

LabelsBy = Literal["patch", "program"]
DRUMS = 128
_PROGRAMS = "general_midi"
_PATCHES = "slakh_patches"
_NO_PATCH = frozenset({"", "none"})


@dataclass(frozen=True)
class Sound:
    """What a stem is.

    Attributes
    ----------
    program : int
        0 to 127, or 128 for drums.
    name : str
        Of the program.
    patch : str
        Without folder and suffix; "" if the metadata name none.
    word : str
        The program, or "PROGRAM as PATCH" where the two sound unlike.
    instruments : Instruments or None
        None where it names no instrument.
    known : bool
        The table of patches has the patch.
    """

    program: int
    name: str
    patch: str
    word: str
    instruments: Instruments | None
    known: bool

    @property
    def unlike(self) -> bool:
        """The patch sounds unlike the program."""
        return " as " in self.word


def patches() -> Vocabulary:
    """The patches of Slakh2100 as a vocabulary; words are `plugin_name` without folder and suffix."""
    return Vocabulary.load(_PATCHES)


def sound(stem: Any, where: str, labels_by: LabelsBy = "patch") -> Sound:
    """What a stem of `metadata.yaml` is.

    Parameters
    ----------
    stem : mapping
        As it stands under `stems`.
    where : str
        File and stem, named in errors.
    labels_by : {"patch", "program"}

    Raises
    ------
    CorpusError
        If `program_num` or `is_drum` is missing or no such value.
    UnknownWordError
        If the program is none of General MIDI.

    Examples
    --------
    >>> harmonica = {"program_num": 22, "is_drum": False, "plugin_name": "transistor_compact.nkm"}
    >>> sound(harmonica, "").word
    '22 as transistor_compact'
    """
    if not isinstance(stem, dict):
        raise CorpusError(f"{where}: not a mapping")
    program = _program(stem, where)
    Vocabulary.load(_PROGRAMS).entry(str(program), where)
    return _sound(program, _patch(stem.get("plugin_name")), labels_by)


@cache
def _sound(program: int, patch: str, labels_by: LabelsBy) -> Sound:
    entry = Vocabulary.load(_PROGRAMS)[str(program)]
    by_program = None if entry.policy == "exclude" else Instruments.of(entry)
    known = patch in patches()
    if labels_by == "program" or not known:
        return Sound(program, entry.note, patch, str(program), by_program, known)
    by_patch = Instruments.of(patches()[patch])
    unlike = by_program is None or not _same_labels(by_patch, by_program)
    return Sound(program, entry.note, patch, f"{program} as {patch}" if unlike else str(program), by_patch, known)


def _same_labels(one: Instruments, other: Instruments) -> bool:
    """Whether two sounds have the same labels of the default set: what the report calls alike."""
    return np.array_equal(one.encode(default_set()), other.encode(default_set()))


def _program(stem: dict[str, Any], where: str) -> int:
    drum, program = stem.get("is_drum"), stem.get("program_num")
    if not isinstance(drum, bool):
        raise CorpusError(f"{where}: is_drum is {drum!r}, neither true nor false")
    if drum:
        return DRUMS
    if isinstance(program, bool) or not isinstance(program, int):
        raise CorpusError(f"{where}: program_num is {program!r}, no number")
    return program


def _patch(name: Any) -> str:
    """A `plugin_name` without folder and suffix.

    Examples
    --------
    >>> _patch("/Library/Audio/Plug-Ins/Components/AGML2.component")
    'AGML2'
    """
    patch = PurePosixPath(str(name or "").strip()).name.removesuffix(".nkm").removesuffix(".component")
    return "" if patch.casefold() in _NO_PATCH else patch


@cache
def known_faults() -> dict[tuple[str, str], tuple[str, bool, str]]:
    """Stems that users of Slakh2100 found broken: (track, stem) -> fault, whether to leave it out, source.

    Left out are those whose sound is not of the instrument: white noise, one tone from beginning to end. Where notes
    and sound disagree in pitch, length or number the instrument is still right.
    """
    rows = csv.DictReader(_data("slakh_known_stems.tsv").splitlines(), delimiter="\t")
    return {(row["track"], row["stem"]): (row["fault"], row["policy"] == "skip", row["source"]) for row in rows}


def _data(name: str) -> str:
    return (resources.files("organology.corpora.readers.slakh") / "data" / name).read_text("utf-8")
