"""Inputs that no publisher wrote: each costs one line, and the rest goes on."""

import os
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bounds import bounded
from corpora_trees import medleydb
from corpora_trees_slakh import prepare_tags, slakh
from organology import config
from organology.config import yaml_reader
from organology.config.yaml_reader import YamlError, load_yaml
from organology.corpora.conversion.convert import convert_stem
from organology.corpora.issues import Issue
from organology.corpora.prepare import prepare
from organology.corpora.readers.medley.metadata import read_metadata
from organology.corpora.readers.stems import manifest
from organology.corpora.registry import find
from organology.corpora.table import TABLE_NAME, read_table
from organology.errors import ConfigError, CorpusError, OrganologyError
from organology.rendering.midi import read_score
from sounds import tone, write

SECONDS = 5.0
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)
BAD_YAML = {
    "a date of month 13": ("date: 2001-13-45", "month must be in 1..12"),
    "a billion laughs": (LAUGHS, "more than 500000 values"),
    "an alias in itself": ("a: &a [*a]", "stands in itself"),
    "deep flow": ("[" * 100_000, "nest"),
    "deep mappings": ("{a: " * 50_000, "nest"),
    "deep blocks": ("- " * 50_000 + "x", "nest"),
    "a number of base 60": ("a: " + ":".join(["1"] * 100_000), "digits"),
    "a number of 5000 digits": ("a: " + "9" * 5000, "digits"),
    "a float beyond all": ("a: " + ":".join(["1"] * 240) + ".5", ""),
    "a list as key": ("{[a]: b}", ""),
    "an object": ("!!python/object/apply:os.system ['true']", "could not determine a constructor"),
    "binary that is none": ("a: !!binary é", ""),
}


def one_line_of(error):
    text = str(error.value)
    assert "\n" not in text and len(text) < 600
    return text


@pytest.mark.parametrize(("text", "reason"), BAD_YAML.values(), ids=BAD_YAML)
def test_load_yaml_bomb_is_refused_in_time(text, reason):
    start = time.monotonic()
    try:
        load_yaml(text)
    except YamlError as error:
        assert reason in str(error) and "\n" not in str(error)
    assert time.monotonic() - start < SECONDS


@pytest.mark.parametrize("text", ["date: 2001-13-45", LAUGHS, "- " * 5000, "a: &a [*a]"], ids=lambda text: text[:8])
def test_read_yaml_names_the_recipe(tmp_path, text):
    (tmp_path / "recipe.yaml").write_text(text)
    with pytest.raises(ConfigError) as error:
        config.read_yaml(tmp_path / "recipe.yaml")
    assert one_line_of(error).startswith(f"{tmp_path / 'recipe.yaml'}: ")


def test_load_yaml_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(yaml_reader, "LARGEST_BYTES", 10)
    with pytest.raises(YamlError, match="larger than"):
        load_yaml("a: 1234567890")


def test_load_yaml_aliases_within_bounds_are_read():
    assert load_yaml("a: &a {x: [1, 2]}\nb: *a\nc: {<<: *a, y: 3}") == {
        "a": {"x": [1, 2]},
        "b": {"x": [1, 2]},
        "c": {"x": [1, 2], "y": 3},
    }


@pytest.mark.parametrize("text", ["date: 2001-13-45", LAUGHS, "- " * 5000], ids=lambda text: text[:8])
def test_medleydb_bad_metadata_costs_one_line_and_the_rest_goes_on(tmp_path, text):
    medleydb(tmp_path)
    (path,) = tmp_path.rglob("NightBus_Meter_METADATA.yaml")
    path.write_text(text)
    items = list(find("medleydb").corpus().read(tmp_path))
    refused = [item for item in items if isinstance(item, Issue) and item.severity == "refused"]
    assert [issue.song for issue in refused] == ["NightBus_Meter"]
    assert "NightBus_Meter_METADATA.yaml" in refused[0].place and "\n" not in str(refused[0])
    assert sum(not isinstance(item, Issue) for item in items) == 6


@pytest.mark.parametrize("text", ["date: 2001-13-45", LAUGHS, "stems: {S00: {program_num: 1e999}}"])
def test_slakh_bad_metadata_costs_one_line_and_the_rest_goes_on(tmp_path, text):
    slakh(tmp_path, seconds=0.2)
    path = next(iter(sorted(tmp_path.rglob("metadata.yaml"))))
    path.write_text(text)
    items = list(find("slakh").corpus().read(tmp_path))
    refused = [item for item in items if isinstance(item, Issue) and item.severity == "refused"]
    assert len(refused) == 1 and refused[0].song == path.parent.name
    assert any(not isinstance(item, Issue) and item.stems for item in items)


@pytest.mark.parametrize("path", [".", "/", "\0S1/one.wav", "a\x1b[31m.wav", "", "..", "a/"])
def test_stems_csv_bad_path_is_one_line_with_file_row_and_reason(tmp_path, path):
    write(tmp_path / "two.wav", tone())
    (tmp_path / "stems.csv").write_text(f'path,song,instrument\n"{path}",s,piano\ntwo.wav,s,piano\n', "utf-8")
    songs = [item for item in find("stems").corpus().read(tmp_path) if not isinstance(item, Issue)]
    (issue,) = [item for item in manifest.read(tmp_path / "stems.csv", tmp_path) if isinstance(item, Issue)]
    assert issue.severity == "refused" and "stems.csv, line 2" in issue.place and "path" in issue.reason
    assert str(issue).isprintable()
    assert [stem.path.name for song in songs for stem in song.stems] == ["two.wav"]


def test_stems_csv_huge_field_is_one_line(tmp_path):
    (tmp_path / "stems.csv").write_text("path,instrument\na.wav,piano\nb.wav," + "x" * 200_000 + "\n")
    with pytest.raises(CorpusError, match=r"stems\.csv, line \d: field larger than field limit") as error:
        list(find("stems").corpus().read(tmp_path))
    one_line_of(error)


def test_stems_csv_of_one_song_that_cannot_be_read_spares_the_others(tmp_path):
    for song in ("One", "Two"):
        (tmp_path / song).mkdir()
        write(tmp_path / song / "piano.wav", tone())
    (tmp_path / "One" / "stems.csv").write_text("nothing\n")
    (tmp_path / "Two" / "stems.csv").write_text("path,instrument\npiano.wav,cello\n")
    items = list(find("stems").corpus().read(tmp_path))
    assert [item.song for item in items if not isinstance(item, Issue)] == ["Two"]
    assert any("no column `path`" in str(item) for item in items if isinstance(item, Issue))


def test_prepare_path_too_long_for_the_system_fails_alone(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    write(root / "two.wav", tone())
    (root / "stems.csv").write_text(f"path,song,instrument\n{'x' * 5000}.wav,s,piano\ntwo.wav,s,piano\n")
    report = prepare(find("stems").corpus(), root, tmp_path / "out")
    assert [issue.severity for issue in report.issues if issue.severity != "note"] == ["failed"]
    assert read_table(tmp_path / "out")["stem"].to_list() == ["two"]


def test_prepare_recordings_name_that_is_not_utf8_is_refused_alone(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    write(root / "good.wav", tone(2.0))
    (root / os.fsdecode(b"fl\xf6te.wav")).write_bytes((root / "good.wav").read_bytes())
    report = prepare_tags("recordings", root, tmp_path / "out", settings={"fractions": (1.0, 0.0, 0.0)})
    (refused,) = report.of("refused")
    assert refused.reason == "its name must be UTF-8; rename it" and str(refused).isprintable()
    assert report.summary["tracks"] == 1


def test_convert_stem_any_exception_of_a_decoder_is_told_in_one_line(tmp_path, monkeypatch, capsys):
    def broken(_):
        raise RuntimeError("a decoder\nthat broke")

    write(tmp_path / "a.wav", tone())
    monkeypatch.setattr("organology.corpora.conversion.convert.audio.decode", broken)
    done = convert_stem(tmp_path / "a.wav", tmp_path / "out.flac")
    assert done.error == "RuntimeError: a decoder that broke" and done.again and not (tmp_path / "out.flac").exists()
    assert "Traceback" not in capsys.readouterr().err
    monkeypatch.setenv("ORGANOLOGY_DEBUG", "1")
    convert_stem(tmp_path / "a.wav", tmp_path / "out.flac")
    assert "Traceback" in capsys.readouterr().err


# -- any bytes ---------------------------------------------------------------------------------------------------------


def mixed(pieces, longest, count):
    """Bytes of random pieces and of those that mean something."""
    piece = st.one_of(st.binary(max_size=longest), st.sampled_from([text.encode("latin-1") for text in pieces]))
    return st.lists(piece, max_size=count).map(b"".join)


CSV = mixed(["path,", "song", "\n", '"', "|", "\x00", "\xff", "../"], 20, 30)
YAML = mixed(
    ["stems: ", "{", "}", "[", "]", "&a ", "*a", "\n  ", "- ", "S01: ", "instrument: piano", "!!set ", "<<: "], 8, 40
)
MIDI = mixed(["MTrk\x00\x00\x00\x10", "\xff\x59\x02\x08\x00", "\xff\x51\x03\x00\x00\x00"], 30, 20)


@FEW
@given(CSV)
def test_stems_csv_any_bytes(tmp_path, data):
    (tmp_path / "stems.csv").write_bytes(b"path,song,instrument,families,mask,aligned\n" + data)
    with bounded(OrganologyError):
        list(manifest.read(tmp_path / "stems.csv", tmp_path))
    (tmp_path / "stems.csv").write_bytes(data)
    with bounded(OrganologyError):
        list(manifest.read(tmp_path / "stems.csv", tmp_path))


@FEW
@given(YAML)
def test_yaml_metadata_any_bytes(tmp_path, data):
    path = tmp_path / "A_B_METADATA.yaml"
    path.write_bytes(data)
    with bounded(OrganologyError):
        read_metadata(path)
    with bounded(OrganologyError):
        config.read_yaml(path)
    with bounded(YamlError):
        load_yaml(data, unique_keys=True)


@FEW
@given(MIDI)
def test_midi_any_bytes(tmp_path, data):
    path = tmp_path / "a.mid"
    path.write_bytes(b"MThd\x00\x00\x00\x06\x00\x01\x00\x02\x01\xe0MTrk" + data)
    with bounded(OrganologyError):
        read_score(path)
    path.write_bytes(data)
    with bounded(OrganologyError):
        read_score(path)


@pytest.fixture(scope="module")
def parquet(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table")
    write(folder / "piano.wav", tone())
    prepare(find("stems").corpus(), folder, folder.with_name("prepared"))
    return (folder.with_name("prepared") / TABLE_NAME).read_bytes()


@FEW
@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=16))
def test_parquet_any_bytes(tmp_path, parquet, place, data):
    place %= len(parquet)
    (tmp_path / TABLE_NAME).write_bytes(parquet[:place] + data + parquet[place + len(data) :])
    with bounded(OrganologyError):
        read_table(tmp_path)
