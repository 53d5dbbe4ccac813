"""MTG-Jamendo: tables and layouts, preparing and reading in place, chunks with their tags; the real tables."""

import csv
import json
import logging
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora_trees_slakh import JAMENDO, jamendo, mp3, prepare_tags, tone
from organology import audio
from organology.corpora.issues import Issue, Listener
from organology.corpora.readers import jamendo as reader
from organology.corpora.readers.jamendo import TAGS
from organology.corpora.registry import find
from organology.corpora.tagging import ChunkConfig, SourceTrack, TaggedChunks, TaggingPool, seek
from organology.corpora.tagging.report import lines
from organology.corpora.tagging.table import read_tracks, write_tracks
from organology.errors import AudioError, CorpusError

SHARED = Path(__file__).parents[3] / "shared"
TRACKS = {f"track_{number:07}": (split, set(tags)) for split, rows in JAMENDO.items() for number, _, _, tags in rows}
SECONDS = 4.6


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return jamendo(tmp_path_factory.mktemp("jamendo"), "audio-low", low=True, seconds=SECONDS)


@pytest.fixture
def own_tree(tree, tmp_path):
    """A tree that a test may damage."""
    root = tmp_path / "source"
    for file in tree.rglob("*.*"):
        if file.is_file():
            target = root / file.relative_to(tree)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    return root


def read(root, **options):
    items = list(reader.read(root, **options))
    return [i for i in items if isinstance(i, SourceTrack)], [i for i in items if isinstance(i, Issue)]


def snapshot(out):
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


class Counting(Listener):
    def __init__(self, stop_after=None):
        self.done, self.issues, self.stop_after = [], [], stop_after

    def finished(self, song, size):
        self.done.append(song)
        if len(self.done) == self.stop_after:
            raise KeyboardInterrupt

    def issue(self, issue):
        self.issues.append(str(issue))


def test_read_jamendo_gives_the_tracks_of_the_tables(tree):
    tracks, issues = read(tree)
    assert not issues
    assert {track.track: (track.split, set(track.tags)) for track in tracks} == TRACKS
    first = next(track for track in tracks if track.track == "track_0000241")
    assert first.path == tree / "audio-low" / "41" / "241.low.mp3"
    assert (first.artist, first.album, first.licence) == ("artist_000005", "album_000033", "CC BY-NC 3.0")
    assert first.seconds == SECONDS


def test_read_jamendo_tags_stand_in_the_publishers_order(tree):
    tracks, _ = read(tree)
    assert all(list(track.tags) == sorted(track.tags, key=TAGS.index) for track in tracks)
    assert len(TAGS) == 50 and TAGS[0] == "genre---alternative" and TAGS[-1] == "mood/theme---relaxing"
    assert Counter(tag.split("---")[0] for tag in TAGS) == {"genre": 31, "instrument": 14, "mood/theme": 5}


@pytest.mark.parametrize("tables", ["splits/split-0", "split-0", "mtg-jamendo-dataset/data/splits/split-0", "."])
@pytest.mark.parametrize("folder", ["audio", "raw_30s/audio-low", "."])
def test_read_jamendo_tables_and_audio_are_found_in_any_layout(tree, tmp_path, tables, folder):
    for table in (tree / "data/splits/split-0").iterdir():
        (tmp_path / tables).mkdir(parents=True, exist_ok=True)
        (tmp_path / tables / table.name).write_bytes(table.read_bytes())
    file = tmp_path / folder / "41" / "241.mp3"
    file.parent.mkdir(parents=True)
    file.touch()
    tracks, _ = read(tmp_path)
    assert [track.path for track in tracks if track.path.exists()] == [file]
    assert reader.looks_like(tmp_path)


def test_read_jamendo_full_quality_goes_before_low(tree, tmp_path):
    root = tmp_path / "root"
    for folder, name in (("audio-low", "241.low.mp3"), ("audio", "241.mp3"), ("audio-low", "382.low.mp3")):
        file = root / folder / name[1:3] / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (root / "split-0").symlink_to(tree / "data/splits/split-0")
    there = {track.path.relative_to(root).as_posix() for track in read(root)[0] if track.path.exists()}
    assert there == {"audio/41/241.mp3", "audio-low/82/382.low.mp3"}
    elsewhere = [track.path for track in read(root, audio=tree / "audio-low")[0]]
    assert all(path.is_file() and path.is_relative_to(tree) for path in elsewhere)


def test_read_jamendo_other_split_takes_other_tables(tree, own_tree):
    with pytest.raises(CorpusError, match="of split 3 in it; expected"):
        read(own_tree, split=3)
    (own_tree / "data/splits/split-0").rename(own_tree / "data/splits/split-3")
    assert len(read(own_tree, split=3)[0]) == 6 and reader.looks_like(own_tree)
    with pytest.raises(CorpusError, match="has the splits 0 to 4, not 5"):
        reader.corpus(5)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("track_1\tartist_1\talbum_1\t00/100.mp3", "4 columns, not at least 6"),
        ("track_1\tartist_1\talbum_1\t00/100.mp3\t30.0\tgenre---polka", "unknown tag 'genre---polka'"),
        (
            "track_1\tartist_1\talbum_1\t../100.mp3\t30.0\tgenre---rock",
            "path '../100.mp3' is not of the form 00/100.mp3",
        ),
        ("track_1\tartist_1\talbum_1\t00/100.mp3\tlong\tgenre---rock", "duration 'long' is no number"),
        ("track_1\tartist_1\talbum_1\t00/100.mp3\t30\tgenre---pop\tgenre---pop", "a tag stands twice"),
        ("track_0000382\tartist_1\talbum_1\t00/100.mp3\t30\tgenre---pop", "stands in"),
    ],
)
def test_read_jamendo_faulty_rows_cost_a_line_each(own_tree, row, reason):
    table = own_tree / "data/splits/split-0/autotagging_top50tags-test.tsv"
    table.write_bytes(table.read_bytes() + row.encode() + b"\r\n")
    tracks, issues = read(own_tree)
    assert len(tracks) == 6 and [issue.severity for issue in issues] == ["refused"]
    assert str(issues[0]).startswith(f"{table}, line 4: ") and reason in str(issues[0])


def test_read_jamendo_artist_in_two_parts_is_named(own_tree):
    table = own_tree / "data/splits/split-0/autotagging_top50tags-test.tsv"
    table.write_bytes(table.read_bytes().replace(b"artist_000026", b"artist_000005"))
    assert [issue.reason for issue in read(own_tree)[1]] == ["artist_000005 is in test and in train"]


def test_read_jamendo_other_table_is_an_error(own_tree):
    (own_tree / "data/splits/split-0/autotagging_top50tags-test.tsv").write_text("a,b\n")
    with pytest.raises(CorpusError, match="its first line is not TRACK_ID ARTIST_ID"):
        read(own_tree)
    with pytest.raises(CorpusError, match=r"no autotagging_top50tags-train\.tsv of split 0 in it; expected"):
        read(own_tree / "audio-low")
    assert not reader.looks_like(own_tree / "audio-low")


@pytest.mark.parametrize("in_place", [False, True])
def test_prepare_tagging_gives_tracks_and_their_chunks(tree, tmp_path, in_place):
    report = prepare_tags("jamendo", tree, tmp_path / "out", in_place=in_place)
    table, tags = read_tracks(tmp_path / "out")
    assert report.complete and not report.of("note")
    assert tags.tags == TAGS and tags.corpus == "jamendo"
    assert {r["track"]: (r["split"], set(r["tags"])) for r in table.iter_rows(named=True)} == TRACKS
    assert (tmp_path / "out" / "audio").exists() != in_place
    assert all(abs(frames / 32_000 - SECONDS) < 0.06 for frames in table["frames"])
    assert report.summary["splits"]["train"]["tags"]["genre---rock"]["tracks"] == 2
    assert lines(report)[-1] == "6 tracks, 0.0 hours"
    pool = TaggingPool.load([tmp_path / "out"], "train")
    assert len(pool) == 3 and pool.targets.shape == (3, 50)
    for index in range(4):
        chunk = TaggedChunks(pool, seed=1).chunk(index)
        assert chunk.audio.dtype == np.float32 and chunk.audio.shape == (128_000,)
        assert {TAGS[i] for i in np.flatnonzero(chunk.targets)} == TRACKS[chunk.track][1]
        peak = np.argmax(np.abs(np.fft.rfft(chunk.audio))) * 32_000 / 128_000
        assert abs(peak - (200 + int(chunk.track[6:]) % 700)) <= 0.5  # its own tone


def test_prepare_tagging_audio_is_mono_at_32_khz(tree, tmp_path):
    prepare_tags("jamendo", tree, tmp_path / "out")
    table, tags = read_tracks(tmp_path / "out")
    for row in table.iter_rows(named=True):
        info = soundfile.info(tags.audio / row["path"])
        assert (info.samplerate, info.channels, info.frames) == (32_000, 1, row["frames"])
    prepare_tags("jamendo", tree, tmp_path / "wav", audio_format="wav")
    assert {Path(p).suffix for p in read_tracks(tmp_path / "wav")[0]["path"]} == {".wav"}


@pytest.mark.parametrize("in_place", [False, True])
def test_prepare_tagging_missing_and_broken_tracks_are_left_out(own_tree, tmp_path, in_place):
    audio_folder = own_tree / "audio-low"
    (audio_folder / "41/241.low.mp3").unlink()
    (audio_folder / "82/382.low.mp3").write_bytes(b"no mp3 at all\n" * 50)
    whole = (audio_folder / "14/214.low.mp3").read_bytes()
    (audio_folder / "14/214.low.mp3").write_bytes(whole[: len(whole) // 4])
    listener = Counting()
    report = prepare_tags("jamendo", own_tree, tmp_path / "out", in_place=in_place, listener=listener)
    failed = {issue.song: issue.reason for issue in report.of("failed")}
    assert set(failed) == {"track_0000241", "track_0000382"} and failed["track_0000241"] == "no such file"
    assert not report.complete and all("\n" not in line for line in listener.issues)
    assert any("lasts 1." in issue.reason and "says 4.6 s" in issue.reason for issue in report.of("note"))
    table, _ = read_tracks(tmp_path / "out")
    assert set(table["track"]) == set(TRACKS) - set(failed)
    assert len(json.loads((tmp_path / "out" / "report.json").read_text())["failed"]) == 2
    with pytest.raises(CorpusError, match="no such file"):
        prepare_tags("jamendo", own_tree, tmp_path / "strict", in_place=in_place, strict=True)


def test_prepare_tagging_many_missing_tracks_share_a_line(own_tree, tmp_path, monkeypatch):
    monkeypatch.setattr("organology.corpora.tagging.prepare._NAMED", 2)
    for name in ("41/241", "82/382", "15/215"):
        (own_tree / "audio-low" / f"{name}.low.mp3").unlink()
    report = prepare_tags("jamendo", own_tree, tmp_path / "out", in_place=True)
    assert [issue.reason for issue in report.of("failed")] == [
        "3 of 6 tracks have no audio file: track_0000241, track_0000382, track_0000215, ..."
    ]


@pytest.mark.parametrize("in_place", [False, True])
def test_prepare_tagging_stopped_run_goes_on_to_the_same_result(tree, tmp_path, in_place):
    prepare_tags("jamendo", tree, tmp_path / "whole", in_place=in_place)
    with pytest.raises(KeyboardInterrupt):
        prepare_tags("jamendo", tree, tmp_path / "out", in_place=in_place, listener=Counting(stop_after=2))
    assert not (tmp_path / "out" / "tracks.parquet").exists()
    times = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.flac")}
    prepare_tags("jamendo", tree, tmp_path / "out", in_place=in_place, jobs=2 if in_place else 1)
    assert snapshot(tmp_path / "out") == snapshot(tmp_path / "whole")
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())  # nothing twice
    assert in_place or len(times) == 2


def test_prepare_tagging_in_place_looks_at_each_track_once(tree, tmp_path, monkeypatch):
    prepare_tags("jamendo", tree, tmp_path / "out", in_place=True)
    journal = tmp_path / "out" / ".looked_at.jsonl"
    text = journal.read_text()
    journal.write_text(text[: text.index("\n") + 30])  # one line, and a piece of the next
    seen = []
    monkeypatch.setattr("organology.corpora.tagging.in_place.probe", lambda path: seen.append(path) or seek.probe(path))
    before = snapshot(tmp_path / "out")["tracks.parquet"]
    prepare_tags("jamendo", tree, tmp_path / "out", in_place=True)
    assert len(seen) == 5 and journal.read_text() == text
    assert snapshot(tmp_path / "out")["tracks.parquet"] == before


def test_prepare_tagging_into_another_corpus_is_refused(tree, tmp_path):
    with pytest.raises(CorpusError, match="lies in the source"):
        prepare_tags("jamendo", tree, tree / "out")
    (tmp_path / "stems.parquet").touch()
    with pytest.raises(CorpusError, match="holds a prepared corpus of stems"):
        prepare_tags("jamendo", tree, tmp_path, in_place=True)
    with pytest.raises(CorpusError, match="nowhere: no such folder"):
        prepare_tags("jamendo", tree, tmp_path / "out", settings={"audio": tmp_path / "nowhere"})


@pytest.fixture(scope="module")
def pool(tree, tmp_path_factory):
    out = tmp_path_factory.mktemp("prepared")
    prepare_tags("jamendo", tree, out)
    return TaggingPool.load([out], "train")


def test_tagged_chunks_seed_and_number_give_a_chunk(pool):
    chunks = TaggedChunks(pool, seed=7)
    again = pickle.loads(pickle.dumps(TaggedChunks(pool, seed=7)))
    for index in (5, 0, 5):
        one, other = chunks.chunk(index), again.chunk(index)
        assert one[2:] == other[2:]
        np.testing.assert_array_equal(one.audio, other.audio)
    drawn = {tuple(next(iter(TaggedChunks(pool, seed=seed).draws(index)))) for seed in (0, 1) for index in range(20)}
    assert len(drawn) > 35


@settings(max_examples=30, deadline=None)
@given(index=st.integers(0, 10**9), seed=st.integers(0, 10**6), in_turn=st.booleans())
def test_tagged_chunks_lie_in_their_track(pool, index, seed, in_turn):
    config = ChunkConfig(draw="in_turn" if in_turn else "random", chunk_seconds=1.0)
    draws = list(TaggedChunks(pool, config, seed).draws(index))
    assert len(draws) == config.attempts
    assert all(0 <= start <= pool.frames[track] - config.chunk_frames for track, start in draws)
    assert not in_turn or draws[0][0] == index % len(pool)


def test_tagged_chunks_all_tracks_and_places_are_drawn_alike(pool):
    first = [next(iter(TaggedChunks(pool, ChunkConfig(chunk_seconds=1.0)).draws(index))) for index in range(900)]
    counts = Counter(track for track, _ in first)
    assert all(abs(count - 300) < 60 for count in counts.values())  # 4 standard deviations
    starts = np.array([start for _, start in first]) / (SECONDS - 1) / 32_000
    assert abs(starts.mean() - 0.5) < 0.05 and starts.max() > 0.97


def test_tagged_chunks_each_corpus_is_drawn_alike(pool, tmp_path):
    rows = [
        {"corpus": "b", "track": "t", "artist": "", "album": "", "path": "t.wav", "split": "train", "frames": 200_000,
         "licence": "", "tags": ["genre---pop"]}
    ]  # fmt: skip
    write_tracks(rows, tmp_path, "b", TAGS)
    (tmp_path / "a").mkdir()
    write_tracks([{**rows[0], "corpus": "a", "track": f"{i}"} for i in range(9)], tmp_path / "a", "a", TAGS)
    both = TaggingPool.load([tmp_path, tmp_path / "a"], "train")
    drawn = Counter(both.tracks[next(iter(TaggedChunks(both).draws(i)))[0]][0] for i in range(400))
    assert abs(drawn["a"] - 200) < 40
    write_tracks(rows, tmp_path, "b", TAGS[::-1])
    with pytest.raises(CorpusError, match="its tags are not those of"):
        TaggingPool.load([tmp_path, tmp_path / "a"], "train")
    with pytest.raises(CorpusError, match="no track in the split 'test'"):
        TaggingPool.load([tmp_path], "test")


def test_tagged_chunks_silence_and_broken_files_are_drawn_anew(tmp_path, caplog):
    rows = []
    for name, samples in (("silent", np.zeros(200_000)), ("sounding", tone(6, 440, 32_000)), ("gone", None)):
        if samples is not None:
            soundfile.write(tmp_path / f"{name}.wav", samples, 32_000)
        rows.append({"corpus": "c", "track": name, "artist": "", "album": "", "path": f"{name}.wav", "split": "train",
                     "frames": 190_000, "licence": "", "tags": []})  # fmt: skip
    write_tracks(rows, tmp_path, "c", TAGS)
    pool = TaggingPool.load([tmp_path], "train")
    chunks = TaggedChunks(pool, ChunkConfig(attempts=12))
    with caplog.at_level(logging.WARNING):
        assert {chunks.chunk(index).track for index in range(12)} == {"sounding"}
    assert len(caplog.records) == 1 and "gone.wav: " in caplog.text
    gone = TaggingPool(
        pool.tags, pool.tracks[:1], (tmp_path / "gone.wav",), pool.frames, pool.targets, (np.array([0]),)
    )
    with pytest.raises(AudioError, match=r"gone\.wav"):
        TaggedChunks(gone).chunk(0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"frames": 0}, "frames not above 0"),
        ({"split": "dev"}, "split is none of"),
        ({"path": "/a.mp3"}, "path not relative"),
        ({"tags": ["polka"]}, "a tag that is not in tags.json"),
        ({"tags": ["genre---pop", "genre---pop"]}, "a tag stands twice"),
        ({"track": ""}, "no track name"),
    ],
)
def test_write_tracks_off_the_contract_is_refused(tmp_path, change, reason):
    row = {"corpus": "c", "track": "t", "artist": "", "album": "", "path": "t.wav", "split": "train", "frames": 1,
           "licence": "", "tags": ["genre---pop"]}  # fmt: skip
    with pytest.raises(CorpusError, match=reason):
        write_tracks([{**row, **change}], tmp_path, "c", TAGS)
    assert not list(tmp_path.iterdir())
    with pytest.raises(CorpusError, match="organology prepare"):
        read_tracks(tmp_path)


@pytest.mark.parametrize("channels", [1, 2])
def test_seek_span_of_mp3_is_where_it_is_asked_for(tmp_path, channels):
    """A tone that rises a step a second: the place is seen from the pitch."""
    samples = np.concatenate([tone(1, 300 + 50 * i) for i in range(9)])
    path = tmp_path / "steps.mp3"
    mode = "CONSTANT" if channels == 2 else "VARIABLE"
    soundfile.write(path, np.repeat(samples[:, None], channels, 1), 44_100, format="MP3", bitrate_mode=mode)
    whole = audio.read_mono(path)
    for start in (0, 40_000, 160_000, 230_000):
        span = seek.read_span(path, start, 32_000)
        middle = np.argmax(np.abs(np.fft.rfft(span[8_000:24_000]))) * 2
        truth = np.argmax(np.abs(np.fft.rfft(whole[start + 8_000 : start + 24_000]))) * 2
        assert abs(middle - truth) <= (52 if channels == 1 else 4)  # variable bit rate: to about a second
        np.testing.assert_array_equal(span, seek.read_span(path, start, 32_000))
    np.testing.assert_allclose(seek.read_span(path, 0, 32_000), whole[:32_000], atol=1e-5)
    end = seek.read_span(path, len(whole) - 16_000, 32_000)
    assert np.abs(end[:8_000]).max() > 0.1 and not end[-8_000:].any()


def test_seek_span_of_prepared_file_is_exact(tmp_path):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 40_000).astype(np.float32)
    soundfile.write(tmp_path / "a.flac", samples, 32_000)
    whole = audio.read_mono(tmp_path / "a.flac")
    np.testing.assert_array_equal(seek.read_span(tmp_path / "a.flac", 12_345, 9_000), whole[12_345:21_345])
    with pytest.raises(AudioError, match=r"b\.flac: "):
        seek.read_span(tmp_path / "b.flac", 0, 10)
    mp3(tmp_path / "c.mp3", 1.0, 440)
    with pytest.raises(AudioError, match=r"c\.mp3: "):
        seek.read_span(tmp_path / "c.mp3", 32_000 * 60, 10)


def test_corpus_jamendo_names_tags_tree_and_citation():
    corpus = find("jamendo").corpus()
    assert corpus.tags == TAGS and "autotagging_top50tags-train.tsv" in corpus.tree and "Bogdanov" in corpus.citation


@pytest.mark.skipif(not (SHARED / "metadata" / "mtg_jamendo").is_dir(), reason="no real metadata here")
def test_read_jamendo_real_tables_agree_with_the_counts():
    tracks, issues = read(SHARED / "metadata" / "mtg_jamendo")
    assert not issues  # no tag unknown, no artist in two parts, no row refused
    assert Counter(track.split for track in tracks) == {"train": 32136, "validation": 10888, "test": 11356}
    assert (SHARED / "metadata/mtg_jamendo/top50.txt").read_text().split() == list(TAGS)
    counts = Counter((tag, track.split) for track in tracks for tag in track.tags)
    with (SHARED / "labels/mtg_jamendo_top50.tsv").open() as file:
        rows = {row["tag"]: row for row in csv.DictReader(file, delimiter="\t")}
    assert list(rows) == list(TAGS)
    for tag, row in rows.items():
        assert [counts[tag, part] for part in ("train", "validation", "test")] == [
            int(row[f"split0_{part}"]) for part in ("train", "validation", "test")
        ], tag
