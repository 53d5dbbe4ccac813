"""What a model hears where nothing plays: in synthesized noise, and in recordings of noise.

    python research/noise.py FOLDER [--model MODEL.onnx …] [--leave-out voice …]

FOLDER holds recordings without any instrument (rain, engines, applause; `--leave-out` names labels that they may hold).
Prints a table in Markdown: for each sound the label that comes closest to its threshold, and its score as a multiple of
it, so that 1 and more is a false alarm. Without `--model`, the model in the package is asked.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from organology import Recognizer
from organology.audio import SAMPLE_RATE
from organology.errors import AudioError
from organology.labels import default_set
from organology.mixing.channel.noise import crackle, hiss, hum

SECONDS = 10
LABELS = default_set().labels


def synthesized() -> dict[str, np.ndarray]:
    """Name -> noise with a root mean square of -26 dB, shape (frames,)."""
    frames = SECONDS * SAMPLE_RATE

    def band(color: float, low_hz: float = 20, high_hz: float = 16_000) -> np.ndarray:
        rng = np.random.default_rng(0)
        return hiss(rng, frames, SAMPLE_RATE, color=color, low_hz=low_hz, high_hz=high_hz)

    rng = np.random.default_rng(0)
    sounds = {
        "white noise": band(0),
        "pink noise": band(1),
        "brown noise": band(2),
        "white noise, 100 Hz to 4 kHz": band(0, 100, 4000),
        "mains hum of 50 Hz": hum(rng, frames, SAMPLE_RATE, mains_hz=50),
        "crackle of a record": crackle(rng, frames, SAMPLE_RATE, clicks_per_second=10),
    }
    return {name: np.clip(samples * np.float32(0.05), -1, 1) for name, samples in sounds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path, nargs="+", default=[None])
    parser.add_argument("--leave-out", nargs="*", default=[], choices=LABELS)
    given = parser.parse_args()
    counted = np.array([label not in given.leave_out for label in LABELS])
    recognizers = [Recognizer(model) for model in given.model]
    alarms, heard = np.zeros(len(recognizers), dtype=int), 0
    print("| sound | " + " | ".join(str(model.stem if model else "shipped") for model in given.model) + " |")
    print("|---" * (len(recognizers) + 1) + "|")
    recordings = sorted(path for path in given.folder.rglob("*") if path.is_file())
    for sound in (*synthesized().items(), *recordings):
        cells = []
        for i, recognizer in enumerate(recognizers):
            try:
                found = (
                    recognizer.recognize(sound)
                    if isinstance(sound, Path)
                    else recognizer.recognize(sound[1], sr=SAMPLE_RATE)
                )
            except AudioError as error:
                print(error)
                break
            near = np.where(counted, found.file_scores / np.array(recognizer.metadata.thresholds), 0)
            alarms[i] += near.max() >= 1
            cells.append(f"{default_set().display[LABELS[int(near.argmax())]]} {near.max():.2f}")
        if cells:
            heard += 1
            name = sound.relative_to(given.folder) if isinstance(sound, Path) else sound[0]
            print(f"| {name} | " + " | ".join(cells) + " |")
    print(f"| **false alarms in {heard} sounds** | " + " | ".join(f"**{count}**" for count in alarms) + " |")


if __name__ == "__main__":
    main()
