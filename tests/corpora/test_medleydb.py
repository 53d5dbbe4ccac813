"""MedleyDB: metadata, labels, trees, activity, and the real metadata where they are."""

import csv
import itertools
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bradl15_labels import BRADL15, FAMILY_OF, LABELS, decode, labels_of, present_in
from corpora_trees import MEDLEYDB, medleydb_metadata, write_activations, write_yaml
from corpora_trees import medleydb as make_tree
from organology.corpora.issues import Issue
from organology.corpora.prepare import prepare
from organology.corpora.readers import medleydb as reader
from organology.corpora.readers.medley.activations import read_activations
from organology.corpora.readers.medley.labeled_songs import label_song
from organology.corpora.readers.medley.metadata import read_metadata
from organology.corpora.table import read_table
from organology.errors import CorpusError
from organology.labels import PRESENT, UNKNOWN, Vocabulary

SHARED = Path(__file__).parents[3] / "shared"
REAL = SHARED / "metadata" / "medleydb" / "metadata"
WITHOUT_BLEED = [song for song in sorted(MEDLEYDB) if song != "Schubert_ABird"]


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    return make_tree(tmp_path_factory.mktemp("first"))


@pytest.fixture
def tree(first, tmp_path):
    return Path(shutil.copytree(first, tmp_path / "tree"))


def items(root, **options):
    found = list(reader.read(root, **options))
    songs = {item.song: item for item in found if not isinstance(item, Issue)}
    return songs, [item for item in found if isinstance(item, Issue)]


def labels(song):
    return {stem.stem: decode(stem) for stem in song.stems}


def of_severity(issues, severity):
    return [str(issue) for issue in issues if issue.severity == severity]


def metadata_file(folder, text, song="A_B"):
    path = folder / f"{song}_METADATA.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def labeled(folder, stems, song="A_B", **fields):
    values = {"artist": "A", "has_bleed": "no", "stems": stems, **fields}
    path = folder / f"{song}_METADATA.yaml"
    write_yaml(path, values)
    return label_song(read_metadata(path), reader.FORMAT, "file")


# Metadata


def test_read_metadata_of_one_song_gives_its_fields(tmp_path):
    path = metadata_file(
        tmp_path,
        "artist: A Band\ntitle: Song\ngenre: Rock\norigin: Studio\nhas_bleed: 'no'\nexcerpt: yes\nstems:\n"
        "  S01: {filename: x.wav, instrument: piano, raw: {R01: {filename: y.wav, instrument: piano}}}\n"
        "  S02: {filename: z.wav, instrument: [flute, oboe, flute]}\n",
    )
    song = read_metadata(path)
    assert (song.song, song.artist, song.title, song.genre, song.origin) == ("A_B", "A Band", "Song", "Rock", "Studio")
    assert (song.has_bleed, song.excerpt, song.instrumental) == (False, True, None)
    one, two = song.stems
    assert (one.name, one.filename, one.words) == ("S01", "x.wav", ("piano",))
    assert [(raw.name, raw.filename, raw.words) for raw in one.raw] == [("R01", "y.wav", ("piano",))]
    assert (two.words, two.raw) == (("flute", "oboe"), ())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stems: {S01: {instrument: piano}}", ("piano",)),
        ("stems: {S01: {instrument: 808}}", ("808",)),
        ("stems: {S01: {instrument: '  tack   piano '}}", ("tack piano",)),
        ("stems: {S01: {instrument: [[piano], violin]}}", ("piano", "violin")),
        ("stems: {S01: {instrument: ''}}", ()),
        ("stems: {S01: {instrument: }}", ()),
        ("stems: {S01: {instrument: []}}", ()),
        ("stems: {S01: {}}", ()),
        ("stems: {S01: }", ()),
        ("stems:\n\tS01:\n\t\tinstrument: piano\n", ("piano",)),
        ("\ufeffstems: {S01: {instrument: piano}}", ("piano",)),
        ("title: Fenêtre\nstems: {S01: {instrument: piano}}".encode("latin-1"), ("piano",)),
        ("title: Fenêtre\nstems: {S01: {instrument: piano}}".encode("utf-16"), ("piano",)),
        ("stems:\r\n  S01:\r\n    instrument: piano\r\n", ("piano",)),
    ],
)
def test_read_metadata_as_people_write_them_is_understood(tmp_path, text, words):
    (stem,) = read_metadata(metadata_file(tmp_path, text)).stems
    assert stem.words == words


@pytest.mark.parametrize("value", ["yes", "'yes'", "Yes", "true", "'YES '"])
def test_read_metadata_yes_in_all_spellings_is_understood(tmp_path, value):
    path = metadata_file(tmp_path, f"has_bleed: {value}\nexcerpt: no\nstems: {{S01: {{instrument: piano}}}}")
    assert (read_metadata(path).has_bleed, read_metadata(path).excerpt) == (True, False)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a mapping"),
        ("- a\n- b", "not a mapping"),
        ("artist: A", "no mapping `stems`"),
        ("stems: {}", "no mapping `stems`"),
        ("stems: [piano]", "no mapping `stems`"),
        ("stems: {S01: {instrument: piano}", "expected ',' or '}'"),
        ("stems:\n  S01: {instrument: piano}\n  S01: {instrument: violin}", "'S01' stands twice"),
        ("stems:\n\t\t- x: [\n", "line"),
        (b"stems: \x00\x01", "character"),
    ],
)
def test_read_metadata_broken_file_is_one_line(tmp_path, text, reason):
    path = metadata_file(tmp_path, text)
    with pytest.raises(CorpusError, match=reason.replace("|", r"\|")) as error:
        read_metadata(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_read_metadata_missing_file_is_one_line(tmp_path):
    with pytest.raises(CorpusError, match="No such file"):
        read_metadata(tmp_path / "A_B_METADATA.yaml")


# Labels


def test_label_song_several_words_are_a_union(tmp_path):
    song, issues = labeled(tmp_path, {"S01": {"instrument": ["male singer", "double bass", "drum set"]}})
    assert song.stems[0].word == "male singer|double bass|drum set"
    assert decode(song.stems[0]) == (
        ["voice", "percussion", "singer", "drums"],
        ["bowed_string", "plucked_string"],
    )
    assert issues == []


def test_label_song_word_without_instrument_leaves_the_rest_open(tmp_path):
    song, _ = labeled(tmp_path, {"S01": {"instrument": ["Unlabeled", "piano"]}})
    present, unknown = decode(song.stems[0])
    assert present == ["key", "piano"]
    assert unknown == [label for label in LABELS if label not in present]


def test_label_song_stem_without_labels_is_named(tmp_path):
    stems = {
        "S01": {"instrument": "fx/processed sound"},
        "S02": {"instrument": "zither of Ur"},
        "S03": {"instrument": ""},
        "S04": {"instrument": "Main System"},
        "S05": {"instrument": "piano"},
    }
    song, issues = labeled(tmp_path, stems)
    assert [stem.track.name for stem in song.stems] == ["S05"]
    assert [(issue.severity, issue.stem, str(issue)) for issue in issues] == [
        ("dropped", "S01", "file, stem S01: 'fx/processed sound' names no instrument"),
        ("refused", "S02", "file, stem S02: unknown instrument word 'zither of Ur' (vocabulary medleydb)"),
        ("refused", "S03", "file, stem S03: no instrument"),
        ("dropped", "S04", "file, stem S04: 'Main System' names no instrument"),
    ]


def test_label_song_raw_tracks_make_unknown_what_the_stem_does_not_say(tmp_path):
    raw = {"R01": {"instrument": "clean electric guitar"}, "R02": {"instrument": "electric bass"}, "R03": {}}
    song, _ = labeled(tmp_path, {"S01": {"instrument": "clean electric guitar", "raw": raw}})
    assert decode(song.stems[0]) == (["plucked_string", "electric_guitar"], ["electric_bass"])
    raw = {"R01": {"instrument": "fx/processed sound"}, "R02": {"instrument": "who knows"}}
    song, issues = labeled(tmp_path, {"S01": {"instrument": "piano", "raw": raw}})
    assert (decode(song.stems[0]), issues) == ((["key", "piano"], []), [])


def test_label_song_bleed_makes_the_other_stems_unknown(tmp_path):
    stems = {"S01": {"instrument": "piano"}, "S02": {"instrument": "violin"}, "S03": {"instrument": "Main System"}}
    song, _ = labeled(tmp_path, stems, has_bleed="yes")
    assert {stem.track.name: decode(stem) for stem in song.stems} == {
        "S01": (["key", "piano"], ["bowed_string", "violin"]),
        "S02": (["bowed_string", "violin"], ["key", "piano"]),
    }
    song, _ = labeled(tmp_path, {**stems, "S04": {"instrument": "zither of Ur"}}, has_bleed="yes")
    assert all(len(decode(stem)[1]) == len(LABELS) - 2 for stem in song.stems)


def test_label_song_stems_of_the_errata_have_bleed(tmp_path):
    stems = {"S11": {"instrument": "drum set"}, "S12": {"instrument": "clean electric guitar"}}
    song, _ = labeled(tmp_path, stems, song="Lushlife_ToynbeeSuite")
    assert [decode(stem) for stem in song.stems] == [
        (["percussion", "drums"], []),
        (["plucked_string", "electric_guitar"], ["percussion", "drums"]),
    ]


# Trees


def test_read_medleydb_first_release_gives_its_songs(first):
    songs, issues = items(first)
    assert sorted(songs) == WITHOUT_BLEED
    song = songs["AnnaOak_FirstLight"]
    assert labels(song) == {
        "S01": (["plucked_string", "electric_bass"], []),
        "S02": (["percussion", "drums"], []),
        "S03": (["plucked_string", "electric_guitar"], []),
        "S04": (["voice", "singer"], []),
    }
    folder = first / "Audio/AnnaOak_FirstLight/AnnaOak_FirstLight_STEMS"
    assert [stem.path for stem in song.stems] == [folder / f"AnnaOak_FirstLight_STEM_0{i}.wav" for i in (1, 2, 3, 4)]
    assert {stem.licence for stem in song.stems} == {"CC BY-NC-SA 4.0"}
    assert {(stem.kind, stem.aligned) for stem in song.stems} == {("performance", True)}
    assert [stem.word for stem in songs["AnnaOak_Hollow"].stems][2] == "vocalists|violin"
    assert songs["AnnaOak_Hollow"].artists == {"AnnaOak", "Anna Oak & Ben Elm"}
    assert of_severity(issues, "dropped") == [
        "Audio/AnnaOak_FirstLight/AnnaOak_FirstLight_METADATA.yaml, stem S05: 'fx/processed sound' names no instrument",
        "Audio/NightBus_Meter/NightBus_Meter_METADATA.yaml, stem S05: 'sampler' names no instrument",
        "Audio/Schubert_ABird/Schubert_ABird_METADATA.yaml: the song is marked has_bleed",
    ]
    assert of_severity(issues, "note") == ["metadata: 1 song of excerpts: GlassTrio_Waltz"]
    assert len(issues) == 4


@pytest.mark.parametrize("layout", ["archives", "repository"])
def test_read_medleydb_other_layouts_give_the_same_songs(first, tmp_path, layout):
    make_tree(tmp_path, layout, seconds=0.05)
    songs, issues = items(tmp_path)
    expected, _ = items(first)
    assert {name: labels(song) for name, song in songs.items()} == {n: labels(song) for n, song in expected.items()}
    assert all(stem.path.is_file() for song in songs.values() for stem in song.stems)
    assert len(of_severity(issues, "dropped")) == 3


def test_read_medleydb_metadata_of_the_repository_come_first(tree):
    values = medleydb_metadata("TheMills_Static")
    values["stems"]["S01"]["instrument"] = "banjo"
    write_yaml(tree / "clone/data/Metadata/TheMills_Static_METADATA.yaml", values)
    write_yaml(tree / "clone/data/Metadata/Away_Song_METADATA.yaml", values)
    songs, issues = items(tree)
    assert songs["TheMills_Static"].stems[0].word == "banjo"
    assert of_severity(issues, "note")[:2] == [
        "metadata: 1 song without audio here: Away_Song",
        "metadata: 1 song with more than one file; those in clone/data/Metadata are used",
    ]


def test_read_medleydb_bleed_is_kept_on_request(first):
    songs, issues = items(first, keep_bleed=True)
    assert sorted(songs) == sorted(MEDLEYDB)
    assert labels(songs["Schubert_ABird"]) == {
        "S01": (["key", "piano"], ["voice", "singer"]),
        "S02": (["voice", "singer"], ["key", "piano"]),
    }
    assert not any("has_bleed" in str(issue) for issue in issues)
    assert "Schubert_ABird" in {
        item.song for item in reader.corpus(keep_bleed=True).read(first) if not isinstance(item, Issue)
    }


def test_read_medleydb_song_that_does_not_tell_counts_as_bleeding(tree):
    path = tree / "Audio/TheMills_Static/TheMills_Static_METADATA.yaml"
    write_yaml(path, {**medleydb_metadata("TheMills_Static"), "has_bleed": ""})
    songs, issues = items(tree)
    assert "TheMills_Static" not in songs
    assert any("not marked to be without bleed" in str(issue) for issue in issues)


def test_read_medleydb_broken_metadata_cost_one_song(tree):
    broken = tree / "Audio/BrassLane_March/BrassLane_March_METADATA.yaml"
    broken.write_text("stems: {S01: ")
    (tree / "Audio/ReedFour_Rondo/ReedFour_Rondo_METADATA.yaml").unlink()
    songs, issues = items(tree)
    assert sorted(songs) == [song for song in WITHOUT_BLEED if song[0] not in "BR"]
    refused = of_severity(issues, "refused")
    assert len(refused) == 2
    assert refused[0].startswith("Audio/BrassLane_March/BrassLane_March_METADATA.yaml: ")
    assert refused[1] == "Audio/ReedFour_Rondo/ReedFour_Rondo_STEMS: no ReedFour_Rondo_METADATA.yaml"


def test_read_medleydb_without_metadata_or_audio_is_an_error(tmp_path):
    with pytest.raises(CorpusError, match="no such folder"):
        items(tmp_path / "nowhere")
    with pytest.raises(CorpusError, match=r"no <Song>_METADATA\.yaml in this folder; expected"):
        items(tmp_path)
    write_yaml(tmp_path / "TheMills_Static_METADATA.yaml", medleydb_metadata("TheMills_Static"))
    with pytest.raises(CorpusError, match="metadata of 1 song, but no stems"):
        items(tmp_path)
    assert not reader.looks_like(tmp_path)
    assert [song.metadata.song for song in reader.read_labels(tmp_path)] == ["TheMills_Static"]


def test_read_medleydb_copies_in_another_format_and_links_are_found(tree, tmp_path):
    folder = tree / "Audio/TheMills_Static/TheMills_Static_STEMS"
    stem = folder / "TheMills_Static_STEM_01.wav"
    stem.rename(stem.with_suffix(".flac"))
    (folder / "TheMills_Static_STEM_02.wav").rename(folder / "TheMills_Static_STEM_02.WAV")
    (folder / "._TheMills_Static_STEM_03.wav").touch()
    (tree / "Audio" / "loop").symlink_to(tree)
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "V1").symlink_to(tree / "Audio")
    songs, _ = items(linked)
    names = [stem.path.name for stem in songs["TheMills_Static"].stems]
    assert names[:3] == ["TheMills_Static_STEM_01.flac", "TheMills_Static_STEM_02.WAV", "TheMills_Static_STEM_03.wav"]
    assert sorted(songs) == WITHOUT_BLEED
    assert reader.looks_like(linked)


def test_read_medleydb_songs_of_mixing_secrets_are_passed_over(tree):
    path = tree / "Audio/TheMills_Static/TheMills_Static_METADATA.yaml"
    write_yaml(path, {**medleydb_metadata("TheMills_Static"), "origin": "Mixing Secrets"})
    songs, issues = items(tree)
    assert "TheMills_Static" not in songs
    assert "metadata: 1 song of another corpus: TheMills_Static" in of_severity(issues, "note")


# Activity


@pytest.mark.parametrize(("layout", "frames"), [("first", 7), ("repository", 2)])
def test_read_activations_gives_intervals_of_the_confidences(first, tmp_path, layout, frames):
    root = first if layout == "first" else make_tree(tmp_path, layout, seconds=0.3)
    songs, _ = items(root)
    active = {stem.stem: stem.active for stem in songs["AnnaOak_FirstLight"].stems}
    hop = 2048 / 44_100
    assert active["S04"] == (pytest.approx((0, (frames - 0.5) * hop), abs=1e-3),)
    assert active["S01"][0][1] > (0.95 if layout == "first" else 0.28)
    assert all(stem.active is None for stem in songs["TheMills_Static"].stems)


def test_read_activations_misnamed_by_the_first_release_are_found(tree):
    name = "Phoenix_BrokenPledgeChicagoReel"
    for path in (tree / "Audio/TheMills_Static").rglob("TheMills_Static*"):
        path.rename(path.with_name(path.name.replace("TheMills_Static", name)))
    values = yaml.safe_load((tree / f"Audio/TheMills_Static/{name}_METADATA.yaml").read_text())
    write_yaml(tree / f"Audio/TheMills_Static/{name}_METADATA.yaml", values)
    write_activations(tree / "Phoenix_BrokenPledge-ChicagoReel_ACTIVATION_CONF.lab", {"S01": ((0.0, 0.5),)})
    songs, _ = items(tree)
    assert [stem.active is None for stem in songs[name].stems] == [False, True, True, True, True]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "time,S01\n0.0,0.5\n",
        "time,S01\n0.0,0.5\n0.05\n",
        "0.0,0.5\n0.05,0.9\n",
        "time,S01\n0,x\n1,1\n",
        "time,S01\n0.0,0.5\n0.0,0.5\n",
        "time,S01\n0.0,nan\n0.1,0.5\n",
    ],
)
def test_read_activations_broken_file_is_a_note(tree, text):
    path = tree / "Annotations/Instrument_Activations/ACTIVATION_CONF/AnnaOak_FirstLight_ACTIVATION_CONF.lab"
    path.write_text(text)
    with pytest.raises(CorpusError):
        read_activations(path)
    songs, issues = items(tree)
    assert all(stem.active is None for stem in songs["AnnaOak_FirstLight"].stems)
    (note,) = [line for line in of_severity(issues, "note") if "ACTIVATION" in line]
    assert note.endswith("; activity is measured instead")
    assert "\n" not in note


@settings(deadline=None, max_examples=50)
@given(sounds=st.lists(st.booleans(), min_size=2, max_size=80))
def test_read_activations_short_rests_are_closed(tmp_path_factory, sounds):
    path = tmp_path_factory.getbasetemp() / "x_ACTIVATION_CONF.lab"
    hop = 2048 / 44_100
    rows = [f"{i * hop:.4f},{0.5 if sound else 0.4999}" for i, sound in enumerate(sounds)]
    path.write_text("\n".join(["time,s01", *rows]))
    active = read_activations(path).get("S01", ())
    inside = np.array([any(start <= i * hop < end for start, end in active) for i in range(len(sounds))])
    assert inside[np.array(sounds)].all()
    assert (len(active) > 0) == any(sounds)
    for (_, end), (start, _) in itertools.pairwise(active):
        assert start - end > 0.5
    assert all(0 <= start < end for start, end in active)
    assert all(sounds[round((start + hop / 2) / hop)] for start, _ in active if start > 0)


# Preparing


def test_prepare_medleydb_gives_the_table(first, tmp_path):
    report = prepare(reader.CORPUS, first, tmp_path / "out")
    table = read_table(tmp_path / "out", check_files=True)
    assert report.complete
    assert set(table["corpus"]) == {"medleydb"}
    assert sorted(set(table["song"])) == WITHOUT_BLEED
    assert table["aligned"].all()
    assert (table["frames"] == 32_000).all()
    rows = {(row["song"], row["stem"]): row for row in table.iter_rows(named=True)}
    row = rows["AnnaOak_Hollow", "S03"]
    assert (row["artist"], row["word"], row["licence"]) == ("Anna Oak & Ben Elm", "vocalists|violin", "CC BY-NC-SA 4.0")
    assert present_in(row) == {"voice", "singer", "bowed_string", "violin"}
    assert len(set(table["split"])) == 3
    of_anna = table.filter(table["song"].str.starts_with("AnnaOak"))
    assert len(set(of_anna["split"])) == 1
    assert [str(issue) for issue in report.of("dropped")][-1].endswith("the song is marked has_bleed")


def test_prepare_medleydb_keeps_activity_within_the_annotations(first, tmp_path):
    prepare(reader.CORPUS, first, tmp_path / "out")
    rows = read_table(tmp_path / "out").filter(pl.col("song") == "AnnaOak_FirstLight").iter_rows(named=True)
    active = {row["stem"]: row["active"] for row in rows}
    assert active["S04"] == [{"start": 0, "end": round(6.5 * 2048 / 44_100 * 32_000)}]
    assert active["S01"] == [{"start": 0, "end": 31_951}]


def test_prepare_medleydb_goes_on_past_a_broken_song_and_a_missing_stem(tree, tmp_path):
    (tree / "Audio/BrassLane_March/BrassLane_March_METADATA.yaml").write_text("stems: [")
    (tree / "Audio/TheMills_Static/TheMills_Static_STEMS/TheMills_Static_STEM_02.wav").unlink()
    report = prepare(reader.CORPUS, tree, tmp_path / "out")
    assert not report.complete
    assert [issue.song for issue in report.of("refused")] == ["BrassLane_March"]
    (failed,) = report.of("failed")
    assert failed.place == "Audio/TheMills_Static/TheMills_Static_STEMS/TheMills_Static_STEM_02.wav"
    table = read_table(tmp_path / "out")
    assert sorted(set(table["song"])) == [song for song in WITHOUT_BLEED if song != "BrassLane_March"]
    assert sorted(table.filter(table["song"] == "TheMills_Static")["stem"]) == ["S01", "S03", "S04", "S05"]


# The real metadata


@pytest.fixture(scope="module")
def real():
    if not REAL.is_dir():
        pytest.skip("no real metadata here")
    found = list(reader.read_labels(REAL))
    return [item for item in found if not isinstance(item, Issue)], [item for item in found if isinstance(item, Issue)]


def test_medleydb_real_words_all_map_or_are_excluded(real):
    songs, issues = real
    assert len(songs) == 196
    assert sum(song.has_bleed for song in songs) == 80
    assert sum(len(song.metadata.stems) for song in songs) == 1284
    assert {issue.severity for issue in issues} == {"dropped"}
    assert len(issues) + sum(len(song.stems) for song in songs) == 1284
    assert all(song.stems for song in songs)


def test_medleydb_real_counts_per_word_agree_with_the_table(real):
    songs, _ = real
    vocabulary = Vocabulary.load("medleydb")
    names = ("stems", "songs", "stems_no_bleed", "songs_no_bleed")
    counts = {name: Counter() for name in names}
    for song in songs:
        words = [vocabulary.entry(word).word for stem in song.metadata.stems for word in reader.FORMAT.words(stem)]
        for suffix in ("", "_no_bleed") if not song.has_bleed else ("",):
            counts[f"stems{suffix}"].update(words)
            counts[f"songs{suffix}"].update(set(words))
    with (SHARED / "labels/medleydb.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) == len(vocabulary)
    for row in rows:
        word = vocabulary.entry(row["label"]).word
        assert [int(row[name]) for name in names] == [counts[name][word] for name in names], word


def test_medleydb_real_labels_hold_together(real):
    songs, _ = real
    for song in songs:
        for stem in song.stems:
            values = dict(zip(LABELS, labels_of(stem).tolist(), strict=True))
            assert PRESENT in values.values() or UNKNOWN in values.values()
            for instrument, family in FAMILY_OF.items():
                assert values[family] or not values[instrument]
                assert values[family] == PRESENT or values[instrument] != PRESENT
    touched = {
        (song.metadata.song, stem.track.name)
        for song in songs
        if not song.has_bleed
        for stem in song.stems
        if not np.array_equal(labels_of(stem), Vocabulary.load("medleydb").entry(stem.word).encode(BRADL15))
    }
    # 12 stems by words of their raw tracks, and 3 by the errata in songs that are not marked; gone through by hand.
    assert len(touched) == 15
    assert touched & reader.BLEEDING == {
        ("Creepoid_OldTree", "S02"),
        ("Lushlife_ToynbeeSuite", "S12"),
        ("TheScarletBrand_LesFleursDuMal", "S08"),
    }


def test_medleydb_real_artists_link_all_their_names(real):
    songs, _ = real
    artists = {song.metadata.song: set(reader.FORMAT.artists(song.metadata)) for song in songs}
    assert artists["LizNelson_Rainfall"] & artists["LizNelson_ImComingHome"]
    assert artists["Mozart_DiesBildnis"] & artists["Schumann_Mignon"] == {"NYU"}
    assert len({frozenset(names) for song, names in artists.items() if song.startswith("HopsNVinyl")}) == 2
    assert set.intersection(*(names for song, names in artists.items() if song.startswith("HopsNVinyl"))) == {
        "HopsNVinyl"
    }
