"""Label sets: their tree, vectors, words, views, files."""

import copy
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from organology.labels import ABSENT, DEFAULT, PRESENT, UNKNOWN, LabelSet, concept_tree, default_set, label_sets

BRADL15 = default_set()
SETS = [LabelSet.load(name) for name in label_sets()]
DEEP = LabelSet(
    "deep",
    ("alto_saxophone", "saxophone", "woodwind", "winds"),
    parents={"alto_saxophone": "saxophone", "saxophone": "woodwind", "woodwind": "winds"},
)
any_set = st.sampled_from([*SETS, DEEP])
some_concepts = st.lists(st.sampled_from(list(concept_tree())), max_size=4)


@st.composite
def set_and_labels(draw):
    label_set = draw(any_set)
    labels = st.sets(st.sampled_from(label_set.labels))
    return label_set, draw(labels), draw(labels)


# -- the shipped sets ----------------------------------------------------------------------------------------------


def test_bradl15_is_the_paper_s_classes_in_the_paper_s_order():
    families = ("voice", "percussion", "bowed_string", "plucked_string", "woodwind", "brass", "key", "synth")
    instruments = ("singer", "drums", "violin", "electric_guitar", "acoustic_guitar", "electric_bass", "piano")
    assert DEFAULT == "bradl15" and BRADL15.families == families
    assert BRADL15.labels == families + instruments
    assert BRADL15.parents["electric_bass"] == "plucked_string" and BRADL15.parents["singer"] == "voice"


def test_bradl15_constants_are_the_set_s():
    from organology.labels import bradl15

    assert BRADL15.labels == bradl15.LABELS and BRADL15.parents == bradl15.FAMILY_OF
    assert bradl15.FAMILIES + bradl15.INSTRUMENTS == bradl15.LABELS
    assert bradl15.DISPLAY_NAMES["key"] == "keys"


def test_shipped_sets_are_known_by_name_and_cached():
    assert label_sets() == ("bradl15", "instruments", "irmas11", "openmic20")
    assert LabelSet.load("openmic20") is LabelSet.load("openmic20")


@pytest.mark.parametrize("label_set", SETS, ids=lambda s: s.name)
def test_shipped_set_every_label_has_name_color_and_concepts(label_set):
    for label in label_set.labels:
        assert label_set.display[label] and label_set.concepts[label]
        assert len(label_set.colors[label]) == 7
        assert label_set.find(label_set.display[label]) == (label,)


def test_colors_not_given_are_distinct():
    assert len(set(LabelSet.load("openmic20").colors.values())) == 20


# -- the tree of labels --------------------------------------------------------------------------------------------


@given(any_set)
def test_order_puts_each_parent_before_its_children(label_set):
    order = label_set.order()
    assert sorted(order) == sorted(label_set.labels)
    for child, parent in label_set.parents.items():
        assert order.index(parent) < order.index(child)
        assert child in label_set.children(parent)


def test_family_of_a_deep_label_is_its_root():
    assert DEEP.family("alto_saxophone") == "winds" == DEEP.family("winds")
    assert DEEP.instruments == ("alto_saxophone",)


def test_subset_without_a_parent_moves_its_children_up():
    part = DEEP.subset(["alto_saxophone", "winds"])
    assert part.parents == {"alto_saxophone": "winds"} and part.labels == ("alto_saxophone", "winds")


def test_check_wrong_label_says_what_was_meant():
    with pytest.raises(ValueError, match="not a label of bradl15: 'voilin'; did you mean violin"):
        BRADL15.check(["piano", "voilin"])
    with pytest.raises(ValueError, match="not a label of bradl15: 'xyz'; the labels are voice, "):
        BRADL15.index("xyz")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((("a", "a"),), "'a' stands twice"),
        ((("a", "b"), {"a": "c"}), "parent 'c' of 'a' is not a label"),
        ((("a", "b"), {"c": "a"}), "'c' in parents is not a label"),
        ((("a", "b"), {"a": "b", "b": "a"}), "'a' is above itself"),
        ((("a",), {}, {"b": "B"}), "'b' in display is not a label"),
    ],
)
def test_label_set_at_fault_is_a_value_error(arguments, reason):
    with pytest.raises(ValueError, match=f"label set mine: {reason}"):
        LabelSet("mine", *arguments)


# -- vectors -------------------------------------------------------------------------------------------------------


@given(set_and_labels())
def test_encode_labels_keeps_parents_at_or_above_children(drawn):
    label_set, present, unknown = drawn
    vector = dict(zip(label_set.labels, label_set.encode_labels(present, unknown), strict=True))
    assert all(vector[label] == PRESENT for label in present)
    for child, parent in label_set.parents.items():
        assert vector[child] != PRESENT or vector[parent] == PRESENT
        assert vector[child] != UNKNOWN or vector[parent] != ABSENT


@given(any_set, some_concepts, some_concepts)
def test_encode_keeps_parents_and_nothing_certain_is_lost_with_more_present(label_set, present, unknown):
    vector = label_set.encode(present, unknown)
    assert vector.dtype == np.int8 and vector.shape == (len(label_set),)
    for child, parent in label_set.parents.items():
        child, parent = vector[label_set.index(child)], vector[label_set.index(parent)]
        assert child != PRESENT or parent == PRESENT
        assert child != UNKNOWN or parent != ABSENT
    alone = label_set.union([label_set.encode([concept]) for concept in present])
    assert ((vector == PRESENT) == (alone == PRESENT)).all()


def test_encode_bare_guitar_leaves_its_kinds_unknown():
    assert BRADL15.decode(BRADL15.encode(["guitar"])) == (["plucked_string"], ["electric_guitar", "acoustic_guitar"])


def test_encode_double_bass_leaves_bowed_and_plucked_unknown():
    assert BRADL15.decode(BRADL15.encode(["double_bass"])) == ([], ["bowed_string", "plucked_string"])


def test_encode_unknown_column_leaves_its_label_unknown():
    openmic = LabelSet.load("openmic20")
    assert openmic.decode(openmic.encode(["resonator_guitar"])) == ([], ["guitar"])


def test_encode_deep_label_raises_all_its_parents():
    assert DEEP.decode(DEEP.encode(["alto_saxophone"])) == (list(DEEP.labels), [])


def test_encode_wrong_concept_says_what_was_meant():
    with pytest.raises(ValueError, match="not a concept: 'celo'; did you mean cello"):
        BRADL15.encode(["celo"])


def test_encode_result_may_be_written_to():
    BRADL15.encode(["piano"])[:] = UNKNOWN
    assert BRADL15.decode(BRADL15.encode(["piano"])) == (["key", "piano"], [])


def test_decode_undoes_encode_labels():
    assert BRADL15.decode(BRADL15.encode_labels(["violin"], ["piano"])) == (
        ["bowed_string", "violin"],
        ["key", "piano"],
    )


@given(st.data(), any_set)
def test_union_is_the_maximum_where_all_is_known(data, label_set):
    labels = st.sets(st.sampled_from(label_set.labels))
    sources = data.draw(st.lists(st.tuples(labels, labels), max_size=5))
    vectors = [label_set.encode_labels(*source) for source in sources]
    for i, value in enumerate(label_set.union(vectors)):
        values = {int(vector[i]) for vector in vectors}
        assert value == (PRESENT if PRESENT in values else UNKNOWN if UNKNOWN in values else ABSENT)


@given(st.data(), any_set)
def test_raise_parents_lifts_to_the_highest_below_and_nothing_else(data, label_set):
    row = st.lists(st.floats(0, 1, width=32), min_size=len(label_set), max_size=len(label_set))
    scores = np.array([data.draw(row), data.draw(row)], dtype=np.float32)
    before, raised = scores.copy(), label_set.raise_parents(scores)
    assert (scores == before).all() and raised.dtype == scores.dtype
    for i, label in enumerate(label_set.labels):
        below = [j for j, other in enumerate(label_set.labels) if _stands_below(label_set, other, label)]
        assert (raised[:, i] == scores[:, [i, *below]].max(axis=1)).all()


def _stands_below(label_set, label, above):
    while (label := label_set.parents.get(label)) is not None:
        if label == above:
            return True
    return False


# -- words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("electric_guitar", ["electric_guitar"]),
        ("Electric Guitars", ["electric_guitar"]),
        ("guitar", ["electric_guitar", "acoustic_guitar"]),
        ("keys", ["key"]),
        ("strings", ["bowed_string"]),
        ("vocals", ["voice"]),
        ("fiddle", ["violin"]),
        ("bass guitar", ["electric_bass"]),
        ("woodwinds", ["woodwind"]),
        ("synthesizers", ["synth"]),
        ("brass", ["brass"]),
    ],
)
def test_find_word_of_a_person_gives_labels(text, labels):
    assert BRADL15.find(text) == tuple(labels)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("viola", "bradl15 has no label for 'viola'; it counts as bowed_string"),
        ("violon", "no instrument 'violon'; did you mean violin"),
        ("trumpett", "no instrument 'trumpett'; did you mean trumpet"),
        ("xyzzy", "no instrument 'xyzzy'; the labels are voice, "),
        ("whistle", "bradl15 has no label for 'whistle'; the labels are voice, "),
    ],
)
def test_find_word_without_label_says_why(text, reason):
    with pytest.raises(ValueError, match=reason):
        BRADL15.find(text)


# -- views ---------------------------------------------------------------------------------------------------------


def test_view_of_openmic20_from_bradl15_tells_seven():
    view = LabelSet.load("openmic20").view_of(BRADL15)
    assert view.labels == ("bass", "drums", "guitar", "piano", "synthesizer", "violin", "voice")
    assert len(view.missing) == 13 and not set(view.missing) & set(view.labels)


def test_view_of_bradl15_from_openmic20_tells_no_family_from_one_instrument():
    view = BRADL15.view_of(LabelSet.load("openmic20"))
    assert view.labels == ("voice", "synth", "drums", "violin", "piano")


def test_view_apply_takes_the_highest_score_within():
    view = LabelSet.load("openmic20").view_of(BRADL15)
    scores = np.zeros((2, 3, 15), dtype=np.float32)
    scores[1, 2, BRADL15.index("acoustic_guitar")] = 0.75
    seen = view.apply(scores)
    assert seen.shape == (2, 3, 7) and seen.dtype == np.float32
    assert seen[1, 2, view.labels.index("guitar")] == 0.75 and seen.sum() == np.float32(0.75)


def test_view_apply_wrong_length_is_a_value_error():
    with pytest.raises(ValueError, match=r"the last axis must have 15 labels, got shape \(2, 14\)"):
        LabelSet.load("openmic20").view_of(BRADL15).apply(np.zeros((2, 14)))


def test_view_thresholds_report_whatever_the_other_set_reports():
    view, rng = LabelSet.load("openmic20").view_of(BRADL15), np.random.default_rng(0)
    thresholds, scores = rng.random(15), rng.random((50, 15))
    told = view.apply(scores) >= view.apply_thresholds(thresholds)
    heard = scores >= thresholds
    for i, columns in enumerate(view.columns):
        assert (told[:, i] >= heard[:, list(columns)].any(axis=1)).all()


@given(any_set)
def test_view_of_itself_is_the_identity(label_set):
    view = label_set.view_of(label_set)
    told = [label for label in label_set.labels if label_set.concepts[label]]
    assert list(view.labels) == told
    scores = label_set.raise_parents(np.random.default_rng(0).random(len(label_set)))
    assert (view.apply(scores) == scores[[label_set.index(label) for label in told]]).all()


def test_view_with_nothing_to_tell_is_empty():
    view = LabelSet("mine", ("harp",)).view_of(BRADL15)
    assert view.labels == () and view.missing == ("harp",)
    assert view.apply(np.zeros((4, 15))).shape == (4, 0)


# -- plain values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("label_set", [*SETS, DEEP], ids=lambda s: s.name)
def test_to_dict_through_json_gives_the_same_set(label_set):
    again = LabelSet.from_dict(json.loads(json.dumps(label_set.to_dict())))
    assert again == label_set and hash(again) == hash(label_set) and again.digest == label_set.digest
    assert (again.encode(["saxophone"]) == label_set.encode(["saxophone"])).all()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copied_set_is_equal(copied):
    assert copied(BRADL15) == BRADL15
    view = LabelSet.load("openmic20").view_of(BRADL15)
    assert copied(view) == view


def test_from_dict_concept_of_a_later_version_stands_for_itself():
    later = LabelSet.from_dict({"name": "later", "labels": ["a", "flute"], "concepts": {"a": ["hyperflute"]}})
    assert later.decode(later.encode(["flute"])) == (["flute"], [])


def test_from_dict_no_label_set_is_a_value_error():
    with pytest.raises(ValueError, match="not a label set"):
        LabelSet.from_dict({"labels": ["a"]})


def test_digest_counts_meaning_and_not_looks():
    plain, named = LabelSet("a", ("flute",)), LabelSet("b", ("flute",), display={"flute": "Querflöte"})
    other = LabelSet("a", ("flute",), concepts={"flute": ("woodwind",)})
    assert plain.digest == named.digest != other.digest and plain != named


def test_mappings_cannot_be_changed():
    with pytest.raises(TypeError):
        BRADL15.parents["piano"] = "synth"
    with pytest.raises(AttributeError):
        BRADL15.name = "mine"


# -- files ---------------------------------------------------------------------------------------------------------


def write(tmp_path, text):
    path = tmp_path / "band.tsv"
    path.write_text(text, "utf-8")
    return path


def test_load_minimal_file_needs_labels_and_concepts_only(tmp_path):
    text = "# our band\nlabel,concepts\nguitar,\nbass,bass guitar|double bass\n\ndrums,drum kit|percussion\nkeys,key\n"
    band = LabelSet.load(write(tmp_path, text))
    assert band.name == "band" and band.labels == ("guitar", "bass", "drums", "keys")
    assert band.concepts["bass"] == ("electric_bass", "double_bass")
    assert band.decode(band.encode(["bass"])) == ([], ["bass", "keys"][:1])
    assert LabelSet.load(str(tmp_path / "band.tsv")) == band


def test_load_full_file_reads_every_column(tmp_path):
    head = "label\tconcepts\tunknown\tcore\tparent\tdisplay\tcolor\taliases\n"
    rows = "reeds\tsaxophone|clarinet\toboe\tsaxophone\twinds\tReeds\t#123456\tblowers\nwinds\twoodwind\n"
    reeds = LabelSet.load(write(tmp_path, head + rows))
    assert reeds.parents == {"reeds": "winds"} and reeds.display["reeds"] == "Reeds"
    assert reeds.colors["reeds"] == "#123456" and reeds.find("blower") == ("reeds",)
    assert reeds.decode(reeds.encode(["oboe"])) == (["winds"], ["reeds"])


def test_load_own_set_of_the_fifteen_labels_is_bradl15(tmp_path):
    cells = [(label, "|".join(BRADL15.concepts[label]), BRADL15.parents.get(label, "")) for label in BRADL15.labels]
    own = LabelSet.load(write(tmp_path, "label\tconcepts\tparent\n" + "\n".join(map("\t".join, cells))))
    assert own.digest == BRADL15.digest


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", ": no label"),
        ("label,concepts\n", ": no label"),
        ("labels,concepts\na,flute\n", ", line 1: unknown column 'labels'; did you mean label"),
        ("concepts\nflute\n", ", line 1: there must be a column `label`, got concepts"),
        ("label,label\na,a\n", ", line 1: column 'label' stands twice"),
        ("label,concepts\n\nflute\nflute\n", ", line 4: label 'flute' stands twice"),
        ("label\nFlute\n", ", line 2: a label must be lower-case letters, digits and underscores, got 'Flute'"),
        ("label\nfluet\n", ", line 2: no instrument 'fluet'; did you mean flute"),
        ("label,concepts\nred,celo\n", ", line 2: no instrument 'celo'; did you mean cello"),
        ("label,color\nflute,red\n", ", line 2: a color must be of the form #rrggbb, got 'red'"),
        ("label,parent\nflute,winds\n", ", line 2: parent 'winds' of 'flute' is not a label"),
        ("label,parent\nflute,oboe\noboe,flute\n", ", line 2: 'flute' is above itself: flute < oboe < flute"),
        ("label\nflute,oboe\n", ", line 2: 2 cells under 1 columns"),
    ],
)
def test_load_file_at_fault_names_file_line_and_reason(tmp_path, text, reason):
    from organology.errors import ConfigError

    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        LabelSet.load(path)
    assert str(caught.value).startswith(f"{path}{reason}") and "\n" not in str(caught.value)


def test_load_missing_file_names_it(tmp_path):
    from organology.errors import ConfigError

    with pytest.raises(ConfigError, match=r"none\.tsv: cannot be read: No such file"):
        LabelSet.load(tmp_path / "none.tsv")
    with pytest.raises(ConfigError, match="no label set 'bradl51'; did you mean bradl15"):
        LabelSet.load("bradl51")


def test_import_brings_no_heavy_package():
    code = "import sys, organology.labels; print(*{'torch', 'yaml', 'pydantic', 'polars', 'difflib'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
