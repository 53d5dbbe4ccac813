"""`organology prepare --engine ray`: the same corpus as without, and a run that was stopped goes on."""

from pathlib import Path

import pytest

ray = pytest.importorskip("ray")

from corpora_trees_slakh import jamendo, slakh  # noqa: E402
from organology.cluster.preparing import shards, songs_on_ray  # noqa: E402
from organology.cluster.session import join  # noqa: E402
from organology.corpora.conversion.records import SongTask, StemTask  # noqa: E402
from organology.corpora.issues import Listener  # noqa: E402
from organology.corpora.prepare import prepare  # noqa: E402
from organology.corpora.readers.jamendo import CORPUS as JAMENDO  # noqa: E402
from organology.corpora.readers.slakh.reader import CORPUS as SLAKH  # noqa: E402
from organology.corpora.tagging.prepare import prepare_tagging  # noqa: E402


@pytest.fixture(scope="module")
def cluster():
    join(None, 2)
    yield
    ray.shutdown()


def snapshot(out):
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


class Stopping(Listener):
    """Ends a run after some songs."""

    def __init__(self, after):
        self.after, self.done = after, []

    def finished(self, song, size):
        self.done.append(song)
        if len(self.done) == self.after:
            raise KeyboardInterrupt


@pytest.mark.parametrize(("corpus", "make", "run"), [(SLAKH, slakh, prepare), (JAMENDO, jamendo, prepare_tagging)])
def test_prepared_with_ray_is_as_prepared_without_even_if_stopped(cluster, tmp_path, corpus, make, run):
    root = make(tmp_path / "source")
    run(corpus, root, tmp_path / "plain")
    stopping = Stopping(2)
    with pytest.raises(KeyboardInterrupt):
        run(corpus, root, tmp_path / "ray", listener=stopping, engine=songs_on_ray(jobs=2))
    records = list((tmp_path / "ray" / ".records").glob("*.json"))
    written = {path: path.stat().st_mtime_ns for path in records}
    assert len(stopping.done) == 2 and len(written) >= 2
    run(corpus, root, tmp_path / "ray", engine=songs_on_ray(jobs=2))
    assert snapshot(tmp_path / "ray") == snapshot(tmp_path / "plain")
    for name in stopping.done:  # not done twice
        assert any(path.stat().st_mtime_ns == at for path, at in written.items() if name in path.read_text("utf-8"))


def task(number, size):
    stem = StemTask("mix", Path(f"/{number}.wav"), f"{number}.wav", size, 0, f"audio/{number}.flac")
    return SongTask(str(number), str(number), (stem,), Path("/out"), "flac")


def test_shards_hold_each_song_once_and_are_several_for_each_core():
    todo = [task(i, 10_000_000) for i in range(200)]
    made = list(shards(todo, 4))
    assert [song for shard in made for song in shard] == todo
    assert len(made) >= 32
    large = list(shards([task(i, 400 * 2**20) for i in range(40)], 1))
    assert [len(shard) for shard in large] == [1] * 40
