"""The command blocks of README and docs: found by Sybil, run in a folder with recordings, stems and small recipes.

A block fenced as `sh` or `python` is run unless `<!-- skip: next "reason" -->` stands before it. Of a shell block each
line is run by itself; `organology …` in this process, as that saves the seconds of importing torch.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import yaml
from sybil import Document, Example
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser
from typer.testing import CliRunner

from organology import recipes
from organology.cli import command_line

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    page
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "starter/README.md", *ROOT.glob("docs/**/*.md"))
    if page != ROOT / "docs/reference/cli.md"
)
SONGS = ("first-light", "garden-trio", "gather-by-the-river", "carousel-waltz", "crown-and-river", "brass-at-noon")
SECONDS, STEM_SECONDS = 6, 9
NOT_RUN = ("pip", "apt", "apt-get", "git", "brew")
"""What changes the machine, or needs a network."""

FEW_MIXTURES = ("tune", "evaluate")
"""Verbs that draw thousands of mixtures; here they draw a few."""

_COMMAND = re.compile(r"\s*(organology|make|pip|python|sqlite3|curl|ffmpeg|beet|git|apt|duckdb)\s")
_EXTRA = re.compile(r"\[([a-z,]+)\]")


def document(page: Path) -> Document:
    """A page with its blocks."""
    parsers = [CodeBlockParser("sh", run_shell), PythonCodeBlockParser(), SkipParser()]
    return Document.parse(str(page), *parsers)


def untagged(page: Path) -> list[str]:
    """First lines of blocks that begin with a command and say no language."""
    blocks = re.findall(r"^```(.*)\n((?:(?!```).*\n)*)```", page.read_text("utf-8"), re.MULTILINE)
    return [text.splitlines()[0] for language, text in blocks if not language and _COMMAND.match(text)]


def run_shell(example: Example) -> None:
    """Run a block, line by line; the first line that fails is the error."""
    for line in example.parsed.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        if words[0] in NOT_RUN:
            check_extras(words)
        elif words[0] == "organology" and not {"|", "&&", "<"} & set(words):
            run_organology(words[1:])
        elif words[0] == "sqlite3" and shutil.which("sqlite3") is None:
            with contextlib.closing(sqlite3.connect(words[1])) as database:
                database.execute(words[2]).fetchall()
        else:
            subprocess.run(["bash", "-ec", line], check=True, capture_output=True, text=True)


def run_organology(words: list[str]) -> None:
    """Run a verb in this process; `> FILE` gets what it prints."""
    target = None
    if ">" in words:
        at = words.index(">")
        words, target = words[:at], words[at + 1]
    words = [os.path.expanduser(word) for word in words]  # noqa: PTH111
    if words[0] in FEW_MIXTURES and words[1].startswith("runs/"):
        words += ["--mixtures", "6"]  # what is given last counts
    result = CliRunner().invoke(command_line(), words)
    assert result.exit_code == 0, (words, result.output, result.exception)
    if target is not None:
        Path(target).write_text(result.stdout, "utf-8")


def check_extras(words: list[str]) -> None:
    """Whether the extras that `pip install` names are there."""
    import tomllib

    known = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    for extras in _EXTRA.findall(" ".join(words)):
        assert set(extras.split(",")) <= set(known), words


def lay_out(folder: Path) -> None:
    """The files that the blocks name; `~` is to be `home`."""
    shutil.copytree(_template(), folder, symlinks=True, dirs_exist_ok=True)


@cache
def _template() -> Path:
    """These files, made once."""
    folder = Path(tempfile.mkdtemp(prefix="organology-docs-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    sound, rate = soundfile.read(ROOT / "examples/mutilated-mime.ogg", frames=SECONDS * 44_100)
    for name in (
        "song.mp3",
        "song.wav",
        "song.flac",
        "song.ogg",
        "music/a.flac",
        "music/live/b.ogg",
        "recordings/a.wav",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name, sound, rate)
    (folder / "labels.csv").write_text("file,group,drums,violin\na.wav,x,1,0\n")
    (folder / "home").mkdir()
    (folder / "home/Music").symlink_to("../music")
    (folder / "home/songs").symlink_to("../my_songs")
    for stem in (path for song in SONGS for path in sorted((ROOT / "starter" / song).glob("*.ogg"))):
        short, rate = soundfile.read(stem, frames=STEM_SECONDS * 32_000)
        for copy in (folder / place / stem.parent.name / stem.name for place in ("starter", "my_songs")):
            copy.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(copy, short, rate)
    table = (ROOT / "starter/stems.csv").read_text("utf-8").splitlines(keepends=True)
    kept = [line for line in table[1:] if line.startswith(tuple(f"{song}/" for song in SONGS))]
    (folder / "starter/stems.csv").write_text("".join([table[0], *kept]), "utf-8")
    (folder / "session").mkdir()
    for i, stem in enumerate(sorted((folder / "my_songs" / SONGS[0]).iterdir())):
        shutil.copy(stem, folder / f"session/Audio {i:02}.ogg")
    soundfile.write(folder / "session/empty.wav", np.zeros(SECONDS * 8000), 8000)
    for name in ("demo", "demo_pretraining", "own_stems"):
        (folder / name).write_text(yaml.safe_dump(small(name)), "utf-8")
    (folder / "recipe.yaml").write_text("corpora: [build/own]\nmixing: {p_musical: 0.4}\n")
    (folder / "my_labels.tsv").write_text("label\tconcepts\nguitar\tguitar\ndrums\tdrums\n")
    shutil.copy(ROOT / "src/organology/recognition/models/organology.onnx", folder / "model.onnx")
    return folder


def small(name: str) -> dict:
    """A recipe of the package with as little work as shows that it runs; a file goes before a name."""
    recipe = yaml.safe_load(recipes.file_of(ROOT / "src/organology/recipes" / f"{name}.yaml").read_text("utf-8"))
    recipe["mixing"] |= {"effects": {}, "cache_megabytes": 100, "sources_max": 2}
    training = {"epochs": 1, "batches_per_epoch": 1, "batch_size": 2, "validation_mixtures": 4, "workers": 0}
    recipe["training"] |= training | {"threads": 1}
    recipe["training"].pop("warmup_epochs", None)
    if "channels" in recipe["model"]:
        recipe["model"]["channels"] = [2] * 7
    return recipe
