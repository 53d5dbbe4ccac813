"""A person's own stems: labels from stems.csv and from names. No audio is opened here."""

import csv
import os
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bradl15_labels import BRADL15, FAMILY_OF, LABELS, decode, encode, instruments, labels_of
from organology.corpora.base import SourceSong
from organology.corpora.issues import Issue
from organology.corpora.names import find_instrument, is_instrument, safe_name, safe_names, tokens
from organology.corpora.readers.stems.masks import mask, mask_clauses
from organology.corpora.registry import CORPORA, find
from organology.errors import ConfigError, CorpusError
from organology.labels import LabelSet, Vocabulary, concept_tree

SHARED = Path(__file__).parents[3] / "shared" / "stems"


def touch(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")


def read(root):
    """Songs by name, and issues as text."""
    items = list(find("stems").corpus().read(root))
    issues = [item for item in items if isinstance(item, Issue)]
    return {item.song: item for item in items if isinstance(item, SourceSong)}, issues


def labels(song):
    return {stem.stem: decode(stem) for stem in song.stems}


def table(root, text):
    root.mkdir(parents=True, exist_ok=True)
    (root / "stems.csv").write_text(text, encoding="utf-8")


# Names


@pytest.mark.parametrize(
    ("name", "present", "unknown"),
    [
        ("03_LeadVox-Dbl", ["voice", "singer"], []),
        ("Kick In", ["percussion", "drums"], []),
        ("gtr2", ["plucked_string"], ["electric_guitar", "acoustic_guitar"]),
        ("Elec Gtr 1 DI", ["plucked_string", "electric_guitar"], []),
        ("ElecGtr1", ["plucked_string", "electric_guitar"], []),
        ("acoustic guitar strum", ["plucked_string", "acoustic_guitar"], []),
        ("BASS", [], ["bowed_string", "plucked_string", "synth", "electric_bass"]),
        ("Bass Guitar", ["plucked_string", "electric_bass"], []),
        ("bass clarinet", ["woodwind"], []),
        ("BassDrum", ["percussion"], ["drums"]),
        ("synth_bass", ["synth"], []),
        ("Upright Bass", [], ["bowed_string", "plucked_string"]),
        ("keys", ["key"], ["synth", "piano"]),
        ("strings", ["bowed_string"], ["synth", "violin"]),
        ("String Section", ["bowed_string"], ["violin"]),
        ("Violas", ["bowed_string"], []),
        ("drums room", ["percussion", "drums"], []),
        ("Violão - piano", ["key", "piano"], []),
        ("bass and drums", ["percussion", "drums"], ["bowed_string", "plucked_string", "synth", "electric_bass"]),
        ("hammond", ["key"], ["synth"]),
    ],
)
def test_find_instrument_words_in_names_are_found(name, present, unknown):
    found = find_instrument(tokens(name))
    assert decode(found) == (present, unknown)


def test_vocabulary_words_in_one_piece_and_two_agree():
    seen = {}
    for word, entry in Vocabulary.load("stems").entries.items():
        joined = "".join(tokens(word))
        assert seen.setdefault(joined, entry.encode(BRADL15).tolist()) == entry.encode(BRADL15).tolist(), word


@pytest.mark.parametrize("name", ["mixture", "Full Mix", "no_vocals", "click track", "SFX", "Instrumental"])
def test_find_instrument_excluded_word_has_no_instruments(name):
    assert find_instrument(tokens(name)).instruments is None


@pytest.mark.parametrize("name", ["Track 7", "", "日本", "lead", "takeoff"])
def test_find_instrument_without_word_is_none(name):
    assert find_instrument(tokens(name)) is None


@pytest.mark.parametrize("name", [*LabelSet.load("instruments").labels, *concept_tree()])
def test_find_instrument_every_name_of_ours_is_an_instrument_of_its_family(name):
    """A stem named as organology names it; words of the vocabulary may be wider or finer ("brass" is a section)."""
    tree = concept_tree()
    found = find_instrument(tokens(name))
    concept = tree.find(name) or name
    assert found.instruments.unknown == () or concept in (*found.instruments.present, *found.instruments.unknown)
    roots = {tree.family(present) for present in found.instruments.present}
    assert roots == {tree.family(concept)}


def test_find_instrument_single_names_of_the_tree_give_way_to_words():
    assert find_instrument(tokens("key")).instruments.present == ("key",)
    assert find_instrument(tokens("Bass (key of C)")).instruments.unknown == ()
    assert is_instrument("Shawm")


def test_is_instrument_folder_names_are_told_apart():
    assert is_instrument("Drums") and is_instrument("01 Lead Vocals")
    assert not is_instrument("Drums of War") and not is_instrument("2024") and not is_instrument("mix")


@settings(max_examples=50)
@given(st.lists(st.text(max_size=12), unique=True, max_size=4))
def test_safe_names_any_names_are_safe_and_different(names):
    safe = safe_names(names)
    assert len({name.casefold() for name in safe.values()}) == len(names)
    for name in safe.values():
        assert re.fullmatch(r"[A-Za-z0-9_+-][A-Za-z0-9_.+-]*", name) and len(name) <= 110


@pytest.mark.parametrize("name", ["con", "..", "a/b", "a:b", "x" * 300, "Ünïcode"])
def test_safe_name_reserved_names_are_changed(name):
    assert safe_name(name) != name
    assert safe_name(name) == safe_name(name)


# Folders


def test_read_layouts_without_csv_give_songs(tmp_path):
    touch(
        tmp_path,
        "Ana Bee - Red Song/LeadVox.wav",
        "Ana Bee - Red Song/Guitars/Solo 1.flac",
        "Ana Bee - Red Song/mix.wav",
        "Trio/Blue Song/stems/01 piano.mp3",
        "Trio/Blue Song/stems/02 Double Bass.mp3",
        "violin/duo.wav",
        "cello/duo.wav",
        "Brass/tuba.wav",
        "test/Cee - Song/drums.wav",
    )
    songs, issues = read(tmp_path)
    assert set(songs) == {"Ana Bee - Red Song", "Trio/Blue Song", "duo", "Brass", "test/Cee - Song"}
    assert {name: song.artist for name, song in songs.items()} == {
        "Ana Bee - Red Song": "Ana Bee",
        "Trio/Blue Song": "Trio",
        "duo": "",
        "Brass": "",
        "test/Cee - Song": "Cee",
    }
    assert labels(songs["Ana Bee - Red Song"]) == {
        "LeadVox": (["voice", "singer"], []),
        "Guitars/Solo 1": (["plucked_string"], ["electric_guitar", "acoustic_guitar"]),
    }
    assert labels(songs["duo"]) == {"violin": (["bowed_string", "violin"], []), "cello": (["bowed_string"], [])}
    assert [(r.severity, r.place) for r in issues] == [("dropped", "Ana Bee - Red Song/mix.wav")]


def test_read_title_in_every_file_name_is_no_instrument(tmp_path):
    touch(tmp_path, "s/The Violin Song - drums.wav", "s/The Violin Song - rhythm.gtr.wav")
    song = read(tmp_path)[0]["s"]
    assert {stem.word for stem in song.stems} == {"rhythm gtr", "drums"}
    assert not any(labels_of(stem)[LABELS.index("violin")] for stem in song.stems)


def test_read_shared_words_count_where_nothing_else_is_there(tmp_path):
    touch(tmp_path, "s/gtr 1.wav", "s/gtr 2.wav")
    assert {stem.word for stem in read(tmp_path)[0]["s"].stems} == {"gtr"}


def test_read_name_without_word_is_refused(tmp_path):
    touch(tmp_path, "s/Track 7.wav", "s/piano.wav")
    songs, issues = read(tmp_path)
    assert list(labels(songs["s"])) == ["piano"]
    assert [(r.severity, r.song, r.stem) for r in issues] == [("refused", "s", "Track 7")]
    assert "s/Track 7.wav: no instrument word" in str(issues[0])


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_read_name_that_is_not_utf8_is_refused(tmp_path):
    touch(tmp_path, "s/piano.wav")
    (tmp_path / "s" / os.fsdecode(b"fl\xf6te.wav")).write_bytes(b"x")
    songs, issues = read(tmp_path)
    assert list(labels(songs["s"])) == ["piano"]
    assert [(r.severity, r.reason) for r in issues] == [("refused", "its name must be UTF-8; rename it")]


def test_read_no_audio_or_no_folder_is_an_error(tmp_path):
    with pytest.raises(CorpusError, match=r"no audio.*expected"):
        read(tmp_path)
    with pytest.raises(CorpusError, match="no such folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="there are stems"):
        find("nothing")


# stems.csv


def test_read_stems_csv_all_forms_of_labels_are_understood(tmp_path):
    table(
        tmp_path,
        "path,song,artist,instrument,vocabulary,families,instruments,mask,label_note,kind,aligned,mood\n"
        "a.wav,S,Me,Clean Electric Guitar,,,,,,performance,true,happy\n"
        "b.wav,S,Me,46,general_midi,,,,,rendered,no,\n"
        "c.wav,S,You,female singer,medleydb,,,,,,,\n"
        "d.wav,S,Me,,,key|synth,piano,,,,,\n"
        "e.wav,S,Me,,,key,,piano,,notes,,\n"
        "f.wav,S,Me,,,voice,,,backing vocals: mask voice and singer (distractor),,,\n"
        "g.wav,S,Me,violin | cello,,,,,,,,\n"
        "some/flute.wav,S,Me,,,,,,,,,\n"
        "h.wav,S,Me,main system,mixing_secrets,,,,,,,\n"
        "i.wav,S,Me,,,none,,,,,,\n"
        "j.wav,S,Me,,,None,,voice,,,,\n",
    )
    songs, issues = read(tmp_path)
    stems = {stem.stem: stem for stem in songs["S"].stems}
    assert labels(songs["S"]) == {
        "a": (["plucked_string", "electric_guitar"], []),
        "b": (["plucked_string"], []),
        "c": (["voice", "singer"], []),
        "d": (["key", "synth", "piano"], []),
        "e": (["key"], ["piano"]),
        "f": ([], ["voice", "singer"]),
        "g": (["bowed_string", "violin"], []),
        "flute": (["woodwind"], []),
        "i": ([], []),
        "j": ([], ["voice"]),
    }
    assert (stems["a"].kind, stems["a"].aligned, stems["b"].aligned, stems["c"].aligned) == (
        "performance",
        True,
        False,
        None,
    )
    assert stems["c"].artist == "You" and songs["S"].artists == {"Me", "You"}
    assert stems["b"].word == "46" and stems["e"].path == tmp_path / "e.wav"
    assert [(r.severity, r.stem) for r in issues] == [("note", ""), ("dropped", "h")]
    assert "columns ignored: mood" in str(issues[0])


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a.wav,kazoo,,,,,", "unknown instrument word 'kazoo' (vocabulary stems)"),
        ("a.wav,piano,klingon,,,,", "no vocabulary 'klingon'"),
        ("a.wav,,,strings,,,", "'strings' is not a label"),
        ("a.wav,,,key,pianos,,", "'pianos' is not a label"),
        ("a.wav,,,key,brasses,,", "'brasses' is not a label"),
        ("a.wav,piano,,key,,,", "give one of them"),
        ("a.wav,,,none|key,,,", "'none' together with key"),
        ("a.wav,piano,,none,,,", "give one of them"),
        ("a.wav,piano,,,,live,", "kind 'live'"),
        ("a.wav,piano,,,,,maybe", "neither true nor false"),
        (",piano,,,,,", "no path"),
        ("a.wav,,,,,,", "no instrument word in the name"),
    ],
)
def test_read_stems_csv_bad_row_is_refused_and_the_rest_goes_on(tmp_path, row, reason):
    table(tmp_path, f"path,instrument,vocabulary,families,mask,kind,aligned\n{row}\nb.wav,piano,,,,,\n")
    songs, issues = read(tmp_path)
    assert [stem.stem for song in songs.values() for stem in song.stems] == ["b"]
    [issue] = [r for r in issues if r.severity == "refused"]
    assert reason in str(issue) and "stems.csv, line 2" in str(issue)


@pytest.mark.parametrize(
    "text, reason",
    [
        ("song,stem\na,b\n", "no column `path`"),
        ("", "no column `path`"),
        ("path,kind,kind\na.wav,notes,notes\n", "column kind stands twice"),
        ("path,artist,artist_or_performer\na,b,c\n", "column artist stands twice"),
    ],
)
def test_read_stems_csv_that_is_no_table_is_an_error(tmp_path, text, reason):
    table(tmp_path, text)
    with pytest.raises(CorpusError, match=reason):
        read(tmp_path)


def test_read_stems_csv_semicolons_bom_and_backslashes_are_read(tmp_path):
    table(tmp_path, "\ufeffPath;Song;Instrument\nsub\\ä b.wav;Schöner Song;Piano\n")
    songs, _ = read(tmp_path)
    [stem] = songs["Schöner Song"].stems
    assert stem.stem == "ä b" and stem.path == tmp_path / "sub" / "ä b.wav"


def test_read_stems_csv_in_song_folder_is_for_that_song(tmp_path):
    table(tmp_path / "Ana/One", "path,instrument\nx.wav,flute\n")
    touch(tmp_path, "Ana/One/x.wav", "Ana/One/unlisted.wav", "Ana/Two/piano.wav")
    songs, issues = read(tmp_path)
    assert set(songs) == {"Ana/One", "Ana/Two"}
    assert {song.artist for song in songs.values()} == {"Ana"}
    assert labels(songs["Ana/One"]) == {"x": (["woodwind"], [])}
    assert [r.reason for r in issues] == ["1 audio files in its folder are not used"]


def test_read_stems_csv_without_song_takes_folders(tmp_path):
    table(tmp_path, "path,instrument\nAna - One/stems/x.wav,flute\nTwo/y.wav,oboe\n")
    songs, _ = read(tmp_path)
    assert {name: song.artist for name, song in songs.items()} == {"Ana - One": "Ana", "Two": ""}


def test_read_stems_of_one_name_are_told_apart(tmp_path):
    table(
        tmp_path,
        "path,song,stem,instrument\n1/x.wav,S,,flute\n2/x.wav,S,,oboe\n3/y.wav,S,z,oboe\n4/y.wav,S,z,oboe\n1/x.wav,S,,harp\n",
    )
    songs, issues = read(tmp_path)
    assert [stem.stem for stem in songs["S"].stems] == ["1/x", "2/x"]
    assert [r.reason for r in issues if r.severity == "refused"] == [
        "1/x.wav stands twice",
        "song 'S' has this stem twice",
        "song 'S' has this stem twice",
    ]


def test_read_stems_csv_split_is_kept(tmp_path):
    table(tmp_path, "path,song,instrument,split\na.wav,A,flute,test\nb.wav,B,flute,train\nc.wav,B,oboe,test\n")
    songs, issues = read(tmp_path)
    assert {name: song.split for name, song in songs.items()} == {"A": "test"}
    assert [r.severity for r in issues] == ["refused"]


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("", []),
        ("solo violin, unmasked", []),
        ("sampled samba percussion: drum set ambiguous, mask drums", ["drums"]),
        ("double bass pizz: family ambiguous, mask bowed", ["bowed_string"]),
        ("keyboard preset unknown: mask piano and synth", ["piano", "synth"]),
        ("mask key and synth (distractor)", ["key", "synth"]),
        ("mask voice, singer and drums; loud", ["voice", "singer", "drums"]),
        ("mask drums, played live", ["drums"]),
        ("Mask piano. Also mask synth", ["piano", "synth"]),
    ],
)
def test_mask_clauses_are_read(note, expected):
    assert mask_clauses(note) == expected


@pytest.mark.parametrize("note", ["mask piano and sinth", "mask", "mask the piano"])
def test_mask_clauses_unreadable_is_an_error(note):
    with pytest.raises(CorpusError, match="no label"):
        mask_clauses(note)


@given(st.sets(st.sampled_from(LABELS), min_size=1), st.sets(st.sampled_from(LABELS)))
def test_mask_hides_labels_and_keeps_families_above(present, hidden):
    before, after = encode(present), labels_of(mask(instruments(present), sorted(hidden)))
    value = dict(zip(LABELS, after.tolist(), strict=True))
    assert all(value[label] == -1 for label in hidden if label not in FAMILY_OF)
    for instrument, family in FAMILY_OF.items():
        assert not (value[family] == 0 and value[instrument] != 0)
        assert not (value[family] == -1 and value[instrument] == 1)
    for label, old in zip(LABELS, before.tolist(), strict=True):
        related = {label, FAMILY_OF.get(label), *(i for i, f in FAMILY_OF.items() if f == label)}
        if not related & hidden:
            assert value[label] == old


def test_registered_corpora_all_have_the_same_fields():
    for name in CORPORA:
        corpus = find(name).corpus()
        assert corpus.name == name and corpus.title and corpus.licence and corpus.tree and corpus.how_to_get


@pytest.mark.skipif(not (SHARED / "stems.csv").exists(), reason="needs the shared pack of stems")
def test_read_shared_pack_is_complete():
    songs, issues = read(SHARED)
    with (SHARED / "stems.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [(r.severity, r.reason) for r in issues] == [("note", "columns ignored: source, seconds")]
    stems = {stem.path.relative_to(SHARED).as_posix(): stem for song in songs.values() for stem in song.stems}
    assert len(stems) == len(rows)
    hidden = 0
    for row in rows:
        present, unknown = decode(stems[row["path"]])
        named = [*row["families"].split("|"), *filter(None, row["instruments"].split("|"))]
        if "mask" not in row["label_note"]:
            assert (set(present), unknown) == (set(named), []), row
        else:
            hidden += 1
            assert unknown and set(present) <= set(named) and not set(present) & set(unknown), row
            said = row["label_note"].rpartition("mask ")[2]
            assert all(label.split("_")[0] in said for label in unknown), row
    assert hidden == 42
