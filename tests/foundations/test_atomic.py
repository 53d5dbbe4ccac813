"""Files written whole, through devices, over links; checks of outputs; threads in order."""

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from organology.atomic import temporary_folder_beside, written_whole
from organology.audio.inputs import expand
from organology.audio.writing import write_sound
from organology.cli.models.results import results_folder
from organology.errors import OrganologyError
from organology.leftovers import PREFIX, sweep
from organology.ordered_map import ordered_map
from organology.targets import check_output, check_writable, refuse_overwriting, with_companions

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")


def write(path, text="new", **kinds):
    with written_whole(path, **kinds) as temporary:
        temporary.write_text(text)


@posix
def test_written_whole_existing_file_keeps_its_mode(tmp_path):
    path = tmp_path / "a.txt"
    for mode in (0o600, 0o640, 0o755):
        path.write_text("old")
        path.chmod(mode)
        write(path, durable=True)
        assert path.read_text() == "new" and stat.S_IMODE(path.stat().st_mode) == mode


@posix
def test_written_whole_private_file_is_never_open_to_others(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o600)
    with written_whole(path) as temporary:
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o600


@posix
def test_written_whole_new_file_takes_the_mask_and_never_sets_it(tmp_path, monkeypatch):
    old = os.umask(0o027)
    try:
        monkeypatch.setattr(os, "umask", lambda _: pytest.fail("the mask of the whole process was touched"))
        write(tmp_path / "a.txt")
    finally:
        monkeypatch.undo()
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


@posix
def test_written_whole_link_stays_and_its_target_is_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "a.txt", tmp_path / "link.txt"
    target.write_text("old")
    link.symlink_to("folder/a.txt")
    write(link)
    assert link.is_symlink() and target.read_text() == "new" and not target.is_symlink()
    target.unlink()
    write(link, "again")
    assert link.is_symlink() and target.read_text() == "again"


@posix
def test_written_whole_fifo_is_written_through(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    read = []
    reader = threading.Thread(target=lambda: read.append(fifo.read_text()))
    reader.start()
    write(fifo, "through")
    reader.join(10)
    assert read == ["through"] and stat.S_ISFIFO(fifo.lstat().st_mode) and list(tmp_path.iterdir()) == [fifo]


@posix
def test_written_whole_device_stays_a_device():
    before = os.lstat(os.devnull)
    write(os.devnull)
    assert os.lstat(os.devnull).st_ino == before.st_ino and stat.S_ISCHR(os.lstat(os.devnull).st_mode)


@posix
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_written_whole_descriptor_goes_on_where_it_stands(name, tmp_path):
    if not os.path.exists(name):  # noqa: PTH110
        pytest.skip("no such name here")
    program = (
        "import os; from organology.atomic import written_whole; os.write(1, b'before ')\n"
        f"with written_whole({name!r}) as temporary: temporary.write_text('new')\n"
        "os.write(1, b' behind')"
    )
    with (tmp_path / "out").open("w") as out:
        subprocess.run([sys.executable, "-c", program], stdout=out, check=True, timeout=60)
    assert (tmp_path / "out").read_text() == "before new behind"


def test_written_whole_longest_name_is_written(tmp_path):
    path = tmp_path / f"{'n' * 251}.txt"
    write(path)
    assert path.read_text() == "new"
    path = tmp_path / f"a.{'s' * 253}"
    write(path)
    assert path.read_text() == "new" and len(list(tmp_path.iterdir())) == 2


def test_written_whole_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), written_whole(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


KILLED = """
import sys, time
from organology.atomic import written_whole
with written_whole(sys.argv[1]) as temporary:
    temporary.write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


@posix
def test_sweep_removes_what_the_dead_left_and_nothing_else(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "a.csv")], stdout=subprocess.PIPE)
    assert process.stdout.readline()
    (left,) = tmp_path.iterdir()
    sweep(tmp_path)
    assert left.exists()  # its owner lives
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    process.stdout.close()
    mine = tmp_path / f".other-{PREFIX}"
    mine.touch()
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == [mine]
    sweep(tmp_path / "none")


@posix
def test_sweep_removes_folders_of_the_dead_alone(tmp_path):
    with temporary_folder_beside(tmp_path / "a") as folder:
        sweep(tmp_path)
        assert folder.is_dir()
    (tmp_path / f"{PREFIX}1").mkdir()
    (tmp_path / f"{PREFIX}1" / "model.json").touch()
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


@posix
def test_expand_never_finds_what_killed_runs_left(tmp_path):
    (tmp_path / f"{PREFIX}0123.wav").touch()
    (tmp_path / ".a.ab12cd34.wav").touch()  # of an earlier version
    (tmp_path / "a.wav").touch()
    for named in (str(tmp_path), f"{tmp_path}/*.wav", f"{tmp_path}/.*.wav"):
        names = [item.name for item in expand([named], hidden=True).files]
        assert names == ([] if named.endswith("/.*.wav") else [str(tmp_path / "a.wav")])


@posix
def test_written_whole_sweeps_a_folder_at_its_first_use(tmp_path):
    (tmp_path / f"{PREFIX}0123.csv").touch()
    write(tmp_path / "a.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


@posix
def test_refuse_overwriting_finds_an_input_under_any_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.wav"
    path.touch()
    (tmp_path / "link").symlink_to(path)
    (tmp_path / "hard").hardlink_to(path)
    for output in ("a.wav", "./a.wav", str(path), "link", "hard"):
        with pytest.raises(OrganologyError, match="is not written over") as caught:
            refuse_overwriting(output, [None, "other", path])
        assert str(caught.value).startswith(f"{output}: ") and "\n" not in str(caught.value)
    refuse_overwriting("b.wav", [path])
    refuse_overwriting(os.devnull, [os.devnull])
    with pytest.raises(OrganologyError):
        refuse_overwriting("lib.db-wal", with_companions("lib.db"))


def test_check_writable_refuses_before_the_work(tmp_path):
    (tmp_path / "file").touch()
    for path, kinds in (
        (tmp_path / "file" / "a.csv", {}),
        (tmp_path, {}),
        (tmp_path / ("n" * 300), {}),
        (tmp_path / "a\0b", {}),
        (tmp_path / "file", {"folder": True}),
    ):
        with pytest.raises(OrganologyError, match="cannot be written") as caught:
            check_writable(path, **kinds)
        assert "\n" not in str(caught.value)
    check_output(tmp_path / "new" / "a.csv")
    check_output(tmp_path / "out", folder=True)
    assert (tmp_path / "out").is_dir() and list((tmp_path / "out").iterdir()) == [] == list(
        (tmp_path / "new").iterdir()
    )


def test_written_whole_full_disk_is_told_with_the_name_of_the_target(tmp_path):
    target = tmp_path / "a.csv"
    with pytest.raises(OSError, match="No space left") as caught, written_whole(target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.filename == str(target) and not any(tmp_path.iterdir())


def test_write_sound_that_libsndfile_cannot_write_is_one_line(tmp_path):
    with pytest.raises(OrganologyError, match=r"a\.wav: cannot be written: ") as caught:
        write_sound(tmp_path / "a.wav", np.zeros((10, 2000), np.float32), 8_000, "PCM_16")  # more channels than it can
    assert "\n" not in str(caught.value) and not any(tmp_path.iterdir())


@posix
def test_results_folder_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OrganologyError, match=r"file: cannot be written: .*--out names another folder"):
        results_folder(tmp_path / "file", tmp_path / "checkpoint", "test")


@posix
def test_check_writable_sweeps_a_folder_of_what_killed_runs_left(tmp_path):
    left = tmp_path / "checkpoint" / f"{PREFIX}0123456789ab"
    left.parent.mkdir()
    left.touch()
    check_writable(left.parent, folder=True)
    assert not any(left.parent.iterdir())


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
def test_check_writable_refuses_what_has_no_permission(tmp_path):
    (tmp_path / "a.csv").touch(0o444)
    with pytest.raises(OrganologyError, match="Permission denied"):
        check_writable(tmp_path / "a.csv")


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_ordered_map_gives_results_in_order(threads):
    def work(number):
        time.sleep(0.01 if number % 3 else 0.03)
        return number * number

    assert list(ordered_map(work, range(20), threads)) == [(n, n * n) for n in range(20)]
    assert list(ordered_map(work, [], threads)) == []


def test_ordered_map_takes_no_more_than_it_needs():
    taken = []

    def items():
        for number in range(1000):
            taken.append(number)
            yield number

    results = ordered_map(str, items(), 2)
    assert next(results) == (0, "0") and len(taken) <= 5
    results.close()
    lazy = ordered_map(str, items(), 0)
    del taken[:]
    assert next(lazy) == (0, "0") and taken == [0]


@pytest.mark.parametrize("kinds", [{}, {"size": len, "most_held": 10}])
def test_ordered_map_raises_what_the_work_raises(kinds):
    def work(number):
        if number == 3:
            raise KeyError(number)
        return "x"

    with pytest.raises(KeyError):
        list(ordered_map(work, range(10), 2, **kinds))


def test_ordered_map_leaving_early_stops_the_work():
    stopped = threading.Event()

    def work(number):
        return stopped.wait(30) if number else None

    results = ordered_map(work, range(10), 2, stopped=stopped)
    assert next(results) == (0, None)
    began = time.monotonic()
    results.close()
    assert stopped.is_set() and time.monotonic() - began < 10


def test_ordered_map_large_results_hold_up_the_rest():
    begun = []
    release = threading.Event()

    def work(number):
        begun.append(number)
        if number == 0:
            release.wait(10)
        return b"x" * 100

    results = ordered_map(work, range(100), 2, size=len, most_held=250)
    threading.Timer(0.3, release.set).start()
    next(results)
    assert len(begun) < 12
    assert [number for number, _ in results] == list(range(1, 100))
