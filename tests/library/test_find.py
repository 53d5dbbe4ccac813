"""The query language, and what it finds in a store."""

import contextlib
import csv
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from organology.cli.recordings.find import FindFormat
from organology.errors import OrganologyError, QueryError
from organology.labels import default_set
from organology.labels.bradl15 import BRADL15, LABELS
from organology.library.query.match import matching_rows
from organology.library.query.parser import parse
from organology.library.query.tree import All, AnyOf, Compare, Not, Plays, Value, labels_of
from organology.library.report import FIND_FORMATS
from organology.library.rows import FileState
from organology.library.store import Store
from organology.library.table import Library, sorted_rows
from organology.model_metadata import ModelMetadata
from organology.recognition import Recognition

METADATA = ModelMetadata(default_set(), (0.5,) * 15, name="made")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", All(())),
        ("violin", Plays("violin")),
        ("VIOLIN", Plays("violin")),
        ("electric-guitar", Plays("electric_guitar")),
        ("violin and not drums", All((Plays("violin"), Not(Plays("drums"))))),
        ("violin & !drums", All((Plays("violin"), Not(Plays("drums"))))),
        ("key or brass and synth", AnyOf((Plays("key"), All((Plays("brass"), Plays("synth")))))),
        ("(key or brass) and synth", All((AnyOf((Plays("key"), Plays("brass"))), Plays("synth")))),
        ("not not key", Not(Not(Plays("key")))),
        ("keys and electric guitar", All((Plays("key"), Plays("electric_guitar")))),
        ("Bowed Strings", Plays("bowed_string")),
        ("guitar", AnyOf((Plays("electric_guitar"), Plays("acoustic_guitar")))),
        ("not guitars", Not(AnyOf((Plays("electric_guitar"), Plays("acoustic_guitar"))))),
        (
            "guitar > 0.5",
            Compare(Value("score", ("electric_guitar", "acoustic_guitar")), ">", Value("number", number=0.5)),
        ),
        (
            "electric guitar.seconds > 3",
            Compare(Value("seconds", ("electric_guitar",)), ">", Value("number", number=3)),
        ),
        ("violin > 0.8", Compare(Value("score", ("violin",)), ">", Value("number", number=0.8))),
        ("violin.score>=80%", Compare(Value("score", ("violin",)), ">=", Value("number", number=0.8))),
        ("singer.seconds >= 30", Compare(Value("seconds", ("singer",)), ">=", Value("number", number=30))),
        ("duration > 1:30", Compare(Value("duration"), ">", Value("number", number=90))),
        ("duration > 1:00:01.5", Compare(Value("duration"), ">", Value("number", number=3601.5))),
        ("duration>2 min", Compare(Value("duration"), ">", Value("number", number=120))),
        ("channel == 2", Compare(Value("channel"), "=", Value("number", number=2))),
        ("piano > synth", Compare(Value("score", ("piano",)), ">", Value("score", ("synth",)))),
        ("path ~ '*/Live 1/*'", Compare(Value("path"), "~", Value("text", text="*/Live 1/*"))),
        (
            "0.2 < key <= .5",
            All(
                (
                    Compare(Value("number", number=0.2), "<", Value("score", ("key",))),
                    Compare(Value("score", ("key",)), "<=", Value("number", number=0.5)),
                )
            ),
        ),
    ],
)
def test_parse_query_gives_its_tree(text, meant):
    assert parse(text) == meant


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("viola", "unknown word 'viola' at character 1; it counts as bowed_string"),
        ("viloin", "unknown word 'viloin' at character 1; did you mean violin?"),
        ("violin > 80", "scores run from 0 to 1, got 80 at character 10; did you mean 80%?"),
        ("2 <= violin.share", "shares run from 0 to 1, got 2 at character 1; did you mean 2%?"),
        ("violin > 800", "scores run from 0 to 1, got 800 at character 10"),
        ("violin drums", "and, or, or a sign is missing before 'drums' at character 8"),
        ("(violin", "the '(' at character 1 is not closed"),
        ("violin)", "')' at character 7 closes nothing"),
        ("violin and", "a label or a value is expected at the end"),
        ("violin > ", "a label or a value is expected at the end"),
        ("and violin", "a label or a value is expected at character 1, not 'and'"),
        ("violin.loudness > 3", "violin at character 1 has score, seconds, share, not 'loudness'"),
        ("duration.x > 3", "duration at character 1 has no parts"),
        ("duration", "a comparison is missing behind the value at character 1"),
        ('violin > "x"', "a text is compared with a number at character 8"),
        ('path > "x"', "not as at character 6"),
        ("violin ~ 3", "'~' at character 8 compares the path with a text"),
        ('path = "x', "the quotation mark at character 8 is not closed"),
        ("violin @ 3", "'@' at character 8 means nothing here"),
        ("__import__('os')", "unknown word '__import__' at character 1"),
        ("(" * 200 + "violin" + ")" * 200, "more than 100 levels at character 101"),
        ("not " * 5000 + "violin", "more than 100 levels"),
    ],
)
def test_parse_wrong_query_is_one_line_that_names_the_place(text, told):
    with pytest.raises(QueryError) as error:
        parse(text)
    assert told in str(error.value) and "\n" not in str(error.value)


@given(st.text(alphabet="violn adotr.<>=!~()\"'&|0123456789%:smhé\x00\\[", max_size=40))
def test_parse_any_text_is_a_query_or_a_query_error(text):
    with contextlib.suppress(QueryError):
        parse(text)


def recognition(duration, **sounding):
    """Labels sound from the beginning for so many seconds."""
    n = int(duration) - 3
    starts = np.arange(n, dtype=float)
    scores = np.zeros((n, 15), np.float32)
    for label, seconds in sounding.items():
        scores[starts + 4 <= seconds, LABELS.index(label)] = 0.9
    scores = BRADL15.raise_parents(scores)
    return Recognition("x", duration, starts, starts + 4, scores, scores.mean(axis=0), np.full(15, 0.5), 1.0, "made")


FILES = {
    "/m/long.wav": recognition(100, violin=100, singer=20),
    "/m/live/short.wav": recognition(20, violin=20, drums=20),
    "/m/live/piano.flac": recognition(60, piano=60),
    "/m/both.wav": recognition(50, piano=40, violin=50, drums=10),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "lib.db"
    with Store(path) as writing:
        run = writing.run("00" * 32, "made", METADATA, 1.0)
        for name, one in FILES.items():
            writing.put(run, FileState(name, 1, 1), [one])
        writing.put_failure(run, FileState("/m/broken.wav", 1, 1), "empty file")
    with Store(path, create=False) as reading:
        yield reading


def found(store, text, thresholds=None, min_seconds=None):
    library = Library.load(store, thresholds, min_seconds)
    return {name.removeprefix("/m/") for name in library.taken(matching_rows(library, parse(text))).names}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", {"long.wav", "live/short.wav", "live/piano.flac", "both.wav"}),
        ("violin", {"long.wav", "live/short.wav", "both.wav"}),
        ("bowed_string and not drums", {"long.wav", "both.wav"}),
        ("violin and piano or drums", {"both.wav", "live/short.wav"}),
        ("duration >= 60", {"long.wav", "live/piano.flac"}),
        ("piano > 0.8", {"live/piano.flac"}),
        ("0.3 < piano < 0.8", {"both.wav"}),
        ("piano > violin", {"live/piano.flac"}),
        ("singer.seconds >= 5 and violin", {"long.wav"}),
        ("not singer.seconds > 5", {"live/short.wav", "live/piano.flac", "both.wav"}),
        ("drums.share > 0.9", {"live/short.wav"}),
        ("drums.seconds > 0 and drums.share < 50%", {"both.wav"}),
        ("path ~ '*/live/*.wav'", {"live/short.wav"}),
        ("path = '/m/both.wav'", {"both.wav"}),
        ("not path != '/m/both.wav'", {"both.wav"}),
        ("channel = 0", {"long.wav", "live/short.wav", "live/piano.flac", "both.wav"}),
        ("channel > 0", set()),
    ],
)
def test_find_query_gives_the_matching_recordings(store, text, names):
    assert found(store, text) == names


def test_find_with_thresholds_and_seconds_takes_them(store):
    assert found(store, "drums", {"drums": 0.05}) == {"live/short.wav", "both.wav"}
    assert found(store, "percussion", {"drums": 0.05}) == {"live/short.wav", "both.wav"}  # family >= instrument
    assert found(store, "drums", {"drums": 1.0}) == set()
    assert found(store, "drums", min_seconds=5) == {"live/short.wav", "both.wav"}
    assert found(store, "drums", min_seconds=15) == {"live/short.wav"}
    assert found(store, "drums.seconds > 5", {"drums": 0.95}) == set()
    assert found(store, "drums.seconds > 5", {"drums": 0.5}) == {"live/short.wav", "both.wav"}


def test_find_seconds_from_windows_are_those_that_are_stored(store):
    stored = Library.load(store)
    reckoned = Library.load(store)
    for i, (identity, run) in enumerate(zip(reckoned.ids.tolist(), reckoned.run_ids.tolist(), strict=True)):
        got = reckoned._computed(identity, reckoned.runs[run], reckoned.thresholds[i])
        np.testing.assert_allclose(got, stored.seconds[i], atol=1e-9)


def test_find_seconds_are_computed_only_where_they_decide(store, monkeypatch):
    asked = []
    real = Library._computed
    monkeypatch.setattr(Library, "_computed", lambda self, *args: (asked.append(args[0]), real(self, *args))[1])
    assert found(store, "drums.seconds > 5 and piano", {"drums": 0.6}) == {"both.wav"}
    assert len(asked) == 2


def test_sorted_rows_by_column_or_label_are_in_order(store):
    library = Library.load(store)

    def order(by):
        return [library.paths[i].removeprefix("/m/") for i in sorted_rows(library, by)]

    assert order("path") == sorted(order("path")) == order("-path")[::-1]
    assert order("duration")[0] == "long.wav" and order("-duration")[0] == "live/short.wav"
    assert order("piano")[:2] == ["live/piano.flac", "both.wav"]
    with pytest.raises(ValueError, match="kazoo"):
        order("kazoo")


def test_find_latest_recognition_of_a_file_counts(tmp_path):
    with Store(tmp_path / "lib.db") as store:
        first, second = (store.run(digit * 64, "made", METADATA, 1.0) for digit in "01")
        state = FileState("/m/a.wav", 1, 1)
        store.put(first, state, [recognition(20, piano=20)])
        store.put(second, state, [recognition(20, brass=20)])
        assert found(store, "brass") == {"a.wav"} and found(store, "piano") == set()
        store.put(first, state, [recognition(20, piano=20), recognition(20, key=20)], split=True)
        assert found(store, "key") == {"a.wav#ch1", "a.wav#ch2"} and found(store, "piano") == {"a.wav#ch1"}
        assert found(store, "brass") == set()
    with Store(tmp_path / "empty.db") as store:
        assert found(store, "violin") == set() and found(store, "violin.seconds > 3") == set()


def test_labels_of_query_are_those_it_names():
    query = parse("piano and (not violin or singer.seconds > 3) and duration > 4 and guitar > 0.2")
    assert labels_of(query, default_set()) == ["singer", "violin", "electric_guitar", "acoustic_guitar", "piano"]


def test_find_errors_are_one_line():
    assert issubclass(QueryError, OrganologyError)


@pytest.fixture
def ask(store):
    from typer.testing import CliRunner

    from organology.cli import command_line

    def invoke(*arguments):
        return CliRunner().invoke(command_line(), ["find", *arguments, "--store", str(store.path)])

    return invoke


def test_find_as_a_table_shows_scores_and_what_plays(ask):
    result = ask("violin and not piano", "--sort", "duration")
    assert result.exit_code == 0 and result.stderr == "2 of 4 recordings\n"
    head, first, second = result.stdout.splitlines()
    assert head.split() == ["violin", "piano", "length", "recording"]
    assert first.split()[:4] == ["0.90", "0.00", "1:40", "/m/long.wav"] and "live/short.wav" in second
    assert "bowed_string" in first and "violin" in first
    assert "duration" not in ask("violin").stdout and "live/short" in ask("violin", "--sort", "-duration").stdout


def test_find_as_paths_and_playlists_names_the_files(ask):
    assert ask("drums", "--format", "paths").stdout == "/m/live/short.wav\n"
    assert ask("violin", "--format", "paths", "-0").stdout.split("\0")[0] == "/m/both.wav"
    assert ask("piano > 0.8", "--format", "m3u").stdout.splitlines() == [
        "#EXTM3U",
        "#EXTINF:60,piano",
        "/m/live/piano.flac",
    ]
    assert ask("--format", "paths", "--limit", "2", "--sort", "violin").stdout.count("\n") == 2


def test_find_as_csv_and_json_holds_the_scores(ask):
    rows = list(csv.DictReader(io.StringIO(ask("piano", "--format", "csv", "--sort", "piano").stdout)))
    assert [row["file"] for row in rows] == ["/m/live/piano.flac", "/m/both.wav"] and rows[0]["piano"] == "0.9"
    written = json.loads(ask("piano", "--format", "json", "--sort", "-piano").stdout)
    assert (written["schema"], written["version"], written["query"]) == ("organology.find", 1, "piano")
    first = written["recordings"][0]
    assert first["file"] == "/m/both.wav" and first["instruments"] == ["bowed_string", "key", "violin", "piano"]
    assert first["scores"]["violin"] == 0.9 and first["channel"] is None
    assert json.loads(ask("channel > 5", "--format", "json").stdout)["recordings"] == []


def test_find_verb_offers_the_formats_that_can_be_written(ask):
    assert tuple(form.value for form in FindFormat) == FIND_FORMATS
    written = {form: ask("piano", "--format", form).stdout for form in FIND_FORMATS}
    assert all("piano.flac" in text for text in written.values()) and len(set(written.values())) == len(FIND_FORMATS)


def test_find_verb_takes_thresholds_and_seconds(ask):
    def paths(*arguments):
        return ask(*arguments, "--format", "paths").stdout.split()

    assert paths("drums", "--threshold", "drums=0.05") == ["/m/both.wav", "/m/live/short.wav"]
    assert paths("drums", "--threshold", "0.99", "--threshold", "drums=0.05") == ["/m/both.wav", "/m/live/short.wav"]
    assert paths("violin", "--threshold", "0.99") == []
    assert paths("drums", "--min-seconds", "15") == ["/m/live/short.wav"]


def test_find_verb_wrong_use_exits_with_2(ask):
    for wrong in (["x", "--sort", "kazoo"], ["--threshold", "violin=3"], ["--threshold", "kazoo=0.3"]):
        result = ask(*wrong)
        assert result.exit_code == 2 and "Error" in result.stderr and result.stdout == ""
    assert isinstance(ask("viola").exception, QueryError)


def test_store_verb_shows_and_prunes(store, tmp_path):
    from typer.testing import CliRunner

    from organology.cli import command_line

    def invoke(*arguments):
        return CliRunner().invoke(command_line(), ["store", *map(str, arguments)])

    told = invoke("info", store.path).stdout
    assert "made, windows every 1 s: 4 files recognized, 1 not" in told and "0.1 hours in 4 recordings" in told
    copy = tmp_path / "copy.db"
    with Store(copy) as opened:
        run = opened.run("00" * 32, "made", METADATA, 1.0)
        opened.put(run, FileState("/m/gone.wav", 1, 1), [FILES["/m/both.wav"]])
    assert invoke("prune", copy).stdout == "/m/gone.wav\n" and "1 file gone" in invoke("prune", copy).stderr
    assert invoke("prune", copy, "--yes").exit_code == 0 and invoke("prune", copy).stdout == ""
    assert not (tmp_path / "none.db").exists() and invoke("prune", tmp_path / "none.db", "--yes").exit_code == 1
    assert not (tmp_path / "none.db").exists()
