"""Verbs that are killed at any moment: nothing is lost, nothing half done counts, nothing is left behind.

    python benchmarks/attacks/kills.py                              # 40 kills of each verb
    python benchmarks/attacks/kills.py --verbs prepare,train --kills 10 --seed 1

A verb runs once undisturbed; the files in its folder before and after are what counts. Then it is killed again and
again, half the time as soon as it writes, by SIGKILL mostly, the process alone or with all that it began. After each
kill every file has to be as it was or as it will be, but for those that grow with the work, which have to be readable.
Whenever it comes to its end, the folder has to hold what the undisturbed run left, byte by byte, and no file more; then
all begins anew. Ends with exit status 1, and says what was wrong, if anything was.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import soundfile
import yaml
from forks import ORGANOLOGY
from killing import Attack, Verb, digest

RATE = 32_000
PREPARE = ("prepare", "stems", "songs", "--out", "prepared", "--jobs", "2", "--fractions", "0.4,0.3,0.3")


def store_rows(path: Path) -> object:
    """Recordings and scores of a store, without the times of writing; None where it is only begun."""
    with tempfile.TemporaryDirectory() as folder:  # a copy: to open a store changes the files beside it
        for part in path.parent.glob(f"{path.name}*"):
            shutil.copy2(part, folder)
        with closing(sqlite3.connect(Path(folder, path.name))) as connection:
            return _rows(connection)


def _rows(connection: sqlite3.Connection) -> object:
    if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
        raise ValueError("not intact")
    if not connection.execute("SELECT name FROM sqlite_master WHERE name = 'recording'").fetchall():
        return None
    rows = connection.execute(
        "SELECT path, channel, content, scores FROM recording JOIN window_scores ON recording = recording.id"
    )
    in_work = connection.execute("SELECT path FROM in_work")
    return digest_of(sorted((os.path.basename(path), *rest) for path, *rest in rows)), sorted(in_work)  # noqa: PTH119


def digest_of(values: object) -> str:
    """Of anything that prints the same where it is the same."""
    return hashlib.sha256(repr(values).encode()).hexdigest()


def without_time(path: Path) -> object:
    """JSON without how long it took."""
    values = json.loads(path.read_text("utf-8"))
    values.pop("seconds_since_start_or_resume", None)
    return values


def history(path: Path) -> object:
    """Rows of a run's metrics, without how fast it was."""
    return [re.sub(r"[\d.]+$", "", line) for line in path.read_text("utf-8").splitlines()]


def training_state(path: Path) -> object:
    """Weights to resume from; the file holds times, too."""
    if zipfile.ZipFile(path).testzip() is not None:
        raise ValueError("damaged")
    return None


def weights_and_description(path: Path) -> object:
    """A description; what it says of the weights beside it has to be so."""
    values = json.loads(path.read_text("utf-8"))
    if values["weights_sha256"] != digest(path.with_name("model.safetensors")):
        raise ValueError("describes other weights than those beside it")
    return values


def make_music(folder: Path, kinds: Sequence[str] = ("wav", "flac", "ogg", "mp3")) -> None:
    """Sixteen short recordings of several kinds."""
    rng = np.random.default_rng(0)
    (folder / "music").mkdir()
    for number in range(16):
        samples = 0.1 * rng.standard_normal(RATE * int(rng.integers(1, 5)))
        soundfile.write(folder / "music" / f"{number:02}.{kinds[number % len(kinds)]}", samples, RATE)


def make_stems(folder: Path) -> None:
    """Nine songs of three stems each."""
    t = np.arange(5 * RATE) / RATE
    for song in range(9):
        place = folder / "songs" / f"song {song}"
        place.mkdir(parents=True)
        for stem, pitch in (("piano", 440), ("violin", 660), ("drums", 0)):
            noise = np.random.default_rng([song, pitch]).standard_normal(len(t))
            tone = np.sin(2 * np.pi * pitch * 2 ** (song / 12) * t) if pitch else noise
            soundfile.write(place / f"{stem}.wav", 0.2 * tone * np.exp(-3 * (t % 0.5)), RATE)


def make_training(folder: Path, keep_songs: bool = False) -> None:
    """A prepared corpus of those songs, and a recipe of seconds."""
    make_stems(folder)
    subprocess.run([*ORGANOLOGY, *PREPARE], cwd=folder, check=True, capture_output=True)
    if not keep_songs:
        shutil.rmtree(folder / "songs")
    effects = {"pitch_shift": {"probability": 0}, "time_stretch": {"probability": 0}}
    recipe = {
        "name": "killed",
        "corpora": ["prepared"],
        "mixing": {"chunk_seconds": 1.1, "effects": effects},
        "model": {"channels": [4, 6, 8, 8, 8, 8, 8]},
        "training": {
            "transfer": "scratch", "epochs": 4, "batches_per_epoch": 2, "batch_size": 4, "validation_mixtures": 8,
            "workers": 1, "threads": 1, "device": "cpu",
        },
    }  # fmt: skip
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")


MAKE_CHECKPOINT = """
from organology.labels import default_set
from organology.model import InstrumentNet, ModelConfig, save_checkpoint
from organology.model_metadata import ModelMetadata

label_set = default_set()
net = InstrumentNet(ModelConfig("short-chunk", channels=(4, 6, 8, 8, 8, 8, 8)), label_set)
save_checkpoint("checkpoint", net, ModelMetadata(label_set, (0.5,) * len(label_set), name="killed"))
"""


def make_checkpoint(folder: Path) -> None:
    """A checkpoint of a small network, and a model that stands where another one is exported to."""
    subprocess.run([sys.executable, "-c", MAKE_CHECKPOINT], cwd=folder, check=True, capture_output=True)
    (folder / "mine.onnx").write_bytes(b"a model of before")


def make_nothing(folder: Path) -> None:
    """An empty folder."""


RUN = "run"
VERBS = {
    "recognize": Verb(
        ("recognize", "music", "--store", "lib.db", "--format", "csv", "-o", "out.csv", "-j", "2", "-q"),
        make_music,
        growing=["lib.db*"],
        readers={"lib.db": store_rows},
    ),
    "annotations": Verb(
        ("recognize", "music", "--format", "segments", "-o", "annotations", "--plot", "pictures", "-j", "2", "-q"),
        make_music,
    ),
    "tags": Verb(
        ("recognize", "music", "--store", "lib.db", "--format", "csv", "-o", "out.csv", "--write-tags", "--yes", "-q"),
        make_music,
        growing=["lib.db*"],
        readers={"lib.db": store_rows},
    ),
    "prepare": Verb(
        PREPARE,
        make_stems,
    ),
    "train": Verb(
        ("train", "recipe.yaml", "--out", RUN, "--resume"),
        make_training,
        growing=[f"{RUN}/*"],
        ignored=[f"{RUN}/logs/events.out.tfevents.*"],
        slow_to_import=True,
        readers={
            f"{RUN}/summary.json": without_time,
            f"{RUN}/last.ckpt": training_state,
            f"{RUN}/logs/metrics.csv": history,
            f"{RUN}/best/model.json": weights_and_description,
        },
    ),
    "export": Verb(("export", "checkpoint", "mine.onnx"), make_checkpoint, slow_to_import=True),
    "import": Verb(
        ("import", "--out", "checkpoint"),
        make_nothing,
        refuses_done=True,
        slow_to_import=True,
        readers={"checkpoint/model.json": weights_and_description},
    ),
    "mix": Verb(
        ("mix", "--recipe", "recipe.yaml", "--out", "heard", "-n", "20"), make_training, growing=["heard/*.csv"]
    ),
}
"""What is tried. A row more is a verb more."""


def main() -> int:
    """Try it; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verbs", default=",".join(VERBS), help="separated by commas")
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    n_problems = 0
    for name in given.verbs.split(","):
        with tempfile.TemporaryDirectory() as folder:
            attack = Attack(name, VERBS[name], Path(folder), given.seed)
            attack.run(given.kills)
        for problem in attack.problems:
            print(f"{name}: {problem}", flush=True)
        n_problems += len(attack.problems)
    print(f"{n_problems} things were wrong" if n_problems else "nothing was wrong")
    return bool(n_problems)


if __name__ == "__main__":
    sys.exit(main())
