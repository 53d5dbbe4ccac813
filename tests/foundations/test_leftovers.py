"""What killed runs left is removed by the next one, and nothing else is."""

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack

import pytest

from organology.atomic import written_whole
from organology.leftovers import PREFIX, locked_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")


def test_written_whole_removes_what_earlier_versions_left_of_that_file(tmp_path):
    left = tmp_path / ".scores.ab12cd_9.csv"
    kept = [".scores.ab12cd_9.json", ".scores.mine.csv", ".other.ab12cd_9.csv", ".scores.AB12CD_9.csv"]
    for name in (left.name, *kept):
        (tmp_path / name).touch(mode=0o600)
    readable = tmp_path / ".scores.ab12cd_0.csv"  # those of earlier versions were for their owner alone
    readable.touch(mode=0o644)
    readable.chmod(0o644)
    with written_whole(tmp_path / "scores.csv") as temporary:
        temporary.write_text("new")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, readable.name, "scores.csv"])


def test_locked_folder_of_the_system_is_private_and_the_dead_ones_are_swept(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed = """
import os
from organology.leftovers import locked_folder
with locked_folder() as folder:
    (folder / "part").write_text("half")
    os._exit(9)
"""
    subprocess.run([sys.executable, "-c", killed], env={"TMPDIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)})
    (left,) = tmp_path.iterdir()
    with locked_folder() as folder:
        assert folder.stat().st_mode & 0o077 == 0 and folder.name.startswith(PREFIX)
        assert list(tmp_path.iterdir()) == [folder] != [left]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_locked_folder_stays_when_a_forked_process_lets_go_of_it(tmp_path):
    """As workers of `multiprocessing` do from Python 3.13 on: a loader whose folder was gone waited for ever."""
    with ExitStack() as stack:
        folder = stack.enter_context(locked_folder(tmp_path))
        if (child := os.fork()) == 0:
            stack.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert folder.is_dir()
    assert not folder.exists()
