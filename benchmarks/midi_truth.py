"""How well a model hears what plays in recordings of synthesizers whose MIDI files are known.

    apt-get download planetblupi-music-ogg planetblupi-music-midi && for deb in *.deb; do dpkg-deb -x $deb .; done
    python benchmarks/midi_truth.py usr/share/planetblupi/music [--model MODEL.onnx]

FOLDER holds NAME.ogg and NAME.mid, which begin together. Windows lie end to end. A label is present in a window where
instruments that hold it sound for 0.6 s in all (drums: are struck once), absent where none sounds, else unknown. Prints
a table in Markdown; intervals by bootstrap over recordings.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from labeled_clips import tell

from organology import Recognizer
from organology.labels import ABSENT, PRESENT, UNKNOWN, Vocabulary
from organology.labels.bradl15 import BRADL15, LABELS
from organology.rendering.midi import Part, read_score

CLEAR_SECONDS = 0.6


def sounding(part: Part, start: float, end: float) -> float:
    """Share of `CLEAR_SECONDS` that a part sounds in a window; 1 and more is enough."""
    if part.is_drums:
        return float(any(start <= note.start < end for note in part.notes))
    return sum(max(0.0, min(note.end, end) - max(note.start, start)) for note in part.notes) / CLEAR_SECONDS


def truth(parts: tuple[Part, ...], start: float, end: float) -> np.ndarray:
    """Labels of a window, int8, shape (15,)."""
    vocabulary = Vocabulary.load("general_midi")
    labels = np.full(len(LABELS), ABSENT, np.int8)
    for part in parts:
        share = sounding(part, start, end)
        if share > 0:
            own = np.array(vocabulary[str(part.program)].encode(BRADL15), np.int8)
            if share < 1:
                own[own == PRESENT] = UNKNOWN
            labels[(own == UNKNOWN) & (labels == ABSENT)] = UNKNOWN
            labels[own == PRESENT] = PRESENT
    return labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path)
    given = parser.parse_args()
    recognizer = Recognizer(given.model)
    seconds = recognizer.metadata.window_seconds
    targets, scores, groups = [], [], []
    for midi in sorted(given.folder.glob("*.mid")):
        score = read_score(midi)
        recognition = recognizer.recognize(midi.with_suffix(".ogg"), hop_seconds=seconds)
        for start, end, of_window in zip(recognition.starts, recognition.ends, recognition.scores, strict=True):
            if end <= score.seconds and end - start == seconds:
                targets.append(truth(score.parts, start, end))
                scores.append(of_window)
                groups.append(midi.stem)
    tell(np.stack(targets), np.stack(scores), groups, np.array(recognizer.metadata.thresholds), "windows")
    print(f"\n{len(targets)} windows of {len(set(groups))} recordings")


if __name__ == "__main__":
    main()
