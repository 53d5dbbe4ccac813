"""The starter corpus and the example recordings are whole, licensed, small, and cover the labels."""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bradl15_labels import BRADL15, FAMILY_OF, LABELS, decode
from organology.corpora.splits import SPLITS, SplitSong, assign
from organology.labels import Vocabulary

ROOT = Path(__file__).parents[2]
STARTER, EXAMPLES = ROOT / "starter", ROOT / "examples"
sys.path.insert(0, str(ROOT / "scripts"))

import make_starter  # noqa: E402
from starter_music import ogg, theory  # noqa: E402
from starter_music.compose import ROLES, compose, read_book  # noqa: E402

VOCABULARY = Vocabulary.load("general_midi")
COVERED = [label for label in LABELS if label != "singer"]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with (STARTER / "stems.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_starter_table_lists_the_files(rows: list[dict[str, str]]) -> None:
    assert sorted(row["path"] for row in rows) == sorted(
        path.relative_to(STARTER).as_posix() for path in STARTER.rglob("*.ogg")
    )


def test_starter_corpus_is_small() -> None:
    assert sum(path.stat().st_size for path in STARTER.rglob("*") if path.is_file()) <= 12_000_000
    assert sum(path.stat().st_size for path in EXAMPLES.rglob("*") if path.is_file()) <= 1_500_000


def test_starter_stems_of_a_song_are_mono_32_khz_and_equally_long(rows: list[dict[str, str]]) -> None:
    lengths = defaultdict(set)
    for row in rows:
        info = soundfile.info(STARTER / row["path"])
        assert (info.samplerate, info.channels, info.subtype) == (32_000, 1, "VORBIS")
        lengths[row["song"]].add(info.frames)
    assert len(lengths) >= 20
    assert all(len(each) == 1 for each in lengths.values())
    assert all(15 * 32_000 < frames < 32 * 32_000 for each in lengths.values() for frames in each)


def test_starter_labels_but_singer_are_in_three_songs_and_artists(rows: list[dict[str, str]]) -> None:
    songs, artists = defaultdict(set), defaultdict(set)
    for row in rows:
        for label in decode(VOCABULARY[row["instrument"]])[0]:
            songs[label].add(row["song"])
            artists[label].add(row["artist"])
    assert sorted(songs) == sorted(COVERED)
    assert min(map(len, songs.values())) >= 3
    assert min(map(len, artists.values())) >= 3


def test_starter_splits_by_artist_have_every_label(rows: list[dict[str, str]]) -> None:
    vectors = defaultdict(list)
    artist = {row["song"]: row["artist"] for row in rows}
    for row in rows:
        vectors[row["song"]].append(VOCABULARY[row["instrument"]].encode(BRADL15))
    songs = [SplitSong(song, (artist[song],), BRADL15.union(each), len(each)) for song, each in vectors.items()]
    splits = assign(songs)
    for split in SPLITS:
        present = BRADL15.decode(BRADL15.union([song.labels for song in songs if splits[song.song] == split]))[0]
        assert sorted(present) == sorted(COVERED)


def test_starter_licences_are_named_and_there(rows: list[dict[str, str]]) -> None:
    assert {row["licence"] for row in rows} == {
        "CC0-1.0; samples MIT (FluidR3_GM)",
        "CC0-1.0; samples MIT (MuseScore_General_Full)",
    }
    texts = "".join((STARTER / "LICENSES" / f"{name}.txt").read_text("utf-8") for name in ("FluidR3_GM", "CC0-1.0"))
    texts += (STARTER / "LICENSES" / "MuseScore_General.txt").read_text("utf-8")
    assert texts.count("Permission is hereby granted, free of charge") == 2
    assert "CC0 1.0 Universal" in texts
    assert "Frank Wen" in (STARTER / "LICENSE").read_text("utf-8")


def test_examples_are_listed_with_source_labels_and_licence() -> None:
    sources = (EXAMPLES / "SOURCES.md").read_text("utf-8")
    with (EXAMPLES / "expected.csv").open(newline="", encoding="utf-8") as file:
        expected = list(csv.DictReader(file))
    assert sorted(row["file"] for row in expected) == sorted(path.name for path in EXAMPLES.glob("*.ogg"))
    for row in expected:
        assert f"| {row['file']} |" in sources
        values = {label: int(row[label]) for label in LABELS}
        assert set(values.values()) <= {-1, 0, 1}
        assert all(values[family] == 1 for label, family in FAMILY_OF.items() if values[label] == 1)
        assert 10 < soundfile.info(EXAMPLES / row["file"]).duration < 30
    assert "Attribution-ShareAlike 3.0" in (EXAMPLES / "mutilated-mime.LICENSE.txt").read_text("utf-8")


def test_starter_table_is_what_the_composer_writes(rows: list[dict[str, str]]) -> None:
    book = read_book()
    written = {song.name: [str(part.program) for part in compose(song).parts] for song in book}
    listed = defaultdict(list)
    for row in rows:
        listed[row["song"]].append(row["instrument"])
    examples = {song.name for song in book if song.example}
    assert dict(listed) == {name: programs for name, programs in written.items() if name not in examples}
    assert {song.artist for song in book if song.example}.isdisjoint(row["artist"] for row in rows)


def test_compose_same_seed_gives_the_same_song() -> None:
    song = read_book()[0]
    assert compose(song, 3) == compose(song, 3)
    assert compose(song, 3) != compose(song, 4)
    assert set(ROLES) >= {player.role for each in read_book() for player in each.players}


def test_theory_chords_give_tones_and_voices() -> None:
    chords = theory.make_chords("1 2-5!7", 9, "minor", 4, 3)
    assert [chord.tones for chord in chords] == [(9, 0, 4), (11, 2, 5), (4, 8, 11, 2), (9, 0, 4)]
    assert [(chord.beat, chord.length) for chord in chords] == [(0, 4), (4, 2), (6, 2), (8, 4)]
    for chord, voices in zip(chords, theory.voice_leading(chords), strict=True):
        assert list(voices) == sorted(voices)
        assert voices[0] % 12 == chord.root
        assert {voice % 12 for voice in voices} <= set(chord.tones)
        assert chord.tones[1] in {voice % 12 for voice in voices}


def test_write_ogg_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    noise = (0.1 * np.random.default_rng(0).standard_normal(40_000)).astype(np.float32)
    for name in "ab":
        ogg.write(tmp_path / f"{name}.ogg", noise, 32_000, 0.3, "same")
    assert (tmp_path / "a.ogg").read_bytes() == (tmp_path / "b.ogg").read_bytes()
    decoded, rate = soundfile.read(tmp_path / "a.ogg")
    assert (len(decoded), rate) == (40_000, 32_000)
    assert np.corrcoef(decoded, noise)[0, 1] > 0.8
    with pytest.raises(ValueError, match="no Ogg page"):
        ogg.with_serial(b"RIFF", 1)


def test_compare_differing_files_says_how(tmp_path: Path) -> None:
    noise = (0.1 * np.random.default_rng(0).standard_normal(40_000)).astype(np.float32)
    for name, samples in (("a", noise), ("b", noise), ("louder", 2 * noise), ("short", noise[:-1])):
        ogg.write(tmp_path / f"{name}.ogg", samples, 32_000, 0.3, "same")
    made = tmp_path / "a.ogg"
    assert make_starter.compare(made, tmp_path / "b.ogg") == ""
    assert make_starter.compare(made, tmp_path / "louder.ogg").startswith("differs by 0.")
    assert make_starter.compare(made, tmp_path / "short.ogg") == "39999 samples, made anew 40000"
    assert make_starter.compare(made, tmp_path / "gone.ogg") == "missing"
