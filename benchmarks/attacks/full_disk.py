"""Outputs that cannot be written: each verb says so in one line that names the file, and leaves nothing half done.

    python benchmarks/attacks/full_disk.py                      # as root, on Linux: it mounts small file systems
    python benchmarks/attacks/full_disk.py --verbs train,export

Each verb writes to a disk of its own: one that is full, one that fills at half of what it writes, one that is
read-only; or, where it writes to standard output, to a full device and to none. It has to end with an error, without a
traceback, and the last line has to name what could not be written. Where nothing can be written at all, that line is
the only one, as the target is looked at before the work. Afterwards there is no temporary file, and every file is
whole.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import soundfile
from forks import ORGANOLOGY, Fork, preload
from kills import RATE, make_checkpoint, make_training

DISK = "disk"
WHOLE = (".onnx", ".csv", ".npz", ".safetensors", ".html", ".parquet")
LARGE = 512 * 2**20
RECOGNIZE = ("recognize", "music", "-q")
MIDI = (
    b"MThd"
    + bytes.fromhex("00000006 0000 0001 01e0")
    + b"MTrk"
    + bytes.fromhex("00000014 00903c5a 83603c00 0090405a 83604000 00ff2f00")
)
"""Two notes."""

INPUTS = ("font.sf2", "dataset", "runtime")
"""What is there only with a SoundFont, pyarrow or onnxruntime-web."""

RUNTIME = Path(__file__).parents[2] / "build" / "onnxruntime-web"
SOUNDFONTS = ("/usr/share/sounds/sf2/default-GM.sf2", "/usr/share/sounds/sf2/FluidR3_GM.sf2")


@dataclass(frozen=True)
class Verb:
    """What writes.

    Attributes
    ----------
    arguments : sequence of str
        Of `organology`; none of them names the disk: standard output is what is written to.
    there : str
        An input that lies on the disk, as it is written anew.
    is_small : bool
        What it writes fits anywhere, so that no disk fills halfway.
    answers : bool
        It has something to say of each file, too.
    """

    arguments: Sequence[str]
    there: str = ""
    is_small: bool = False
    answers: bool = False


VERBS = {
    "recognize": Verb((*RECOGNIZE, "--format", "csv", "-o", f"{DISK}/a.csv"), is_small=True),
    "page of recordings": Verb((*RECOGNIZE, "--embed-audio", "-o", f"{DISK}/a.html")),
    "annotations": Verb((*RECOGNIZE, "--format", "jams", "-o", f"{DISK}/annotations")),
    "pictures": Verb((*RECOGNIZE, "--format", "csv", "-o", "a.csv", "--plot", f"{DISK}/pictures")),
    "store": Verb((*RECOGNIZE, "--format", "csv", "-o", "a.csv", "--store", f"{DISK}/lib.db")),
    "tags": Verb(
        ("recognize", f"{DISK}/music", "-q", "--write-tags", "--yes"), there="music", is_small=True, answers=True
    ),
    "printed": Verb((*RECOGNIZE, "--format", "jsonl")),
    "find": Verb(("find", "--store", "lib.db", "--format", "csv", "-o", f"{DISK}/a.csv"), is_small=True),
    "found": Verb(("find", "--store", "lib.db", "--format", "paths")),
    "store export": Verb(("store", "export", "dataset", f"{DISK}/merged")),
    "store import": Verb(("store", "import", "dataset", f"{DISK}/lib.db")),
    "stems": Verb(("stems", "music", "--format", "json", "-o", f"{DISK}/stems.json"), is_small=True),
    "prepare": Verb(("prepare", "stems", "songs", "--out", f"{DISK}/prepared", "--fractions", "0.4,0.3,0.3")),
    "mix": Verb(("mix", "--recipe", "recipe.yaml", "--out", f"{DISK}/mixed", "-n", "4")),
    "render": Verb(("render", "song.mid", "-s", "font.sf2", "-o", f"{DISK}/rendered")),
    "train": Verb(("train", "recipe.yaml", "--out", f"{DISK}/run")),
    "export": Verb(("export", "checkpoint", f"{DISK}/mine.onnx")),
    "import": Verb(("import", "--out", f"{DISK}/checkpoint")),
    "average": Verb(("average", "checkpoint", "checkpoint", "--out", f"{DISK}/mean")),
    "tune": Verb(
        ("tune", f"{DISK}/checkpoint", "recipe.yaml", "--mixtures", "8", "--workers", "0"), there="checkpoint"
    ),
    "embed": Verb(("embed", "checkpoint", "music", "--out", f"{DISK}/a.npz"), is_small=True),
    "evaluate": Verb(
        ("evaluate", "checkpoint", "recipe.yaml", "--mixtures", "8", "--workers", "0", "--bootstrap", "0",
         "--out", f"{DISK}/results")
    ),
    "page": Verb(("page", f"{DISK}/page", "--runtime", "runtime")),
}  # fmt: skip
"""What is tried. A row more is a verb more."""


def make_inputs(folder: Path) -> None:
    """All that the verbs read."""
    make_training(folder, keep_songs=True)
    make_checkpoint(folder)
    rng = np.random.default_rng(0)
    (folder / "music").mkdir()
    for number in range(4):
        soundfile.write(folder / "music" / f"{number}.flac", 0.1 * rng.standard_normal(4 * RATE), RATE)
    (folder / "song.mid").write_bytes(MIDI)
    font = next((font for font in SOUNDFONTS if Path(font).exists()), None)
    if font is not None:
        (folder / "font.sf2").symlink_to(font)
    if RUNTIME.is_dir():
        (folder / "runtime").symlink_to(RUNTIME)
    commands = [(*RECOGNIZE, "--store", "lib.db")]
    if find_spec("pyarrow"):
        commands.append(("store", "export", "lib.db", "dataset"))
    for arguments in commands:
        subprocess.run([*ORGANOLOGY, *arguments], cwd=folder, check=True, capture_output=True)


@contextmanager
def mounted(place: Path, size: int) -> Iterator[None]:
    """A file system in memory."""
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def size_of(folder: Path) -> int:
    """Bytes that files take, in whole pages."""
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in folder.rglob("*") if path.is_file())


def fill(place: Path) -> None:
    """Write until nothing more can be."""
    with Path(place, "filling").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


class Attack:
    """What cannot be written, for one verb."""

    def __init__(self, name: str, work: Path) -> None:
        self.name, self.verb, self.work = name, VERBS[name], work
        self.disk, self.said = work / DISK, work.with_name("said.txt")
        self.problems: list[str] = []
        self.environment = {**os.environ, "COLUMNS": "200"}
        self.n_tries = 0

    def run(self) -> None:
        """Try all."""
        if not any(DISK in argument for argument in self.verb.arguments):
            for what, where in (("a full device", "/dev/full"), ("nothing", None)):
                self._ends(what, self._begin(where), "standard output", only=True)
            return
        with mounted(self.disk, LARGE):
            before = self._begin_whole()
            status, text = self._begin()
            if status:
                self.problems.append(f"does not end well on a large disk: {text[-500:]}")
                return
            whole, n_bytes = self._names(), size_of(self.disk)
        with mounted(self.disk, LARGE):
            self._begin_whole()
            fill_from = size_of(self.disk)
            subprocess.run(["mount", "-o", f"remount,size={fill_from + 4096}", str(self.disk)], check=True)
            fill(self.disk)
            self._ends("a full disk", self._begin(), DISK, only=True)
            self._left("a full disk", before | {"filling"})
        if not self.verb.is_small:
            with mounted(self.disk, LARGE):
                self._begin_whole()
                half = (size_of(self.disk) + n_bytes) // 2 // 4096 * 4096
                subprocess.run(["mount", "-o", f"remount,size={half}", str(self.disk)], check=True)
                self._ends("a disk that fills", self._begin(), DISK, only=False)
                self._left("a disk that fills", before | whole)
        with mounted(self.disk, LARGE):
            self._begin_whole()
            subprocess.run(["mount", "-o", "remount,ro", str(self.disk)], check=True)
            self._ends("a read-only disk", self._begin(), DISK, only=True)

    def _begin_whole(self) -> set[str]:
        if self.verb.there:
            shutil.copytree(self.work / self.verb.there, self.disk / self.verb.there)
        return self._names()

    def _names(self) -> set[str]:
        return {path.relative_to(self.disk).as_posix() for path in self.disk.rglob("*") if path.is_file()}

    def _begin(self, output: str | None = "") -> tuple[int, str]:
        """Run it; its exit status and what it said on standard error, and on standard output unless that is given."""
        for path in (self.work / "a.csv",):
            path.unlink(missing_ok=True)
        status = Fork(self.verb.arguments, self.work, self.environment, self.said, output).wait()
        return status, self.said.read_text("utf-8", "replace")

    def _ends(self, what: str, ended: tuple[int, str], named: str, only: bool) -> None:
        self.n_tries += 1
        status, text = ended
        lines = [line for line in text.splitlines() if line.strip()]
        problems = []
        if status <= 0:
            problems.append(f"exit status {status}")
        if "Traceback" in text or "should not happen" in text:
            problems.append("no clear line")
        if not lines or named not in lines[-1]:
            problems.append("the last line does not name it")
        if only and not self.verb.answers and len(lines) != 1:
            problems.append(f"{len(lines)} lines")
        if problems:
            self.problems.append(f"{what}: {', '.join(problems)}: {text.strip()[-400:]!r}")

    def _left(self, what: str, allowed: set[str]) -> None:
        found = self._names()
        temporary = {name for name in found if ".organology-" in f"/{name}"}
        self.problems += [f"{what}: left behind: {name}" for name in sorted(temporary)]
        for name in sorted(found - temporary):
            path = self.disk / name
            if path.suffix == ".json" and not _is_json(path):
                self.problems.append(f"{what}: {name} is no JSON")
            if path.suffix in (".flac", ".wav") and not _is_sound(path):
                self.problems.append(f"{what}: {name} is no sound")
            if path.suffix in WHOLE and not path.stat().st_size:
                self.problems.append(f"{what}: {name} is empty")
        strange = {name for name in found - temporary if name not in allowed and "tfevents" not in name}
        self.problems += [f"{what}: {name} should not be there" for name in sorted(strange)]


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text("utf-8"))
    except ValueError:
        return False
    return True


def _is_sound(path: Path) -> bool:
    try:
        return len(soundfile.read(path)[0]) > 0
    except soundfile.LibsndfileError:
        return False


def main() -> int:
    """Try it; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verbs", default=",".join(VERBS), help="separated by commas")
    given = parser.parse_args()
    if sys.platform != "linux" or os.geteuid() != 0:
        print("nothing was tried: this needs Linux, and root, who may mount file systems")
        return 0
    n_problems = 0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder, "work")
        work.mkdir()
        make_inputs(work)
        for loaded in ("train", "export", "recognize", "prepare"):
            arguments = [argument.replace(DISK, f"preloaded-{loaded}") for argument in VERBS[loaded].arguments]
            (work / f"preloaded-{loaded}").mkdir()
            preload(arguments, work, dict(os.environ))
        for name in given.verbs.split(","):
            missing = [part for part in VERBS[name].arguments if part in INPUTS and not (work / part).exists()]
            if missing:
                print(f"{name}: not tried: no {missing[0]} here", flush=True)
                continue
            attack = Attack(name, work)
            attack.run()
            print(f"{name}: {attack.n_tries} tries, {len(attack.problems)} wrong", flush=True)
            for problem in attack.problems:
                print(f"  {problem}", flush=True)
            n_problems += len(attack.problems)
    print(f"{n_problems} things were wrong" if n_problems else "nothing was wrong")
    return bool(n_problems)


if __name__ == "__main__":
    sys.exit(main())
