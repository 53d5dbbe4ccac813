"""Every format of results: what it says of a known recognition, read again by its own rules."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from organology.audio.inputs import Input
from organology.errors import OrganologyError
from organology.labels import default_set
from organology.outputs.paths import OutputPaths
from organology.outputs.registry import FORMATS, WriterOptions, format_of, open_writer
from organology.recognition import Recognition, SegmentSettings, serialization
from organology.recognition.serialization import schema

DISPLAY_NAMES = default_set().display
LABELS = default_set().labels

DURATION = 10.7
TEXTS = ("audacity", "elan", "sonic-visualiser", "rttm", "segments")


def made(source: str = "a b.wav", hop: float = 1.0) -> Recognition:
    """Violin from 0 to 4 s and from 8 s to the end, drums throughout, a piano that nearly plays."""
    starts = np.append(np.arange(0, DURATION - 1, hop), DURATION - 1)
    scores = np.full((len(starts), 15), 0.01, np.float32)
    violin = (starts < 4) | (starts >= 8)
    scores[np.ix_(violin, [LABELS.index("bowed_string"), LABELS.index("violin")])] = 0.9
    scores[:, [LABELS.index("percussion"), LABELS.index("drums")]] = 0.75
    scores[:, LABELS.index("piano")] = 0.49
    return Recognition(
        source,
        DURATION,
        starts,
        starts + 1,
        scores,
        scores.mean(axis=0),
        np.full(15, 0.5),
        hop,
        "tiny",
        ("cut off",),
        segment_settings=SegmentSettings(low_ratio=1, max_gap_seconds=0, min_seconds=0),
    )


def written(name: str, *recognitions: Recognition, options: WriterOptions | None = None, folder: Path) -> str:
    target = folder / "out.bin"
    inputs = [Input(one.source, Path()) for one in recognitions]
    about = {"name": "tiny", "sample_rate": 32_000, "window_seconds": 4.0, "pooling": "mean", "hop_seconds": 1.0}
    with open_writer(name, target, options, about, OutputPaths(inputs)) as writer:
        for one in recognitions:
            writer.add(one)
        writer.fail("gone.wav", "no such file")
    text = target.read_text("utf-8")
    target.unlink()
    return text


def expected_segments(recognition: Recognition) -> list[tuple[str, float, float]]:
    return sorted((one.label, one.start, one.end) for one in recognition.segments)


# --- what each format says ------------------------------------------------------------------------------------------


def test_recognition_of_known_scores_has_known_segments():
    assert expected_segments(made()) == [
        ("bowed_string", 0, 4),
        ("bowed_string", 8, DURATION),
        ("drums", 0, DURATION),
        ("percussion", 0, DURATION),
        ("violin", 0, 4),
        ("violin", 8, DURATION),
    ]


def test_text_formats_of_known_segments_are_exact(tmp_path):
    one = made().only(["violin", "drums"])
    assert written("audacity", one, folder=tmp_path) == (
        "0.000000\t10.700000\tdrums\n0.000000\t4.000000\tviolin\n8.000000\t10.700000\tviolin\n"
    )
    assert written("rttm", one, folder=tmp_path) == (
        "SPEAKER a%20b.wav 1 0.000000 10.700000 <NA> <NA> drums <NA> <NA>\n"
        "SPEAKER a%20b.wav 1 0.000000 4.000000 <NA> <NA> violin <NA> <NA>\n"
        "SPEAKER a%20b.wav 1 8.000000 2.700000 <NA> <NA> violin <NA> <NA>\n"
    )
    assert written("elan", one, folder=tmp_path) == (
        "drums\t0.000\t10.700\tdrums\nviolin\t0.000\t4.000\tviolin\nviolin\t8.000\t10.700\tviolin\n"
    )
    assert written("sonic-visualiser", one, folder=tmp_path) == (
        "0.000000,10,10.700000,drums\n0.000000,11,4.000000,violin\n8.000000,11,2.700000,violin\n"
    )
    assert written("segments", one, folder=tmp_path) == (
        "file,label,start,end,score\na b.wav,drums,0,10.7,0.75\na b.wav,violin,0,4,0.9\na b.wav,violin,8,10.7,0.9\n"
    )


@pytest.mark.parametrize("name", TEXTS)
def test_text_formats_read_again_give_the_segments(name, tmp_path):
    recognition = made()
    by_name = {shown: label for label, shown in DISPLAY_NAMES.items()}
    found = []
    for line in written(name, recognition, folder=tmp_path).splitlines():
        if name in ("audacity", "elan"):
            *rest, label = line.split("\t")
            start, end = map(float, rest[-2:])
            label = by_name[label]
        elif name == "rttm":
            kind, _, channel, start, length, _, _, label, *_ = line.split(" ")
            assert (kind, channel, len(line.split())) == ("SPEAKER", "1", 10)
            start, end = float(start), float(start) + float(length)
        else:
            row = next(csv.reader([line]))
            if row[0] == "file":
                continue
            if name == "segments":
                label, start, end = row[1], float(row[2]), float(row[3])
            else:
                start, end, label = float(row[0]), float(row[0]) + float(row[2]), by_name[row[3]]
                assert int(row[1]) == LABELS.index(label) + 1
        found.append((label, pytest.approx(start, abs=1e-6), pytest.approx(end, abs=1e-6)))
    assert sorted(expected_segments(recognition)) == sorted(found, key=lambda row: (row[0], row[1].expected))


def test_csv_with_and_without_windows_has_their_scores(tmp_path):
    recognition = made()
    (row,) = csv.DictReader(io.StringIO(written("csv", recognition, folder=tmp_path)))
    assert (row["file"], float(row["duration"])) == ("a b.wav", DURATION)
    assert [float(row[label]) for label in LABELS] == pytest.approx(recognition.file_scores.tolist(), abs=1e-6)
    options = WriterOptions(timeline=True, labels=("drums", "violin"))
    text = written("csv", recognition.only(["violin", "drums"]), options=options, folder=tmp_path)
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["file", "start", "end", "drums", "violin"]
    assert rows[1] == ["a b.wav", "0", "1", "0.75", "0.9"] and float(rows[-1][2]) == DURATION


def test_rttm_of_a_channel_names_it(tmp_path):
    text = written("rttm", made("música/x.wav#ch2").only(["drums"]), folder=tmp_path)
    assert text == "SPEAKER m%C3%BAsica/x.wav 2 0.000000 10.700000 <NA> <NA> drums <NA> <NA>\n"


# --- JSON -----------------------------------------------------------------------------------------------------------


def valid(value: object) -> None:
    found = schema()
    jsonschema.Draft202012Validator.check_schema(found)
    jsonschema.validate(value, found, cls=jsonschema.Draft202012Validator)


def test_schema_lists_the_default_labels():
    assert schema()["$defs"]["default_label"]["enum"] == list(LABELS)


@pytest.mark.parametrize("timeline", [False, True])
def test_json_of_recordings_validates(timeline, tmp_path):
    options = WriterOptions(timeline=timeline)
    one, other = made(), made("c.flac").only(["violin"])
    whole = json.loads(written("json", one, other, options=options, folder=tmp_path))
    valid(whole)
    assert [row["file"] for row in whole["recordings"]] == ["a b.wav", "c.flac"]
    assert whole["failures"] == [{"file": "gone.wav", "reason": "no such file"}]
    assert [row["label"] for row in whole["recordings"][1]["labels"]] == ["violin"]
    assert ("windows" in whole["recordings"][0]) == timeline
    lines = [json.loads(line) for line in written("jsonl", one, other, options=options, folder=tmp_path).splitlines()]
    for line in lines:
        valid(line)
    assert [row.get("reason") for row in lines] == [None, None, "no such file"]
    for line, row in zip(lines, whole["recordings"], strict=False):
        assert row.items() <= line.items()


@pytest.mark.parametrize(
    ("key", "value"),
    [("duration", -1), ("labels", []), ("instruments", ["viola"]), ("version", 2), ("file", None)],
)
def test_schema_with_a_wrong_value_refuses_it(key, value):
    line = {**json.loads(made().to_json()), key: value}
    with pytest.raises(jsonschema.ValidationError):
        valid(line)


def same(one: Recognition, other: Recognition, windows: bool = True) -> None:
    assert (one.source, one.duration, one.hop_seconds) == (other.source, other.duration, other.hop_seconds)
    assert (one.model, one.notes, one.labels) == (other.model, other.notes, other.labels)
    assert one.segment_settings == other.segment_settings and one.instruments == other.instruments
    assert one.segments == other.segments
    for name in ("file_scores", "thresholds", *(("starts", "ends", "scores") if windows else ())):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name).dtype == getattr(other, name).dtype


def test_json_read_again_gives_the_recognition():
    for recognition in (made(), made(hop=0.25), made().only(["violin", "brass"])):
        same(recognition, Recognition.from_json(recognition.to_json(timeline=True, decimals=None)))
        same(recognition, Recognition.from_dict(recognition.to_dict(decimals=None)), windows=False)
    read = Recognition.from_json(made().to_json(timeline=True))
    assert read.to_json(timeline=True) == made().to_json(timeline=True)
    assert read.refined(0.95).instruments == []


def test_recognition_without_windows_takes_activity_from_segments():
    read = Recognition.from_json(made().to_json())
    assert read.starts.shape == (0,) and read.scores.shape == (0, 15)
    np.testing.assert_allclose(read.activity.edges, [0, 4, 8, DURATION])
    np.testing.assert_allclose(read.activity.scores[:, LABELS.index("violin")], [0.9, 0, 0.9], atol=1e-6)
    with pytest.raises(ValueError, match="windows"):
        read.refined(0.3)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not JSON"),
        ("[]", "no JSON object"),
        ("{}", "no 'labels'"),
        ('{"version": 9}', "version 9"),
        ('{"version": 1, "recordings": []}', "0 recordings"),
        ('{"version": 1, "recordings": [1, 2]}', "2 recordings"),
        ('{"version": 1, "recordings": 3}', "no list"),
        ('{"labels": [3]}', "not a recognition"),
        ('{"labels": 3}', "not a recognition"),
        ('{"file": "a", "labels": [{"label": "viola"}]}', "not a label of bradl15: 'viola'"),
    ],
)
def test_from_json_of_something_else_is_one_line(text, reason):
    with pytest.raises(OrganologyError, match=reason) as caught:
        Recognition.from_json(text)
    assert "\n" not in str(caught.value)


# --- JAMS and data frames -------------------------------------------------------------------------------------------


def test_jams_of_a_recognition_validates_and_holds_all(tmp_path):
    jams = pytest.importorskip("jams")
    recognition = made()
    (tmp_path / "x.jams").write_text(written("jams", recognition, folder=tmp_path), "utf-8")
    read = jams.load(str(tmp_path / "x.jams"), validate=True, strict=True)
    assert read.file_metadata.duration == DURATION and read.file_metadata.identifiers.file == "a b.wav"
    (tags,) = read.search(namespace="tag_open")
    assert {row.value: row.confidence for row in tags} == pytest.approx(
        {label: recognition.score(label) for label in recognition.instruments}, abs=1e-6
    )
    assert tags.annotation_metadata.annotation_tools.endswith("model tiny")
    assert tags.annotation_metadata.data_source == "program"
    found = [
        (row.value, pytest.approx(row.time), pytest.approx(row.time + row.duration))
        for annotation in read.search(namespace="segment_open")
        for row in annotation
    ]
    assert expected_segments(recognition) == sorted(found, key=lambda row: (row[0], row[1].expected))
    for annotation in read.search(namespace="segment_open"):
        intervals, values = annotation.to_interval_values()
        assert len(set(values)) == 1 and (intervals[1:, 0] >= intervals[:-1, 1]).all()
    assert json.loads(recognition.to_jams().dumps()) == json.loads(read.dumps())


def test_to_dataframe_gives_segments_windows_and_labels():
    pandas = pytest.importorskip("pandas")
    recognition = made()
    segments = recognition.to_dataframe()
    assert isinstance(segments, pandas.DataFrame) and list(segments) == ["file", "label", "start", "end", "score"]
    assert sorted(segments[["label", "start", "end"]].itertuples(index=False, name=None)) == expected_segments(
        recognition
    )
    windows = recognition.to_dataframe("windows")
    assert list(windows) == ["file", "start", "end", *LABELS]
    np.testing.assert_array_equal(windows[list(LABELS)].to_numpy(), recognition.scores)
    labels = recognition.to_dataframe("labels").set_index("label")
    assert labels.index[labels["plays"]].tolist() == recognition.instruments
    assert made().only(["brass"]).to_dataframe().empty
    with pytest.raises(ValueError, match="got 'tags'"):
        recognition.to_dataframe("tags")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["jams", "pandas"])
def test_conversion_without_its_package_names_it(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(OrganologyError, match=f"pip install .*{name}"):
        made().to_jams() if name == "jams" else made().to_dataframe()


# --- some labels alone ----------------------------------------------------------------------------------------------


def test_only_some_labels_keeps_what_plays():
    whole = made()
    part = whole.only(["violin", "percussion"])
    assert part.labels == ("percussion", "violin") and part.scores.shape == (len(whole.starts), 2)
    assert part.instruments == ["percussion", "violin"]
    assert set(part.segments) == {one for one in whole.segments if one.label in part.labels}
    np.testing.assert_array_equal(part.activity.scores[:, 1], whole.activity.scores[:, LABELS.index("violin")])
    # A family that plays only since its instrument does still plays without it.
    quiet = Recognition(**{**vars_of(whole), "thresholds": np.where(np.array(LABELS) == "percussion", 0.9, 0.5)})
    assert "percussion" in quiet.only(["percussion"]).instruments
    for wrong in (["viola"], []):
        with pytest.raises(ValueError):
            whole.only(wrong)
    with pytest.raises(ValueError, match="piano"):
        part.only(["piano"])


def vars_of(recognition: Recognition) -> dict[str, object]:
    return {name: getattr(recognition, name) for name in recognition.__dataclass_fields__}


@pytest.mark.parametrize("name", list(FORMATS))
def test_formats_with_only_some_labels_name_no_other(name, tmp_path):
    options = WriterOptions(labels=("violin",))
    text = written(name, made().only(["violin"]), options=options, folder=tmp_path)
    body = text if name != "html" else text[text.index("<body") :]
    assert "violin" in body
    assert not ({"drums", "piano"} & set(body.replace('"', " ").replace(",", " ").replace("\t", " ").split()))


# --- the terminal ---------------------------------------------------------------------------------------------------


class Stream(io.StringIO):
    """Text in memory with an encoding."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding


@pytest.mark.parametrize(("encoding", "ascii_only"), [("utf-8", False), ("ascii", True), ("latin-1", True)])
@pytest.mark.parametrize("timeline", [False, True])
def test_table_writer_on_plain_encodings_writes_what_they_have(encoding, ascii_only, timeline, monkeypatch):
    from organology.outputs.terminal.writer import TableWriter

    monkeypatch.setenv("COLUMNS", "80")
    stream = Stream(encoding)
    with TableWriter(stream, WriterOptions(timeline=timeline)) as writer:
        writer.add(made("plain.wav"))
    text = stream.getvalue()
    assert "\x1b" not in text
    for label in ("bowed string", "violin", "drums"):
        assert label in text
    assert "acoustic guitar" not in text
    assert max(map(len, text.splitlines())) <= 100
    if timeline and ascii_only:
        assert text.isascii()


def test_timeline_of_known_segments_shows_when():
    from organology.outputs.terminal.timeline import render

    lines = render(made().only(["violin"]), 60, with_unicode=False).plain.splitlines()
    row = next(line for line in lines if "violin" in line)
    blocks = row[row.index("0.") + 5 :].ljust(60 - row.index("0.") - 5)
    width = len(lines[-1]) - (row.index("0.") + 5)
    assert all(len(line) <= 60 for line in lines)
    for second, plays in ((1, True), (3, True), (5, False), (7, False), (9, True)):
        assert (blocks[int(second / DURATION * len(blocks))] == "=") == plays, second
    assert lines[-1].split()[0] == "0:00" and width > 20


@pytest.mark.parametrize("width", [44, 60, 80, 200])
def test_timeline_of_any_width_fits_and_has_times(width):
    from organology.outputs.terminal.timeline import render

    lines = render(made(), width).plain.splitlines()
    assert max(map(len, lines)) <= width and len(lines[-1].split()) >= 2


# --- where it is written --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.csv", "csv"),
        ("a.JSON", "json"),
        ("a.jsonl", "jsonl"),
        ("a.jams", "jams"),
        ("a.rttm", "rttm"),
        ("a.html", "html"),
        ("a.segments.csv", "segments"),
        ("a.labels.txt", "audacity"),
        ("a.elan.txt", "elan"),
        ("a.regions.csv", "sonic-visualiser"),
        ("a", "table"),
    ],
)
def test_format_of_a_file_name_is_known(name, form):
    assert format_of(Path(name)) == form


def test_format_of_every_suffix_is_its_own():
    for name, form in FORMATS.items():
        assert format_of(Path(f"x{form.suffix}")) == name


def test_open_writer_on_a_folder_writes_a_file_a_recording(tmp_path):
    inputs = [Input(f"m/{name}", Path("m")) for name in ("a/x.wav", "a/x.mp3", "a/X.ogg", "y.wav")]
    with open_writer("jams", tmp_path / "out", names=OutputPaths(inputs)) as writer:
        for one in inputs:
            writer.add(made(one.name))
        writer.fail("gone.wav", "no such file")
    found = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.jams"))
    assert found == ["a/X.ogg.jams", "a/x.jams", "a/x.mp3.jams", "y.jams"]
    told = {json.loads((tmp_path / "out" / name).read_text())["file_metadata"]["identifiers"]["file"] for name in found}
    assert told == {one.name for one in inputs}


def test_audacity_per_label_writes_a_track_each(tmp_path):
    options = WriterOptions(per_label=True)
    with open_writer("audacity", tmp_path, options, names=OutputPaths([Input("x.wav", Path())])) as writer:
        writer.add(made("x.wav"))
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert set(found) == {f"x.{one}.labels.txt" for one in ("bowed_string", "violin", "percussion", "drums")}
    assert found["x.violin.labels.txt"] == "0.000000\t4.000000\tviolin\n8.000000\t10.700000\tviolin\n"


def test_open_writer_over_a_recording_is_refused(tmp_path):
    sound = tmp_path / "x.jams"
    sound.write_bytes(b"sound")
    names = OutputPaths([Input(str(sound), tmp_path)])
    with pytest.raises(OrganologyError, match="not written over"), open_writer("jams", sound, names=names):
        pass
    with open_writer("jams", tmp_path, names=names) as writer, pytest.raises(OrganologyError, match="not written over"):
        writer.add(made(str(sound)))
    assert sound.read_bytes() == b"sound"


@pytest.mark.parametrize("output", ["p/page.html", "pages"])
def test_html_in_any_folder_links_to_the_audio(output, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m" / "a").mkdir(parents=True)
    (tmp_path / "pages").mkdir()
    sound = Path("m/x.wav") if output != "pages" else Path("m/a/x.wav")
    sound.write_bytes(b"sound")
    with open_writer("html", Path(output), names=OutputPaths([Input(str(sound), Path("m"))])) as writer:
        writer.add(made(str(sound)))
    (page,) = (path for path in tmp_path.rglob("*.html"))
    (found,) = re.findall(r'<audio[^>]* src="([^"]*)"', page.read_text("ascii"))
    assert (page.parent / found).resolve() == (tmp_path / sound).resolve()


def test_open_writer_of_several_recordings_needs_a_folder(tmp_path):
    names = OutputPaths([Input("a.wav", Path()), Input("b.wav", Path())])
    for output in (None, tmp_path / "o.jams"):
        with pytest.raises(OrganologyError, match="name a folder"), open_writer("jams", output, names=names):
            pass
    with pytest.raises(OrganologyError, match="name a folder"):
        open_writer("audacity", None, names=OutputPaths([Input("a.wav", Path())], split=True))


def test_output_paths_of_channels_and_standard_input_are_known():
    names = OutputPaths(
        [Input("m/x.wav", Path("m")), Input("m/x.ch1.wav", Path("m")), Input("<stdin>", Path())], split=True
    )
    found = [
        names.path(one, Path("o"), ".csv").as_posix()
        for one in ("m/x.wav#ch1", "m/x.wav#ch2", "m/x.ch1.wav", "<stdin>")
    ]
    assert found == ["o/x.ch1-2.csv", "o/x.ch2.csv", "o/x.ch1.csv", "o/stdin.csv"]


def test_open_writer_without_output_writes_to_standard_output(capsys):
    with open_writer("rttm", None) as writer:
        writer.add(made().only(["drums"]))
    assert capsys.readouterr().out.startswith("SPEAKER a%20b.wav 1 0.000000 10.700000")


@pytest.mark.parametrize("n_windows", [0, 1, 3, 4, 5, 9])
@pytest.mark.parametrize("timeline", [False, True])
def test_json_in_pieces_is_that_of_the_dict(n_windows, timeline, monkeypatch):
    monkeypatch.setattr(serialization, "_PIECE_ROWS", 4)
    starts = np.arange(n_windows, dtype=float)
    scores = np.random.default_rng(0).random((n_windows, 15)).astype(np.float32)
    recognition = Recognition(
        'ü "song".wav', n_windows + 3.0, starts, starts + 4, scores, np.zeros(15, np.float32), np.full(15, 0.5), 1.0
    )
    whole = recognition.to_dict(timeline)
    assert "".join(serialization.pieces(recognition, timeline)) == json.dumps(whole, ensure_ascii=False)
    head = {"schema": serialization.JSON_SCHEMA, "version": serialization.JSON_VERSION}
    assert recognition.to_json(timeline) == json.dumps({**head, **whole}, ensure_ascii=False)
