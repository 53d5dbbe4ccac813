"""Recognizing and training reach no network and write nothing but their outputs."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sounds import write
from tiny_model import RATE, build

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
WATCHED = """
import sys

def watch(event, arguments):
    if not event.startswith("socket."):
        return
    if ALLOWS_LOCAL:  # loaders hand tensors on by sockets that are files; urllib3 asks whether there is IPv6
        is_local = event in ("socket.__new__", "socket.gethostname", "socket.sendmsg")
        is_local |= event in ("socket.bind", "socket.connect") and isinstance(arguments[1], (str, bytes))
        if is_local or (event == "socket.bind" and arguments[1] == ("::1", 0)):
            return
    print("SOCKET", event, arguments, file=sys.stderr)

sys.addaudithook(watch)
from organology.cli import main
main()
"""


@pytest.fixture
def work(tmp_path):
    for name in ("home", "temporary", "work"):
        (tmp_path / name).mkdir()
    build(tmp_path / "tiny.onnx")
    write(tmp_path / "a.wav", np.full((5 * RATE, 1), 0.1, np.float32), RATE)
    return tmp_path


def ran(work, *arguments, before=(), allows_local=False):
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(work / "home"),
        "TMPDIR": str(work / "temporary"),
    }
    return subprocess.run(
        [*before, sys.executable, "-c", f"ALLOWS_LOCAL = {allows_local}\n{WATCHED}", *arguments],
        cwd=work / "work",
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


PLACES_OF_CLUSTERS = "src/organology/training/parallel/place.py"
"""It asks Lightning where the processes of a training are, once that has been imported."""

RECOGNIZE = ("recognize", "../a.wav", "--format", "jsonl", "-o", "a.jsonl")
TINY = ("--model", "../tiny.onnx")


def left(work):
    """Files that are nobody's output."""
    return [path for name in ("home", "temporary") for path in (work / name).rglob("*")]


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        ((*RECOGNIZE, *TINY), ["a.jsonl"]),
        (RECOGNIZE, ["a.jsonl"]),  # the shipped model
        ((*RECOGNIZE, *TINY, "--store", "lib.db"), ["a.jsonl", "lib.db"]),
        (("recognize", "../a.wav", *TINY, "--format", "html"), []),
        (("labels",), []),
    ],
    ids=lambda given: " ".join(given) or "nothing",
)
def test_verb_opens_no_socket_and_writes_only_its_output(work, arguments, written):
    done = ran(work, *arguments)
    assert done.returncode == 0, done.stderr
    assert "SOCKET" not in done.stderr
    assert sorted(path.name for path in (work / "work").rglob("*")) == written
    assert left(work) == []


def test_training_reaches_no_network_and_writes_only_the_run(work):
    pytest.importorskip("lightning")
    from training_support import make_corpus, write_recipe

    recipe = write_recipe(work / "recipe.yaml", make_corpus(work / "corpus"), workers=1, epochs=1, batches_per_epoch=1)
    done = ran(work, "train", str(recipe), "--out", "run", allows_local=True)
    assert done.returncode == 0, done.stderr
    assert "SOCKET" not in done.stderr
    assert [path.name for path in (work / "work").iterdir()] == ["run"] and left(work) == []


def test_import_and_export_open_no_socket_and_write_only_their_outputs(work):
    pytest.importorskip("torch")
    for arguments in (("import", "--out", "checkpoint"), ("export", "checkpoint", "mine.onnx")):
        done = ran(work, *arguments)
        assert done.returncode == 0, done.stderr
        assert "SOCKET" not in done.stderr
    written = sorted(path.name for path in (work / "work").rglob("*") if path.is_file())
    assert written == ["mine.onnx", "model.json", "model.safetensors"] and left(work) == []


def test_recognize_with_pictures_leaves_no_cache_of_fonts(work):
    pytest.importorskip("matplotlib")
    done = ran(work, "recognize", "../a.wav", *TINY, "--plot", "pictures", "-o", "a.csv")
    assert done.returncode == 0, done.stderr
    assert left(work) == []


def test_find_leaves_nothing_beside_the_store(work):
    for arguments in ((*RECOGNIZE, *TINY, "--store", "lib.db"), ("find", "piano or not piano", "--store", "lib.db")):
        done = ran(work, *arguments)
        assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (work / "work").iterdir()) == ["a.jsonl", "lib.db"] and left(work) == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_recognize_under_strace_opens_no_socket_and_writes_only_its_output(work):
    trace = work / "trace"
    options = ("-f", "-qq", "-o", str(trace), "-e", "trace=socket,connect,open,openat,creat,mkdir,rename,renameat2")
    done = ran(work, *RECOGNIZE, *TINY, before=("strace", *options))
    if "ptrace" in done.stderr.lower() or not trace.exists():
        pytest.skip("tracing is not allowed here")
    assert done.returncode == 0, done.stderr
    calls = [line for line in trace.read_text().splitlines() if " = -1 " not in line]
    assert not [line for line in calls if "socket(" in line or "connect(" in line]
    writing = [line for line in calls if any(flag in line for flag in ("O_WRONLY", "O_RDWR", "O_CREAT", "mkdir("))]
    assert not [line for line in writing if str(work / "home") in line or str(work / "temporary") in line]
    # SQLite, matplotlib and the like would show here: what is written is the output, beside null devices.
    allowed = ("/dev/", "/proc/", "a.jsonl", ".organology-")
    named = [line for line in writing if not any(part in line for part in allowed)]
    assert not named, named


@pytest.mark.parametrize(
    ("package", "place"),
    [
        ("onnxruntime", "src/organology/recognition/runtime.py"),
        ("lightning", "src/organology/training/lightning.py"),
    ],
)
def test_package_that_leaves_traces_is_imported_in_one_place(package, place):
    importing = set()
    for path in [path for name in ("src", "scripts", "benchmarks", "tests") for path in (ROOT / name).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == package for name in names):
                importing.add(path.relative_to(ROOT).as_posix())
    elsewhere = {name for name in importing if not name.startswith(("tests/", PLACES_OF_CLUSTERS))}
    assert elsewhere == {place}
