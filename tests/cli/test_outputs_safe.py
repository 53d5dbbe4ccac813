"""What is written and where: nothing over what is read, nothing lost without a word."""

import os
import stat
import subprocess
import sys

import numpy as np
import pytest

from organology.errors import DEBUG_VARIABLE
from sounds import write
from tiny_model import RATE, build, frequency

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return build(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture
def run(model, tmp_path):
    """The command in a shell, so that its outputs can be closed or full."""

    def invoke(arguments, model=model, **environment):
        chosen = f"--model {model}" if arguments.startswith("recognize") else ""
        verb, _, rest = arguments.partition(" ")
        return subprocess.run(
            f"exec {sys.executable} -m organology {verb} {chosen} {rest}",
            shell=True,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
        )

    t = np.arange(4 * RATE) / RATE
    write(tmp_path / "a.wav", (0.3 * np.sin(2 * np.pi * frequency("violin") * t))[:, None].astype(np.float32), RATE)
    return invoke


def one_line_of(result):
    assert result.returncode == 1 and result.stderr.count("\n") == 1 and "Traceback" not in result.stderr
    return result.stderr.strip()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no such device")  # noqa: PTH110
def test_recognize_full_or_closed_output_is_one_line(run):
    assert "No space left" in one_line_of(run("recognize a.wav >/dev/full"))
    assert "standard output" in one_line_of(run("recognize a.wav >&-"))
    assert "/dev/full" in one_line_of(run("recognize a.wav -o /dev/full"))
    assert run("recognize a.wav --format csv -o b.csv >&-").returncode == 0
    assert run("recognize a.wav --format csv 2>&-").stdout.startswith("file,duration")


def test_recognize_dash_and_devices_are_written_through(run, tmp_path):
    expected = run("recognize a.wav --format csv").stdout
    assert expected.startswith("file,duration") and run("recognize a.wav --format csv -o -").stdout == expected
    assert run("recognize a.wav --format csv -o /dev/stdout").stdout == expected
    assert run("recognize a.wav --format csv -o /dev/stdout >> log; cat log").returncode == 0
    assert (tmp_path / "log").read_text() == expected and not (tmp_path / "-").exists()
    assert run("recognize a.wav -o /dev/null").returncode == 0 and stat.S_ISCHR(os.stat("/dev/null").st_mode)  # noqa: PTH116


def test_recognize_over_an_input_is_refused(run, tmp_path):
    assert run("recognize a.wav --store lib.db").returncode == 0
    (tmp_path / "list.m3u").write_text("a.wav\n")
    (tmp_path / "list").write_text("a.wav\n")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if not path.name.endswith(("wal", "shm"))}
    for arguments in (
        "recognize a.wav --store lib.db -o lib.db --format csv",
        "recognize a.wav -o a.wav --format csv",
        "recognize a.wav --plot a.wav.png --store a.wav.png -o a.wav.png --format csv",
        "recognize list.m3u -o list.m3u --format csv",
        "recognize @list -o list",
        "recognize --from-file list -o list",
        "find --store lib.db -o lib.db --format csv",
    ):
        assert "is not written over" in one_line_of(run(arguments)) or "plot a.wav.png" in arguments, arguments
    assert "give --format" in one_line_of(run("recognize a.wav -o b.mp3"))
    assert {name: (tmp_path / name).read_bytes() for name in before} == before


def test_recognize_private_file_stays_private_and_a_link_a_link(run, tmp_path):
    (tmp_path / "out.csv").touch(0o600)
    (tmp_path / "link.csv").symlink_to("out.csv")
    assert run("recognize a.wav -o link.csv").returncode == 0
    assert (tmp_path / "link.csv").is_symlink() and (tmp_path / "out.csv").read_text().startswith("file,duration")
    assert stat.S_IMODE((tmp_path / "out.csv").stat().st_mode) == 0o600


def test_recognize_results_of_several_folders_keep_them(run, tmp_path):
    for name in ("p/x/a.wav", "q/a.wav", f"q/{'n' * 250}.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((tmp_path / "a.wav").read_bytes())
    (tmp_path / "out").mkdir()
    assert run("recognize p/x q --format rttm -o out").returncode == 0
    found = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.rttm"))
    assert found[:2] == ["p/x/a.rttm", "q/a.rttm"] and len(found) == 3 and len(found[2]) < 220


def test_recognize_quiet_leaves_errors_alone(run, tmp_path):
    (tmp_path / "silent.wav").write_bytes((tmp_path / "a.wav").read_bytes()[:44] + bytes(4 * RATE))
    (tmp_path / "broken.wav").write_text("text")
    loud = run("recognize silent.wav broken.wav --format csv")
    quiet = run("recognize silent.wav broken.wav --format csv --quiet")
    assert "note" in loud.stderr and "broken.wav" in loud.stderr and quiet.stdout == loud.stdout
    assert quiet.stderr == "broken.wav: not audio that can be decoded\n"


def test_debug_shows_where_an_error_comes_from(run, tmp_path):
    (tmp_path / "lib.db").write_text("text" * 1000)
    assert one_line_of(run("find violin --store lib.db")).startswith("error: lib.db")
    assert "Traceback" in run("find violin --store lib.db", **{DEBUG_VARIABLE: "1"}).stderr
    shown = run("--debug find violin --store lib.db").stderr
    assert "Traceback" in shown and "error: lib.db" in shown


def test_find_imports_no_onnxruntime(run, tmp_path):
    run("recognize a.wav --store lib.db")
    code = (
        "import sys; sys.argv = ['organology', 'find', 'violin', '--store', 'lib.db', '--limit', '1']\n"
        "from organology.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'onnxruntime', 'torch', 'av', 'matplotlib'} & set(sys.modules); assert not heavy, heavy"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert "a.wav" in result.stdout


def test_find_limit_says_how_many_there_are(run, tmp_path):
    for name in "bcd":
        (tmp_path / f"{name}.wav").write_bytes((tmp_path / "a.wav").read_bytes())
    run("recognize a.wav b.wav c.wav d.wav --store lib.db")
    assert run("find violin --store lib.db --limit 2").stderr == "2 shown of 4 found in 4 recordings\n"
    assert run("find violin --store lib.db -o found.m3u").returncode == 0
    assert (tmp_path / "found.m3u").read_text().count("#EXTINF") == 4
