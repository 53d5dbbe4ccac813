"""What the views of the terminal share: which labels have a row, and how title, names, marks and scores are written."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from organology.outputs.terminal.printable import printable
from organology.recognition.result import Recognition
from organology.timeaxis import clock

NOTHING = "nothing recognized"
BRIEFLY = "briefly"


@dataclass(frozen=True)
class Row:
    """A row of a table or timeline.

    Attributes
    ----------
    label : str
    plays : bool
        In the file as a whole; else only for a while.
    name : str
        For people, behind its mark and indented by its place in the tree.
    score, threshold : float
    """

    label: str
    plays: bool
    name: str
    score: float
    threshold: float


def rows(recognition: Recognition, with_unicode: bool = True) -> list[Row]:
    """Labels worth a row: those that play in the file or for a while, and their parents; parents before children."""
    label_set, plays = recognition.label_set, set(recognition.instruments)
    shown = plays | set(recognition.brief)
    for label in tuple(shown):
        while (parent := label_set.parents.get(label)) is not None:
            shown.add(parent)
            label = parent
    found = []
    for label in recognition.order():
        if label in shown:
            name = f"{mark(label in plays, with_unicode)} {'  ' * label_set.depth(label)}{label_set.display[label]}"
            i = recognition.labels.index(label)
            threshold = float(recognition.thresholds[i])
            found.append(Row(label, label in plays, printable(name), recognition.score(label), threshold))
    return found


def mark(plays: bool, with_unicode: bool) -> str:
    """The mark of a label that plays in the file as a whole, or only for a while."""
    filled, empty = ("●", "○") if with_unicode else ("*", "-")
    return filled if plays else empty


def title(recognition: Recognition, end: str = "\n") -> Text:
    """Name and length, and the notes below."""
    text = Text(printable(recognition.source), style="bold", end=end)
    text.append(f"  {clock(recognition.duration, tenths=True)}", style="not bold bright_black")
    for note in recognition.notes:
        text.append(f"\n{printable(note)}", style="not bold yellow")
    return text
