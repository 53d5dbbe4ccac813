"""Labels of every corpus by `bradl15` are frozen; other sets follow from the same concepts, without touching audio.

`bradl15_labels.tsv` was written when the readers still gave the 15 labels themselves.
"""

import csv
import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from bradl15_labels import BRADL15, decode
from corpora_trees import medleydb, mixing_secrets
from corpora_trees_slakh import slakh
from organology.corpora.checking.check import check
from organology.corpora.issues import Issue
from organology.corpora.prepare import prepare
from organology.corpora.readers.stems import manifest
from organology.corpora.registry import find
from organology.corpora.table import labels_of, read_table
from organology.labels import LabelSet, Vocabulary

STARTER = Path(__file__).parents[2] / "starter"
FIVE = """\
label\tconcepts\tparent
strings\tbowed_string\t
cello\tcello\tstrings
guitar\tguitar\t
drum_kit\tdrum_kit\t
keys\tkey|synth\t
"""


@pytest.fixture(scope="module")
def frozen():
    rows = defaultdict(dict)
    with Path(__file__).with_name("bradl15_labels.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            present, unknown = (list(filter(None, row[name].split("|"))) for name in ("present", "unknown"))
            rows[row["corpus"]][row["song"], row["stem"]] = (present, unknown)
    return rows


def stems_of(items):
    songs = [item for item in items if not isinstance(item, Issue)]
    return {(song.song, stem.stem): decode(stem) for song in songs for stem in song.stems}


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("medleydb", medleydb),
        ("mixing-secrets", mixing_secrets),
        ("mixing-secrets archives", lambda root: mixing_secrets(root, "archives")),
        ("slakh", lambda root: slakh(root, seconds=0.2)),
    ],
)
def test_read_published_corpus_has_the_labels_it_had(frozen, tmp_path, name, make):
    make(tmp_path)
    corpus = name.split()[0]
    settings = {} if corpus == "slakh" else {"keep_bleed": True}
    assert stems_of(find(corpus).corpus(**settings).read(tmp_path)) == frozen[name]


def test_read_starter_corpus_has_the_labels_it_had(frozen):
    assert stems_of(find("stems").corpus().read(STARTER)) == frozen["starter"]


def test_read_names_have_the_labels_they_had(frozen, tmp_path):
    for song, stem in frozen["names"]:
        (tmp_path / song).mkdir()
        (tmp_path / song / f"{stem}.wav").touch()
    assert stems_of(find("stems").corpus().read(tmp_path)) == frozen["names"]


def test_read_stems_csv_has_the_labels_it_had(frozen, tmp_path):
    lines = ["path,song,families,instruments,instrument,mask"]
    for song, stem in frozen["stems.csv"]:  # the song says what stood in the row
        lines.append(f"a/{stem}.wav,{song},{','.join(song.split('/'))}")
    (tmp_path / "stems.csv").write_text("\n".join(lines))
    assert stems_of(manifest.read(tmp_path / "stems.csv", tmp_path)) == frozen["stems.csv"]


@pytest.mark.parametrize(
    ("cells", "bradl15", "openmic20"),
    [
        ({"instrument": "cello"}, (["bowed_string"], []), (["cello"], [])),
        ({"instrument": "tenor_saxophone"}, (["woodwind"], []), (["saxophone"], [])),
        ({"instrument": "Hammond organ|drums"}, None, (["drums", "organ"], ["cymbals", "synthesizer"])),
        ({"families": "bowed_string", "instruments": "cello"}, (["bowed_string"], []), (["cello"], [])),
        ({"families": "bowed_string", "instruments": "violin"}, (["bowed_string", "violin"], []), (["violin"], [])),
        ({"families": "key", "mask": "piano"}, (["key"], ["piano"]), ([], ["organ", "piano"])),
        (
            {"instrument": "banjo", "mask": "saxophone"},
            (["plucked_string"], ["woodwind"]),
            (["banjo"], ["saxophone"]),
        ),
        ({"instrument": "tenor_saxophone", "mask": "saxophone"}, (["woodwind"], []), None),
    ],
)
def test_stems_csv_cells_hold_words_concepts_or_labels(tmp_path, cells, bradl15, openmic20):
    columns = {"path": "a/x.wav", **cells}
    (tmp_path / "stems.csv").write_text(f"{','.join(columns)}\n{','.join(columns.values())}\n")
    ((song,),) = [[item for item in manifest.read(tmp_path / "stems.csv", tmp_path) if not isinstance(item, Issue)]]
    (stem,) = song.stems
    for label_set, expected in ((BRADL15, bradl15), (LabelSet.load("openmic20"), openmic20)):
        if expected is not None:
            assert label_set.decode(stem.instruments.encode(label_set)) == expected


def test_starter_corpus_prepared_once_is_labeled_by_any_set(tmp_path):
    root, out = tmp_path / "starter", tmp_path / "out"
    root.mkdir()
    with (STARTER / "stems.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    kept = list(dict.fromkeys(row["song"] for row in rows))[:6]
    for song in kept:
        shutil.copytree(STARTER / song, root / song)
    with (root / "stems.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(row for row in rows if row["song"] in kept)
    assert prepare(find("stems").corpus(), root, out).complete
    audio = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in out.rglob("*.flac")}

    (tmp_path / "five.tsv").write_text(FIVE, "utf-8")
    words = Vocabulary.load("general_midi")
    table = read_table(out, check_files=True)
    for name in ("bradl15", "openmic20", str(tmp_path / "five.tsv")):
        label_set = LabelSet.load(name)
        expected = [words[word].encode(label_set).tolist() for word in table["word"]]
        assert labels_of(table, label_set).tolist() == expected
        found = check(out, label_set=label_set)
        counted = {
            label: sum(part["labels"][label]["stems"] for part in found.splits.values()) for label in label_set.labels
        }
        assert list(counted.values()) == (labels_of(table, label_set) == 1).sum(axis=0).tolist()
        assert sum(count > 0 for count in counted.values()) >= 4
    assert prepare(find("stems").corpus(), root, out).complete
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in out.rglob("*.flac")} == audio
