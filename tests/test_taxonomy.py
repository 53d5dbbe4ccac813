"""Labels, their arithmetic, and the vocabularies."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from organology.errors import CorpusError, OrganologyError, UnknownWordError
from organology.taxonomy import (
    ABSENT,
    FAMILIES,
    FAMILY_OF,
    INSTRUMENTS,
    LABELS,
    PRESENT,
    UNKNOWN,
    Vocabulary,
    decode,
    encode,
    raise_families,
    union,
    vocabularies,
)

SHARED = Path(__file__).parents[2] / "shared"
INDEX = {label: i for i, label in enumerate(LABELS)}
label_sets = st.sets(st.sampled_from(LABELS))


def test_the_paper_s_classes_in_the_paper_s_order():
    assert FAMILIES == ("voice", "percussion", "bowed_string", "plucked_string", "woodwind", "brass", "key", "synth")
    assert INSTRUMENTS == (
        "singer",
        "drums",
        "violin",
        "electric_guitar",
        "acoustic_guitar",
        "electric_bass",
        "piano",
    )
    assert LABELS == FAMILIES + INSTRUMENTS
    assert FAMILY_OF["electric_bass"] == "plucked_string" and FAMILY_OF["singer"] == "voice"


@given(label_sets, label_sets)
def test_encoding_keeps_families_at_or_above_instruments(present, unknown):
    vector = encode(present, unknown)
    for label in LABELS:
        if label in present:
            assert vector[INDEX[label]] == PRESENT
    for instrument, family in FAMILY_OF.items():
        if vector[INDEX[instrument]] == PRESENT:
            assert vector[INDEX[family]] == PRESENT
        if vector[INDEX[instrument]] == UNKNOWN:
            assert vector[INDEX[family]] != ABSENT


@given(st.lists(st.tuples(label_sets, label_sets), max_size=5))
def test_union_is_the_maximum_where_all_is_known(sources):
    vectors = [encode(present, unknown) for present, unknown in sources]
    mixed = union(vectors)
    for i in range(len(LABELS)):
        values = {int(v[i]) for v in vectors}
        expected = PRESENT if PRESENT in values else UNKNOWN if UNKNOWN in values else ABSENT
        assert mixed[i] == expected


def test_decode_undoes_encode():
    assert decode(encode(["violin"], ["piano"])) == (["bowed_string", "violin"], ["key", "piano"])


def test_a_word_that_is_no_label_is_an_error():
    with pytest.raises(ValueError, match="theremin"):
        encode(["theremin"])


def test_families_rise_to_their_instruments_and_nothing_else_moves():
    scores = np.zeros((2, 15))
    scores[0, INDEX["violin"]] = 0.9
    scores[1, INDEX["key"]], scores[1, INDEX["piano"]] = 0.8, 0.3
    raised = raise_families(scores)
    assert raised[0, INDEX["bowed_string"]] == 0.9 and raised[1, INDEX["key"]] == 0.8
    assert raised.sum() == pytest.approx(0.9 + 0.9 + 0.8 + 0.3)
    assert scores[0, INDEX["bowed_string"]] == 0


@pytest.mark.parametrize("name", vocabularies())
def test_shipped_vocabularies_are_sound(name):
    vocabulary = Vocabulary.load(name)
    assert len(vocabulary) > 10
    for entry in vocabulary.entries.values():
        if entry.policy != "exclude":
            assert (entry.labels != ABSENT).any()
        assert not set(entry.present) & set(entry.unknown), entry.word


@pytest.mark.parametrize(
    ("vocabulary", "word", "present", "unknown"),
    [
        ("medleydb", "Double Bass", [], ["bowed_string", "plucked_string"]),
        ("medleydb", "string section", ["bowed_string"], ["violin"]),
        ("medleydb", "beatboxing", ["voice"], ["percussion", "singer", "drums"]),
        ("mixing_secrets", "gtr", ["plucked_string"], ["electric_guitar", "acoustic_guitar"]),
        ("general_midi", "46", ["plucked_string"], []),  # harp: filed under Strings beside timpani
        ("general_midi", "47", ["percussion"], []),
        ("general_midi", "62", ["synth"], []),  # synth brass: filed under Brass
        ("general_midi", "128", ["percussion", "drums"], []),
    ],
)
def test_words_that_others_get_wrong(vocabulary, word, present, unknown):
    assert decode(Vocabulary.load(vocabulary)[word].labels) == (present, unknown)


def test_an_unknown_word_names_file_stem_and_word():
    with pytest.raises(UnknownWordError) as error:
        Vocabulary.load("medleydb").entry("kazoo", where="song.yaml, S03")
    assert str(error.value) == "song.yaml, S03: unknown instrument word 'kazoo' (vocabulary medleydb)"
    assert isinstance(error.value, OrganologyError)


@pytest.mark.parametrize(
    "row",
    [
        "kazoo\tuse\twoodwinds\t\t",
        "kazoo\tmaybe\twoodwind\t\t",
        "kazoo\tuse\t\t\t",
        "kazoo\texclude\tvoice\t\t",
        "kazoo",
    ],
)
def test_a_bad_vocabulary_row_is_named(row):
    with pytest.raises(CorpusError, match="line 2"):
        Vocabulary.parse(f"word\tpolicy\tpresent\tunknown\tnote\n{row}\n", "mine")


def test_a_word_that_stands_twice_is_named():
    with pytest.raises(CorpusError, match="twice"):
        Vocabulary.parse(
            "word\tpolicy\tpresent\tunknown\tnote\nKazoo\tuse\twoodwind\t\t\nkazoo\tuse\twoodwind\t\t\n", "mine"
        )


def test_no_such_vocabulary():
    with pytest.raises(ValueError, match="medleydb"):
        Vocabulary.load("nothing")


@pytest.mark.skipif(not (SHARED / "labels").exists(), reason="needs the shared label tables")
@pytest.mark.parametrize(
    ("name", "file", "key"),
    [
        ("medleydb", "medleydb.tsv", "label"),
        ("mixing_secrets", "mixing_secrets.tsv", "label"),
        ("general_midi", "slakh_gm.tsv", "program_num"),
    ],
)
def test_the_vocabularies_hold_all_proposed_words(name, file, key):
    vocabulary = Vocabulary.load(name)
    with (SHARED / "labels" / file).open() as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    assert len(rows) == len(vocabulary)
    for row in rows:
        entry = vocabulary[row[key]]
        assert (entry.policy == "exclude") == (row["policy"] == "exclude"), row
        if row["policy"] == "use":
            assert set(entry.present) == {row["instrument"] or row["family"]} or entry.policy == "mask", row


def test_the_page_of_all_words_is_made_from_the_data():
    script = Path(__file__).parents[1] / "scripts" / "make_label_table.py"
    assert subprocess.run([sys.executable, script, "--check"]).returncode == 0, f"run {script.name}"
