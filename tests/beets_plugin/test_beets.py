"""The beets plugin, in a real library."""

import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from tiny_model import RATE, build, frequency

pytest.importorskip("beets")
mediafile = pytest.importorskip("mediafile")

PLAYING = ["violin", "drums", "piano", "violin", "singer", "brass", "violin", "synth", "woodwind", "piano"]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Ten tagged files, and beets set up to import them where they lie."""
    folder = tmp_path_factory.mktemp("beets")
    music = folder / "music" / "album"
    music.mkdir(parents=True)
    t = np.arange(5 * RATE) / RATE
    for i, label in enumerate(PLAYING):
        path = music / f"{i:02} song.flac"
        soundfile.write(path, 0.2 * np.sin(2 * np.pi * frequency(label) * t), RATE)
        tagged = mediafile.MediaFile(path)
        tagged.title, tagged.artist, tagged.album, tagged.track = f"song {i}", "somebody", "album", i + 1
        tagged.save()
    build(folder / "tiny.onnx")
    (folder / "config.yaml").write_text(
        f"directory: {folder / 'music'}\nlibrary: {folder / 'library.db'}\nplugins: organology\n"
        "import: {copy: no, move: no, write: no, autotag: no}\n"
        f"organology: {{model: '{folder / 'tiny.onnx'}'}}\n"
    )
    return folder


def beet(folder, *arguments):
    environment = {**os.environ, "BEETSDIR": str(folder), "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-m", "beets", *arguments], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), done.stderr


def test_import_of_tagged_files_makes_instruments_searchable(library):
    before = [path.read_bytes() for path in sorted((library / "music/album").iterdir())]
    (library / "music/album/broken.flac").write_bytes(b"fLaC")
    beet(library, "import", "-q", str(library / "music"))
    found, _ = beet(library, "ls", "-f", "$title", "instruments:violin")
    assert sorted(found) == ["song 0", "song 3", "song 6"]
    shown, _ = beet(library, "ls", "-f", "$title|$instruments|$instruments_top|$instruments_model", "title:song 1")
    assert shown == ["song 1|percussion; drums|drums|tiny"]
    (library / "music/album/broken.flac").unlink()
    assert before == [path.read_bytes() for path in sorted((library / "music/album").iterdir())]


def test_import_again_changes_nothing(library):
    everything = ("ls", "-f", "$id $title $instruments $instruments_top $instruments_model $mtime")
    before, _ = beet(library, *everything)
    beet(library, "import", "-q", str(library / "music"))
    beet(library, "instruments")
    after, _ = beet(library, *everything)
    assert after == before and len(after) == len(PLAYING)


def test_command_pretending_stores_nothing(library):
    said, _ = beet(library, "instruments", "--pretend", "--force", "title:song 5")
    assert said == ["somebody - album - song 5: brass"]


def test_command_with_a_missing_model_is_one_line(library, tmp_path):
    for name in ("config.yaml",):
        text = (library / name).read_text().replace("tiny.onnx", "none.onnx")
        (tmp_path / name).write_text(text)
    environment = {**os.environ, "BEETSDIR": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "beets", "instruments", "--force"], env=environment, capture_output=True, text=True
    )
    assert done.returncode != 0 and "none.onnx: no such file" in done.stderr and "Traceback" not in done.stderr
