"""Mixing Secrets: trees, missing sums, artists, earlier words, and the real metadata where they are."""

import csv
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from bradl15_labels import FAMILY_OF, LABELS, decode, labels_of, present_in
from corpora_trees import MIXING_SECRETS, write_yaml
from corpora_trees import mixing_secrets as make_tree
from organology.corpora.issues import Issue
from organology.corpora.prepare import prepare
from organology.corpora.readers import medleydb as reader
from organology.corpora.readers import mixing_secrets
from organology.corpora.readers.medley.labeled_songs import label_song
from organology.corpora.readers.medley.metadata import read_metadata
from organology.corpora.splits import SplitSong, assign
from organology.corpora.table import read_table
from organology.errors import CorpusError
from organology.labels import Vocabulary

SHARED = Path(__file__).parents[3] / "shared"
REAL = SHARED / "metadata" / "mixing_secrets"
WITHOUT_BLEED = [song for song in sorted(MIXING_SECRETS) if song != "OldHall_Chorale"]


@pytest.fixture(scope="module")
def medley(tmp_path_factory):
    return make_tree(tmp_path_factory.mktemp("medley"))


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    return make_tree(tmp_path_factory.mktemp("archives"), "archives")


@pytest.fixture
def tree(medley, tmp_path):
    return Path(shutil.copytree(medley, tmp_path / "tree"))


def items(root, **options):
    found = list(mixing_secrets.read(root, **options))
    songs = {item.song: item for item in found if not isinstance(item, Issue)}
    return songs, [item for item in found if isinstance(item, Issue)]


def of_severity(issues, severity):
    return [str(issue) for issue in issues if issue.severity == severity]


def labels(song):
    return {stem.stem: decode(stem) for stem in song.stems}


SYNTH, DRUMS = (["synth"], []), (["percussion", "drums"], [])
MORNING = {
    "S01": DRUMS,
    "S02": SYNTH,
    "S03": (["key"], ["synth"]),
    "S04": (["voice", "singer"], []),
    "S06": (["voice", "plucked_string", "singer", "acoustic_guitar"], []),
}


def test_read_mixing_secrets_medley_format_gives_its_songs(medley):
    songs, issues = items(medley)
    assert sorted(songs) == WITHOUT_BLEED
    assert labels(songs["RedKite_Morning"]) == MORNING
    paths = [
        stem.path.relative_to(medley / "Medley_Format/Audio/RedKite_Morning") for stem in songs["RedKite_Morning"].stems
    ]
    assert [str(path) for path in paths[:3]] == [
        "RedKite_Morning_STEMS/RedKite_Morning_STEM_drums.wav",
        "RedKite_Morning_STEMS/RedKite_Morning_STEM_synth.wav",
        "RedKite_Morning_STEMS/05_Hammond.wav",
    ]
    words = [stem.word for stem in songs["RedKite_Morning"].stems]
    assert words == ["drum set", "synthesizer", "electronic organ", "male singer", "male singer|acoustic guitar"]
    assert {stem.aligned for song in songs.values() for stem in song.stems} == {True}
    assert {stem.licence for song in songs.values() for stem in song.stems} == {mixing_secrets.LICENCE}
    assert of_severity(issues, "dropped") == [
        "Medley_Format/Audio/OldHall_Chorale/OldHall_Chorale_METADATA.yaml: the song is marked has_bleed",
        "Medley_Format/Audio/RedKite_Morning/RedKite_Morning_METADATA.yaml, stem S05: 'room' names no instrument",
    ]
    assert len(issues) == 2


def test_read_mixing_secrets_archives_give_raw_tracks_for_the_sums(archives):
    songs, issues = items(archives)
    assert sorted(songs) == WITHOUT_BLEED
    assert labels(songs["RedKite_Morning"]) == {
        "S01_R01": DRUMS,
        "S01_R02": (["percussion"], ["drums"]),  # a cowbell
        "S02_R01": SYNTH,
        "S02_R02": SYNTH,
        **{stem: found for stem, found in MORNING.items() if stem > "S02"},
    }
    assert {stem.path.parent.name for stem in songs["RedKite_Morning"].stems} == {"RedKite_Morning_Full"}
    notes = of_severity(issues, "note")
    assert notes[-1] == "metadata: 6 songs with more than one file; those in metadata are used"
    instead = "stems are missing; the raw tracks that they are made of take their place"
    assert f"metadata/RedKite_Morning_METADATA.yaml: {instead}" in notes
    assert mixing_secrets.looks_like(archives)
    assert not reader.looks_like(archives)


def test_read_mixing_secrets_missing_stem_is_taken_from_the_raw_tracks(tree):
    folder = tree / "Medley_Format/Audio/RedKite_Morning"
    (folder / "RedKite_Morning_STEMS/RedKite_Morning_STEM_drums.wav").unlink()
    (folder / "RedKite_Morning_STEMS/06_LeadVox.wav").unlink()
    (folder / "RedKite_Morning_RAW/02_Cowbell.wav").unlink()
    songs, _ = items(tree)
    paths = {stem.stem: stem.path for stem in songs["RedKite_Morning"].stems}
    assert list(paths) == ["S01_R01", "S01_R02", "S02", "S03", "S04", "S06"]
    assert paths["S04"] == folder / "RedKite_Morning_RAW/06_LeadVox.wav"
    assert paths["S01_R02"] == folder / "RedKite_Morning_RAW/02_Cowbell.wav"  # prepare reports that it is missing
    shutil.rmtree(folder / "RedKite_Morning_RAW")
    songs, _ = items(tree)
    missing = [stem.stem for stem in songs["RedKite_Morning"].stems if not stem.path.is_file()]
    assert missing == ["S01", "S04"]


def test_read_mixing_secrets_archive_of_another_name_is_found(tmp_path):
    song, archive = "KCUBaroque_TelemannLaLyra", "KCLBaroque_TelemannLaLyra_Full"
    stems = {
        "S01": {"filename": "01_Violin.wav", "instrument": "violin", "raw": {"R01": {"filename": "01_Violin.wav"}}}
    }
    values = {"has_bleed": "no", "origin": "Mixing Secrets", "stems": stems}
    write_yaml(tmp_path / "metadata" / f"{song}_METADATA.yaml", values)
    (tmp_path / archive).mkdir()
    (tmp_path / archive / "01_Violin.wav").touch()
    songs, issues = items(tmp_path)
    assert [stem.path for stem in songs[song].stems] == [tmp_path / archive / "01_Violin.wav"]
    assert issues == []


def test_read_mixing_secrets_activity_is_of_stems_not_of_their_parts(medley, archives):
    for root in (medley, archives):
        songs, _ = items(root)
        active = {stem.stem: stem.active for stem in songs["MR0901_RedKite"].stems}
        assert active["S01"][0][1] < 0.6 < 0.95 < active["S02"][0][1]
        assert active["S03"] is None  # it never reaches the threshold: measured alone
    name = "RedKite_Morning_ACTIVATION_CONF.lab"
    (archives / "annotations" / name).write_text("time,S01,S03\n0,1,1\n0.5,1,1\n")
    songs, _ = items(archives)
    (archives / "annotations" / name).unlink()
    given = [stem.stem for stem in songs["RedKite_Morning"].stems if stem.active is not None]
    assert given == ["S03"]


def test_read_mixing_secrets_bleed_is_kept_on_request(medley):
    songs, _ = items(medley, keep_bleed=True)
    assert labels(songs["OldHall_Chorale"]) == {
        "S02": (["voice"], ["bowed_string", "singer", "violin"]),
        "S03": (["bowed_string", "violin"], ["voice", "singer"]),
    }
    kept = mixing_secrets.corpus(keep_bleed=True).read(medley)
    assert "OldHall_Chorale" in {item.song for item in kept if not isinstance(item, Issue)}


@pytest.mark.parametrize(
    ("song", "artist"),
    [
        ("RedKite_Morning", "RedKite"),
        ("MR0901_RedKite", "RedKite"),
        ("MR1205_MountaineeringClub", "MountaineeringClubOrchestra"),
        ("MR_Song", "MR"),
    ],
)
def test_mixing_secrets_artists_come_from_the_song_name(tmp_path, song, artist):
    path = tmp_path / f"{song}_METADATA.yaml"
    write_yaml(path, {"artist": song.partition("_")[0], "stems": {"S01": {"instrument": "piano"}}})
    assert mixing_secrets.FORMAT.artists(read_metadata(path)) == (artist, artist)


def test_read_mixing_secrets_unknown_words_are_refused_by_name(tmp_path):
    path = tmp_path / "A_B_METADATA.yaml"
    write_yaml(path, {"has_bleed": "no", "stems": {"S07": {"instrument": ["male singer", "zither of Ur"]}}})
    song, (issue,) = label_song(read_metadata(path), mixing_secrets.FORMAT, "A_B_METADATA.yaml")
    assert song.stems == ()
    assert (issue.severity, issue.song, issue.stem) == ("refused", "A_B", "S07")
    assert str(issue) == (
        "A_B_METADATA.yaml, stem S07: unknown instrument word 'zither of Ur' (vocabulary mixing_secrets)"
    )


def test_read_mixing_secrets_metadata_alone_give_labels_but_no_songs(archives, tmp_path):
    shutil.copytree(archives / "metadata", tmp_path / "metadata")
    with pytest.raises(CorpusError, match="metadata of 6 songs, but no stems"):
        items(tmp_path)
    assert not mixing_secrets.looks_like(tmp_path)
    found = [item.metadata.song for item in mixing_secrets.read_labels(tmp_path) if not isinstance(item, Issue)]
    assert found == sorted(MIXING_SECRETS)


def test_prepare_mixing_secrets_gives_the_table(medley, tmp_path):
    report = prepare(mixing_secrets.CORPUS, medley, tmp_path / "out")
    table = read_table(tmp_path / "out", check_files=True)
    assert report.complete
    assert set(table["corpus"]) == {"mixing-secrets"}
    assert sorted(set(table["song"])) == WITHOUT_BLEED
    assert table["aligned"].all()
    splits = {row["song"]: row["split"] for row in table.iter_rows(named=True)}
    assert splits["MR0901_RedKite"] == splits["RedKite_Morning"]
    assert len(set(splits.values())) == 3
    rows = {(row["song"], row["stem"]): row for row in table.iter_rows(named=True)}
    assert present_in(rows["DryRiver_Stone", "S01"]) == {"percussion", "drums"}


def test_prepare_mixing_secrets_archives_give_the_table(archives, tmp_path):
    report = prepare(mixing_secrets.CORPUS, archives, tmp_path / "out")
    table = read_table(tmp_path / "out", check_files=True)
    assert report.complete
    assert sorted(table.filter(table["song"] == "DryRiver_Stone")["stem"]) == ["S01_R01", "S01_R02", "S02", "S03"]


# The real metadata


@pytest.fixture(scope="module")
def real():
    if not REAL.is_dir():
        pytest.skip("no real metadata here")
    found = list(mixing_secrets.read_labels(REAL))
    return [item for item in found if not isinstance(item, Issue)], [item for item in found if isinstance(item, Issue)]


def test_mixing_secrets_real_words_all_map_or_are_excluded(real):
    songs, issues = real
    assert len(songs) == 258
    assert sum(song.has_bleed for song in songs) == 38
    assert sum(len(song.metadata.stems) for song in songs) == 4529
    assert {issue.severity for issue in issues} == {"dropped"}
    assert len(issues) + sum(len(song.stems) for song in songs) == 4529
    assert all(song.stems for song in songs)
    for stem in (stem for song in songs for stem in song.stems):
        values = dict(zip(LABELS, labels_of(stem).tolist(), strict=True))
        assert all(values[family] or not values[instrument] for instrument, family in FAMILY_OF.items())


def test_mixing_secrets_real_counts_per_word_agree_with_the_table(real):
    songs, _ = real
    vocabulary = Vocabulary.load("mixing_secrets")
    names = ("stems", "songs", "stems_no_bleed", "songs_no_bleed")
    counts = {name: Counter() for name in names}
    for song in songs:
        tracks = song.metadata.stems
        words = [vocabulary.entry(word).word for stem in tracks for word in mixing_secrets.FORMAT.words(stem)]
        for suffix in ("", "_no_bleed") if not song.has_bleed else ("",):
            counts[f"stems{suffix}"].update(words)
            counts[f"songs{suffix}"].update(set(words))
    with (SHARED / "labels/mixing_secrets.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) == len(vocabulary)
    for row in rows:
        word = vocabulary.entry(row["label"]).word
        assert [int(row[name]) for name in names] == [counts[name][word] for name in names], word


def test_mixing_secrets_earlier_words_are_those_of_the_authors_table(real):
    songs, _ = real
    used = {word.casefold() for song in songs for stem in song.metadata.stems for word in stem.words}
    vocabulary = Vocabulary.load("mixing_secrets")
    assert {word for word in used if word not in vocabulary} == set(mixing_secrets.RENAMED)


def test_mixing_secrets_real_artists_are_in_one_split_each(real):
    songs, _ = real
    kept = [song for song in songs if not song.has_bleed]
    artists = {song.metadata.song: mixing_secrets.FORMAT.artists(song.metadata)[0] for song in kept}
    splits = assign([SplitSong(song, {artist}, labels_of(kept[0].stems[0])) for song, artist in artists.items()])
    of_artist = {}
    for song, artist in artists.items():
        of_artist.setdefault(artist, set()).add(splits[song])
    assert all(len(found) == 1 for found in of_artist.values())
    assert not [artist for artist in of_artist if re.fullmatch(r"MR\d{4}", artist)]
    assert splits["MR1210_JamesMay"] == splits["JamesMay_ElizaJane"]
