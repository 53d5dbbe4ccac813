"""Vocabularies: every word gives the labels of the paper's set that it always gave, and keeps what it knows."""

import csv
import pickle
from pathlib import Path

import pytest

from organology.errors import CorpusError, UnknownWordError
from organology.labels import LabelSet, Vocabulary, concept_tree, default_set, vocabularies

TRUTH = Path(__file__).with_name("bradl15_words.tsv")
HEAD = "word\tpolicy\tpresent\tunknown\tnote\n"


def frozen_words():
    text = TRUTH.read_text("utf-8")
    words = {}
    for row in csv.DictReader(text.splitlines(), delimiter="\t"):
        labels = tuple(row[name].split("|") if row[name] else [] for name in ("present", "unknown"))
        words.setdefault(row["vocabulary"], {})[row["word"]] = (row["policy"], *labels)
    return words


FROZEN = frozen_words()


def test_vocabularies_all_are_frozen():
    assert set(vocabularies()) == set(FROZEN)
    assert sum(map(len, FROZEN.values())) == 2140


@pytest.mark.parametrize("name", sorted(FROZEN))
def test_vocabulary_every_word_gives_the_frozen_labels(name):
    label_set, found = default_set(), {}
    for entry in Vocabulary.load(name).entries.values():
        found[entry.word] = (entry.policy, *label_set.decode(entry.encode(label_set)))
    assert found == FROZEN[name]


@pytest.mark.parametrize("name", sorted(FROZEN))
def test_vocabulary_words_stand_in_the_frozen_order(name):
    assert [entry.word for entry in Vocabulary.load(name).entries.values()] == list(FROZEN[name])


def test_openmic20_on_its_vocabulary_each_word_is_its_own_label():
    openmic = LabelSet.load("openmic20")
    for entry in Vocabulary.load("openmic2018").entries.values():
        present, _ = openmic.decode(entry.encode(openmic))
        assert present == [entry.word]
    assert len(openmic) == len(Vocabulary.load("openmic2018")) == 20


def test_openmic20_on_its_vocabulary_only_what_may_be_both_is_unknown():
    openmic, unknown = LabelSet.load("openmic20"), {}
    for entry in Vocabulary.load("openmic2018").entries.values():
        unknown[entry.word] = openmic.decode(entry.encode(openmic))[1]
    touching = {"drums": ["cymbals"], "cymbals": ["drums"], "synthesizer": ["bass"]}
    assert {word: labels for word, labels in unknown.items() if labels} == touching


def test_irmas11_on_its_vocabulary_each_word_is_its_own_label():
    irmas = LabelSet.load("irmas11")
    for label, entry in zip(irmas.labels, Vocabulary.load("irmas").entries.values(), strict=True):
        assert irmas.decode(entry.encode(irmas)) == ([label], [])
        assert irmas.find(entry.word) == (label,)


@pytest.mark.parametrize(
    ("name", "word", "concept"),
    [
        ("openmic2018", "cello", "cello"),
        ("medleydb", "tenor saxophone", "tenor_saxophone"),
        ("general_midi", "16", "hammond_organ"),
        ("general_midi", "69", "english_horn"),
        ("slakh_patches", "organ_kh_floeten_1_manual", "pipe_organ"),
        ("mixing_secrets", "rhodesdi", "electric_piano"),
        ("stems", "uke", "ukulele"),
        ("stems", "synth pad", "synth_pad"),
        ("audioset", "Rapping", "rap"),
    ],
)
def test_vocabulary_fine_word_keeps_its_instrument(name, word, concept):
    assert Vocabulary.load(name)[word].present == (concept,)


def test_entry_section_leaves_its_members_unknown_in_any_set():
    members = LabelSet("mine", ("violin", "cello", "string_section", "flute"))
    entry = Vocabulary.load("medleydb")["string section"]
    assert members.decode(entry.encode(members)) == (["string_section"], ["violin", "cello"])


def test_entry_word_of_other_case_and_spacing_is_found():
    medleydb = Vocabulary.load("medleydb")
    assert medleydb["  Drum   Set "].word == "drum set" and "DRUM SET" in medleydb


def test_entry_unknown_word_names_place_word_and_vocabulary():
    with pytest.raises(UnknownWordError, match=r"song\.yaml, stem 3: unknown .*'kazoo' \(vocabulary medleydb\)"):
        Vocabulary.load("medleydb").entry("kazoo", "song.yaml, stem 3")


def test_load_wrong_name_says_what_was_meant():
    with pytest.raises(ValueError, match="no vocabulary 'medleydbb'; did you mean medleydb"):
        Vocabulary.load("medleydbb")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("theremin\tuse\tthermin\t\t", "not a concept: 'thermin'; did you mean theremin"),
        ("theremin\tkeep\ttheremin\t\t", "policy must be use, mask or exclude, got 'keep'"),
        ("theremin\tuse\t\t\t", "a word must have concepts unless"),
        ("theremin\texclude\ttheremin\t\t", "a word must have concepts unless"),
        ("theremin", "no policy and no present and no unknown"),
        ("flute\tuse\tflute\t\t\nFlute\tuse\tflute\t\t", "3: 'Flute' stands twice"),
    ],
)
def test_parse_row_at_fault_names_vocabulary_line_and_reason(row, reason):
    with pytest.raises(CorpusError, match=f"vocabulary mine, line .*{reason}"):
        Vocabulary.parse(HEAD + row, "mine")


def test_vocabulary_pickled_is_the_same():
    loaded = Vocabulary.load("irmas")
    assert pickle.loads(pickle.dumps(loaded)) == loaded


def test_concepts_every_reference_is_a_concept_and_no_circle():
    tree = concept_tree()
    for name, concept in tree.items():
        tree.check((*concept.parents, *concept.open))
        assert not set(concept.parents) & tree.below(name)


def test_concepts_every_concept_is_found_by_its_id_and_has_a_family():
    from organology.labels.concepts import FAMILIES

    tree = concept_tree()
    for name, concept in tree.items():
        assert tree.find(name) == tree.find(concept.id) == name
        if name != "bass":
            assert tree.family(name) in FAMILIES


EVALUATED = """singing electric_guitar acoustic_guitar snare cymbals drum_kit piano electric_bass violin synthesizer
saxophone other_percussion clarinet banjo guitar trumpet cello organ double_bass viola other_key harpsichord flute
electric_piano bassoon clavinet string_section mallet_percussion harp tuba trombone oboe hand_drums french_horn timpani
synth_bass speech drum_machine bells zither recorder accordion other_woodwind other_brass"""


@pytest.mark.parametrize("word", EVALUATED.split())
def test_concepts_finer_instruments_are_covered(word):
    assert concept_tree().find(word) is not None
