"""Slakh2100: layouts, labels by patch and program, splits, duplicates; the real metadata where they are."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from bradl15_labels import BRADL15, decode, encode, labels_of
from corpora_trees_slakh import slakh, slakh_metadata
from organology.corpora.base import SourceSong
from organology.corpora.issues import Issue
from organology.corpora.prepare import PrepareConfig, prepare
from organology.corpora.readers.slakh import reader
from organology.corpora.readers.slakh.sound import known_faults, patches, sound
from organology.corpora.readers.slakh.tree import original_split
from organology.corpora.table import read_table
from organology.errors import CorpusError, UnknownWordError
from organology.labels import Vocabulary

SHARED = Path(__file__).parents[3] / "shared"
LAYOUTS = ("redux", "original", "original_wav", "baby")


def read(root, **options):
    items = list(reader.read(root, **options))
    return {item.song: item for item in items if isinstance(item, SourceSong)}, [
        i for i in items if isinstance(i, Issue)
    ]


def words(issues, severity):
    return [str(issue) for issue in issues if issue.severity == severity]


def labels_by_stem(songs):
    return {(song.song, stem.stem): decode(stem) for song in songs.values() for stem in song.stems}


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slakh")
    return {layout: slakh(folder / layout, layout) for layout in LAYOUTS}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_read_slakh_layouts_give_the_same_songs(trees, layout):
    songs, issues = read(trees[layout])
    assert list(songs) == ["Track00001", "Track00004", "Track00357", "Track01501", "Track01502", "Track01876"]
    assert labels_by_stem(songs) == labels_by_stem(read(trees["redux"])[0])
    assert all(stem.path.is_file() for song in songs.values() for stem in song.stems)
    assert {stem.licence for song in songs.values() for stem in song.stems} == {"CC BY 4.0"}
    assert not words(issues, "refused")


def test_read_slakh_dropped_is_named(trees):
    _, issues = read(trees["redux"])
    assert words(issues, "dropped") == [
        "train/Track00001, stem S03: not rendered",
        "train/Track00357, stem S03: white-noise, see https://github.com/ethman/slakh-utils/issues/17",
        "omitted/Track01939: same MIDI file as Track00004",
    ]


def test_read_slakh_stem_is_labeled_by_its_patch(trees):
    songs, issues = read(trees["redux"])
    found = labels_by_stem(songs)
    assert found["Track00001", "S00"] == (["plucked_string", "electric_guitar"], [])
    assert found["Track00001", "S01"] == (["percussion", "drums"], [])
    assert found["Track00001", "S02"] == (["key"], ["synth"])  # a harmonica on an electronic organ
    assert found["Track00357", "S01"] == (["bowed_string"], ["violin"])  # synth strings on a string orchestra
    assert found["Track01501", "S00"] == (["key"], [])  # a grand piano on a Pianet
    assert found["Track01502", "S00"] == (["plucked_string", "acoustic_guitar"], [])
    by_word = {stem.word for song in songs.values() for stem in song.stems}
    assert {"22 as transistor_compact", "30", "128"} <= by_word
    notes = words(issues, "note")
    assert "program 22 (Harmonica): stems are labeled by the patch that plays them: transistor_compact (1)" in notes


def test_read_slakh_by_program_ignores_the_patch(trees):
    found = labels_by_stem(read(trees["redux"], labels_by="program")[0])
    assert found["Track00001", "S02"] == (["woodwind"], [])
    assert found["Track01501", "S00"] == (["key", "piano"], [])


def test_read_slakh_audio_counts_over_the_flag(trees):
    """In BabySlakh every stem says `audio_rendered: false`."""
    songs, issues = read(trees["baby"])
    assert len(songs["Track00004"].stems) == 2
    assert "Track00004/metadata.yaml: 2 stems used with audio though `audio_rendered` is false" in words(issues, "note")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_read_slakh_redux_split_goes_by_number(trees, layout):
    songs, _ = read(trees[layout], split="redux")
    splits = {name: song.split for name, song in songs.items()}
    assert splits == {
        "Track00001": "train", "Track00004": "train", "Track00357": "train",
        "Track01501": "validation", "Track01502": "validation", "Track01876": "test",
    }  # fmt: skip


def test_read_slakh_published_split_keeps_duplicates(trees):
    songs, issues = read(trees["original"], split="published")
    assert songs["Track01939"].split == "test"
    assert "test/Track01939: in test, with the same MIDI file as Track00004 in train" in words(issues, "note")
    songs, issues = read(trees["redux"], split="published")
    assert "Track01939" not in songs
    assert "omitted/Track01939: same MIDI file as Track00004" in words(issues, "dropped")


def test_read_slakh_versions_of_a_song_stay_together(trees, tmp_path):
    songs, _ = read(trees["redux"])
    assert songs["Track00001"].artist == songs["Track01502"].artist == "TRAAAAA"
    for seed in range(3):
        prepare(reader.CORPUS, trees["redux"], tmp_path / "out", PrepareConfig(seed=seed))
        table = read_table(tmp_path / "out", check_files=True)
        by_artist = {}
        for artist, split in table.select("artist", "split").iter_rows():
            by_artist.setdefault(artist, set()).add(split)
        assert all(len(splits) == 1 for splits in by_artist.values())


@pytest.mark.parametrize("layout", ["redux", "baby"])
def test_prepare_slakh_gives_the_table(trees, tmp_path, layout):
    report = prepare(reader.corpus(split="redux"), trees[layout], tmp_path / "out")
    table = read_table(tmp_path / "out", check_files=True)
    assert report.complete
    assert len(table) == sum(len(song.stems) for song in read(trees[layout])[0].values()) == 13
    assert set(table["kind"]) == {"rendered"} and table["aligned"].all()
    assert set(table["frames"]) == {12_800}  # 0.4 s


def test_read_slakh_root_above_release_is_read(trees, tmp_path):
    (tmp_path / "slakh2100_flac_redux").symlink_to(trees["redux"])
    assert reader.looks_like(tmp_path)
    songs, issues = read(tmp_path)
    assert list(songs) == list(read(trees["redux"])[0])
    assert "slakh2100_flac_redux/omitted/Track01939: same MIDI file as Track00004" in words(issues, "dropped")


def test_read_slakh_faulty_metadata_cost_a_line_each(tmp_path):
    stems = [(30, "elektrik_guitar.nkm", True)]
    good = slakh_metadata("a", "TRA", stems)
    texts = {
        "Track00001": good,
        "Track00002": None,
        "Track00003": "stems: [",
        "Track00005": "UUID: x\n",
        "Track00006": good.replace("UUID: a", "UUID: b").replace("program_num: 30", "program_num: 130"),
        "Track00007": good.replace("UUID: a", "UUID: c").replace("is_drum: false", "is_drum: perhaps"),
        "Track00008": good.replace("UUID: a", "UUID: d").replace("    program_num: 30\n", ""),
    }
    for track, text in texts.items():
        (tmp_path / "train" / track).mkdir(parents=True)
        if text is not None:
            (tmp_path / "train" / track / "metadata.yaml").write_text(text)
    songs, issues = read(tmp_path)
    assert len(songs["Track00001"].stems) == 1
    refused = words(issues, "refused")
    assert [re.split(r"[:,]", line)[0] for line in refused] == [
        "train/Track00002/metadata.yaml", "train/Track00003/metadata.yaml", "train/Track00005/metadata.yaml",
        "train/Track00006", "train/Track00007", "train/Track00008",
    ]  # fmt: skip
    assert refused[0].endswith("No such file or directory")
    assert refused[2].endswith("no mapping `stems` in it")
    assert "unknown instrument word '130' (vocabulary general_midi)" in refused[3]
    assert "is_drum is 'perhaps', neither true nor false" in refused[4]
    assert "program_num is None, no number" in refused[5]
    assert all(line.count("\n") == 0 for line in refused)


def test_read_slakh_other_folder_is_refused_with_the_tree(tmp_path):
    with pytest.raises(CorpusError, match="no folder TrackNNNNN in it; expected"):
        list(reader.read(tmp_path))
    assert not reader.looks_like(tmp_path)


def test_slakh_tables_of_patches_and_faults_are_sound():
    assert len(patches()) == 170
    assert decode(patches()["harp"]) == (["plucked_string"], [])  # inst_class files it with the timpani under Strings
    assert decode(patches()["timpani"]) == (["percussion"], [])
    faults = known_faults()
    assert len(faults) == 24 and sum(skip for _, skip, _ in faults.values()) == 11
    assert all(source.startswith("https://github.com/ethman/slakh-utils/issues/") for _, _, source in faults.values())
    assert {fault for fault, skip, _ in faults.values() if skip} == {"white-noise", "single-tone"}


def test_sound_unknown_patch_falls_back_to_program():
    heard = sound({"program_num": 56, "is_drum": False, "plugin_name": "my_trumpet.nkm"}, "")
    assert not heard.known and heard.word == "56"
    np.testing.assert_array_equal(labels_of(heard), encode(["brass"]))
    assert sound({"program_num": 121, "is_drum": False}, "").instruments is None
    with pytest.raises(UnknownWordError):
        sound({"program_num": -1, "is_drum": False}, "f, stem S00")


real = pytest.mark.skipif(not (SHARED / "metadata" / "slakh").is_dir(), reason="no real metadata here")


@real
def test_read_slakh_all_129_programs_are_read(tmp_path):
    programs = json.loads((SHARED / "metadata/slakh/general_midi_inst_0based.json").read_text())
    stems = [(int(number), "None", True) for number in programs]
    folder = tmp_path / "train" / "Track00010"
    (folder / "stems").mkdir(parents=True)
    text = slakh_metadata("a", "TRA", stems)
    (folder / "metadata.yaml").write_text(re.sub(r"S(\d\d):", r"S0\1:", re.sub(r"S(\d{3}):", r"S\1:", text)))
    songs, issues = read(tmp_path)
    assert len(programs) == 129 and not words(issues, "refused")
    used = {stem.word: labels_of(stem) for stem in songs["Track00010"].stems}
    dropped = [issue for issue in issues if issue.severity == "dropped"]
    assert len(used) == 120 and len(dropped) == 9
    vocabulary = Vocabulary.load("general_midi")
    assert {issue.reason for issue in dropped} == {
        f"{entry.note!r} names no instrument" for entry in vocabulary.entries.values() if entry.policy == "exclude"
    }
    with (SHARED / "labels/slakh_gm.tsv").open() as file:
        proposed = {row["program_num"]: row for row in csv.DictReader(file, delimiter="\t")}
    for word, labels in used.items():
        row, (present, unknown) = proposed[word], BRADL15.decode(labels)
        asked = {row["family"], row["instrument"]} - {""}
        assert asked <= {*present, *unknown} and set(present) <= asked, word  # ours are unknown in more places


@real
def test_read_slakh_real_track_is_read(tmp_path):
    """Its metadata are those of BabySlakh: nothing is said to be rendered. S06, an effect, has no patch."""
    folder = tmp_path / "Track00001"
    (folder / "stems").mkdir(parents=True)
    (folder / "metadata.yaml").write_bytes((SHARED / "metadata/slakh/Track00001_metadata.yaml").read_bytes())
    songs, issues = read(tmp_path)
    assert not songs["Track00001"].stems and len(words(issues, "dropped")) == 11
    for i in {*range(11)} - {6}:
        (folder / "stems" / f"S{i:02}.wav").write_bytes(b"")
    songs, issues = read(tmp_path)
    assert words(issues, "dropped") == ["Track00001, stem S06: not rendered"]
    assert [stem.word for stem in songs["Track00001"].stems] == [
        "30", "128", "1", "33", "52", "17 as fever", "26", "30", "22 as transistor_compact", "22 as transistor_compact",
    ]  # fmt: skip
    assert songs["Track00001"].artist == "TROOHTB128F931F9DF"


@real
def test_slakh_real_splits_follow_the_reader():
    """Redux leaves out, and the original split goes by number; 1710 = 1289 + 270 + 151."""
    redux = json.loads((SHARED / "metadata/slakh/redux.json").read_text())
    assert all(
        entry.get("source_split", original_split(track)) == original_split(track) for track, entry in redux.items()
    )
    kept = [original_split(track) for track, entry in redux.items() if entry["action"] != "omit"]
    assert [kept.count(split) for split in ("train", "validation", "test")] == [1289, 270, 151]
