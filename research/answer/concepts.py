"""The finer concepts: their labels, AudioSet classes and General MIDI programs, and what the stems of a corpus hold."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from organology.labels import Vocabulary
from organology.labels.bradl15 import BRADL15, LABELS

_ROWS = list(csv.DictReader((Path(__file__).parent / "concepts.tsv").open(encoding="utf-8"), delimiter="\t"))
CONCEPTS: tuple[str, ...] = tuple(row["concept"] for row in _ROWS)
LABEL_OF: dict[str, str] = {row["concept"]: row["label"] for row in _ROWS}
OF_PROGRAM: dict[int, list[str]] = {}
for _row in _ROWS:
    for _program in filter(None, _row["programs"].split("|")):
        OF_PROGRAM.setdefault(int(_program), []).append(_row["concept"])
GUITARS, BASSES = ("acoustic_guitar", "electric_guitar"), ("electric_bass", "double_bass", "synth_bass")
STRINGS = ("violin", "viola", "cello", "double_bass", "string_section")

# What a General MIDI program cannot honestly be told to be or not to be.
_UNKNOWN = {
    2: ("piano", "electric_piano"),
    8: ("mallet_percussion",),
    15: ("zither",),
    44: (*STRINGS, "bass"),
    45: (*STRINGS, "bass"),
    48: (*STRINGS, "bass"),
    49: (*STRINGS, "bass"),
    50: ("string_section",),
    51: ("string_section",),
    52: ("singing",),
    53: ("singing",),
    54: ("singing", "choir"),
    58: ("bass",),
    61: ("trumpet", "trombone", "french_horn", "tuba", "saxophone"),
    62: ("trumpet", "trombone"),
    63: ("trumpet", "trombone"),
    75: ("flute", "recorder"),
    77: ("flute", "recorder"),
    79: ("flute", "recorder"),
    85: ("singing", "choir"),
    87: ("bass", "synth_bass"),
    91: ("singing", "choir"),
    106: ("banjo",),
    117: ("drum_kit",),
    118: ("drum_kit",),
    119: ("drum_kit", "cymbals"),
    128: ("cymbals",),
}
_SAMPLED = {
    "bass clarinet": "clarinet",
    "cor anglais": "oboe",
    "contrabassoon": "bassoon",
    "guitar": "acoustic_guitar",
    "double bass": "double_bass",
    "french horn": "french_horn",
}
# Folder, or folder and a part of the note or of the name, of the recorded stems -> concepts; labels serve for the rest.
_RECORDED = (
    ("bearsax", "", "saxophone"),
    ("mtgsax", "", "saxophone"),
    ("weresax", "", "saxophone"),
    ("midiphrases", "tensax", "saxophone"),
    ("midiphrases", "weresax", "saxophone"),
    ("midiphrases", "barsax", "saxophone"),
    ("midiphrases", "altsax", "saxophone"),
    ("midiphrases", "sopsax", "saxophone"),
    ("midiphrases", "flute", "flute"),
    ("midiphrases", "tuba", "tuba"),
    ("midiphrases", "dsmarco", "double_bass"),
    ("midiphrases", "meatarco", "double_bass"),
    ("ixoxflute", "", "flute"),
    ("wartuba", "", "tuba"),
    ("dsmbass", "", "double_bass"),
    ("meatbass", "", "double_bass"),
    ("harp", "", "harp"),
    ("gsep", "electric piano", "electric_piano"),
    ("jrhodes", "", "electric_piano"),
    ("caveman", "", "organ"),
    ("fsdkaggle", "cello", "cello"),
    ("fsdkaggle", "clarinet", "clarinet"),
    ("fsdkaggle", "flute", "flute"),
    ("fsdkaggle", "saxophone", "saxophone"),
    ("everythingisfree", "sy_bass", "synth_bass"),
    ("gmperc", "", "hand_drums"),
    ("sonicpi", "tabla", "hand_drums"),
)


@dataclass(frozen=True, eq=False)
class Source:
    """A stem: file, song (stems of one share a time line where `aligned`), three-valued labels and concepts."""

    path: Path
    song: str
    aligned: bool
    labels: np.ndarray
    concepts: np.ndarray
    weight: float


def vector(present: set[str], unknown: set[str]) -> np.ndarray:
    """Three-valued concepts, with the unions that follow."""
    present = set(present)
    if present & set(GUITARS):
        present.add("guitar")
    if present & set(BASSES):
        present.add("bass")
    if "synth_bass" in present:
        present.add("synthesizer")
    out = np.zeros(len(CONCEPTS), np.int8)
    for name in unknown:
        out[CONCEPTS.index(name)] = -1
    for name in present:
        out[CONCEPTS.index(name)] = 1
    return out


def _of_labels(labels: np.ndarray, present: set[str], unknown: set[str]) -> None:
    """Concepts that are labels too; what may sound within an unknown or a bare family is unknown."""
    for concept, label in LABEL_OF.items():
        value = labels[LABELS.index(label)]
        whole = concept in {
            "singing",
            "drum_kit",
            "violin",
            "electric_guitar",
            "acoustic_guitar",
            "electric_bass",
            "piano",
            "synthesizer",
        }
        if whole and value == 1:
            present.add(concept)
        elif value == -1:
            unknown.add(concept)


def _recorded(row: dict[str, str], root: Path) -> Source | None:
    masks = row["label_note"].split("mask", 1)[1] if "mask" in row["label_note"] else ""
    masked = {word.strip() for part in masks.split(",") for word in part.split(" and ")}
    masked = {"bowed_string" if word.startswith("bowed") else word for word in masked} & set(LABELS)
    words = [word for word in (*row["families"].split("|"), *row["instruments"].split("|")) if word]
    labels = BRADL15.encode_labels(words, masked)
    folder, name = row["path"].split("/", 1)
    hits = [
        c
        for f, part, c in _RECORDED
        if f == folder and (not part or part in name.lower() or part in row["label_note"].lower())
    ]
    present, unknown = set(hits), set()
    _of_labels(labels, present, unknown)
    if not hits:  # a bare family: any of its concepts that is no label of its own
        for family in row["families"].split("|"):
            alone = not row["instruments"]
            unknown |= {c for c, label in LABEL_OF.items() if alone and label == family}
    if folder == "everythingisfree" and "voice" in row["families"]:
        unknown |= {"singing", "choir", "speech"}
    if row["families"] == "percussion":
        unknown.add("cymbals")
    if folder in {"waivops", "sonicpi"} and not row["instruments"]:
        unknown |= {"hand_drums", "drum_kit"} - present
    weight = 0.3 if row["kind"] == "notes" else 1.0
    return Source(root / row["path"], row["song"], row["kind"] != "notes", labels, vector(present, unknown), weight)


def sources(folder: Path) -> list[Source]:
    """The stems of a folder with a stems.csv: of recorded, sampled or rendered music."""
    with (folder / "stems.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = []
    if rows and rows[0].get("vocabulary") == "general_midi":
        vocabulary = Vocabulary.load("general_midi")
        for row in rows:
            program = int(row["instrument"])
            unknown = set(_UNKNOWN.get(program, ()))
            concepts = vector(set(OF_PROGRAM.get(program, ())), unknown)
            labels = vocabulary[row["instrument"]].encode(BRADL15)
            found.append(Source(folder / row["path"], row["song"], True, labels, concepts, 1.0))
        return found
    for row in rows:
        if "label_note" in row:
            found.append(_recorded(row, folder))
            continue
        name = row["stem"].split("_", 1)[1].replace("_", " ")
        present = {_SAMPLED.get(name, name)}
        labels = BRADL15.encode_labels([word for word in (row["families"], row["instruments"]) if word])
        found.append(Source(folder / row["path"], row["song"], True, labels, vector(present, set()), 1.0))
    return found
