"""Files for annotators and subtitle tools, read again: ELAN by pympi, subtitles by webvtt-py, layers by their rules."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile

from organology.labels import LabelSet, default_set
from organology.outputs.registry import WriterOptions, open_writer
from organology.outputs.writers.subtitles import cues
from organology.recognition import Recognition, SegmentSettings

DURATION = 10.7


def made(source="a b.wav", labels=("voice", "singer", "drums"), label_set=None):
    """Some labels from 0 to 4 s and from 8 s to the end."""
    label_set = label_set or default_set()
    starts = np.append(np.arange(0, DURATION - 1), DURATION - 1)
    scores = np.full((len(starts), len(label_set)), 0.01, np.float32)
    plays = (starts < 4) | (starts >= 8)
    scores[np.ix_(plays, [label_set.index(label) for label in labels])] = 0.9
    thresholds = np.full(len(label_set), 0.5)
    exact = SegmentSettings(low_ratio=1, max_gap_seconds=0, min_seconds=0)
    return Recognition(
        source, DURATION, starts, starts + 1, scores, scores.mean(axis=0), thresholds, 1.0, "tiny", (),
        segment_settings=exact, label_set=label_set,
    )  # fmt: skip


def written(form: str, recognition, folder: Path, options=None) -> Path:
    target = folder / f"out.{form}"
    with open_writer(form, target, options) as writer:
        writer.add(recognition)
    return target


# --- subtitles ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["vtt", "srt"])
def test_subtitles_read_by_another_program_are_the_sung_segments(form, tmp_path):
    webvtt = pytest.importorskip("webvtt")
    path = written(form, made(), tmp_path)
    read = webvtt.read(path) if form == "vtt" else webvtt.from_srt(path)
    assert [(cue.start_in_seconds, cue.end_in_seconds, cue.text) for cue in read] == [
        (0, 4, "singer"),
        (8, 10, "singer"),
    ]
    assert [cue.end for cue in read] == ["00:00:04.000", "00:00:10.700"]


def test_subtitles_of_known_segments_are_exact(tmp_path):
    assert written("vtt", made(), tmp_path).read_text() == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:04.000\nsinger\n\n00:00:08.000 --> 00:00:10.700\nsinger\n"
    )
    assert written("srt", made(), tmp_path).read_text() == (
        "1\n00:00:00,000 --> 00:00:04,000\nsinger\n\n2\n00:00:08,000 --> 00:00:10,700\nsinger\n"
    )


def test_subtitles_without_a_singer_take_the_voice_or_what_is_left(tmp_path):
    whole = made(labels=("voice", "drums"))
    assert cues(whole) == [] and {one.label for one in cues(whole.only(["voice", "drums"]))} == {"voice"}
    assert {one.label for one in cues(whole.only(["drums"]))} == {"drums"}
    openmic = LabelSet.load("openmic20")
    assert {one.label for one in cues(made(labels=("voice", "drums"), label_set=openmic))} == {"voice"}
    assert written("vtt", whole, tmp_path).read_text() == "WEBVTT\n"


def test_vtt_with_marks_in_a_name_escapes_them(tmp_path):
    label_set = default_set()
    named = replace(label_set, display={**label_set.display, "singer": "a <b> & --> c"})
    text = written("vtt", replace(made(), label_set=named), tmp_path).read_text()
    assert "a &lt;b&gt; &amp; --&gt; c" in text and text.count("-->") == 2


# --- ELAN -----------------------------------------------------------------------------------------------------------


def test_eaf_read_by_another_program_has_a_tier_a_label(tmp_path):
    elan = pytest.importorskip("pympi.Elan")
    read = elan.Eaf(written("eaf", made(), tmp_path))
    expected = [(0, 4000), (8000, 10_700)]
    assert set(read.get_tier_names()) == {"voice", "singer", "percussion", "drums"}
    for tier in ("voice", "singer", "drums"):
        found = sorted(read.get_annotation_data_for_tier(tier))
        assert [(start, end) for start, end, *_ in found] == expected and {row[2] for row in found} == {tier}


def test_eaf_ids_are_unique_and_refer_to_slots(tmp_path):
    root = ElementTree.parse(written("eaf", made(), tmp_path)).getroot()
    assert [child.tag for child in root] == ["HEADER", "TIME_ORDER", *["TIER"] * 4, "LINGUISTIC_TYPE"]
    slots = {slot.get("TIME_SLOT_ID"): int(slot.get("TIME_VALUE")) for slot in root.iter("TIME_SLOT")}
    annotations = list(root.iter("ALIGNABLE_ANNOTATION"))
    assert len({one.get("ANNOTATION_ID") for one in annotations}) == len(annotations) == 8 and len(slots) == 16
    assert all(slots[one.get("TIME_SLOT_REF1")] < slots[one.get("TIME_SLOT_REF2")] for one in annotations)
    assert root.find("HEADER/PROPERTY").text == "8"


def test_eaf_links_the_recording_from_where_it_lies(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("m é").mkdir()
    soundfile.write("m é/x.wav", np.zeros(100), 8000)
    Path("out").mkdir()
    for source in ("m é/x.wav", "m é/x.wav#ch2"):
        root = ElementTree.parse(written("eaf", made(source), tmp_path / "out")).getroot()
        media = root.find("HEADER/MEDIA_DESCRIPTOR")
        assert media.get("RELATIVE_MEDIA_URL") == "./../m%20%C3%A9/x.wav" and media.get("MIME_TYPE") == "audio/x-wav"
    assert ElementTree.parse(written("eaf", made("<stdin>"), tmp_path)).find("HEADER/MEDIA_DESCRIPTOR") is None


def test_eaf_of_nothing_has_a_tier(tmp_path):
    root = ElementTree.parse(written("eaf", made(labels=()), tmp_path)).getroot()
    assert [tier.get("TIER_ID") for tier in root.iter("TIER")] == ["default"]


# --- Sonic Visualiser -----------------------------------------------------------------------------------------------


def regions(path: Path):
    """Regions in seconds, as Sonic Visualiser's reader takes them from a document: model -> dataset -> points."""
    assert path.read_text().splitlines()[1] == "<!DOCTYPE sonic-visualiser>"
    root = ElementTree.parse(path).getroot()
    (layer,) = root.iter("layer")
    (model,) = (one for one in root.iter("model") if one.get("id") == layer.get("model"))
    assert (model.get("type"), model.get("subtype"), model.get("dimensions")) == ("sparse", "region", "3")
    (dataset,) = (one for one in root.iter("dataset") if one.get("id") == model.get("dataset"))
    assert dataset.get("dimensions") == model.get("dimensions") and layer.get("type") == "regions"
    rate = int(model.get("sampleRate"))
    rows = [{name: point.get(name) for name in ("frame", "value", "duration", "label")} for point in dataset]
    assert all(re.fullmatch(r"\d+", row["frame"]) and re.fullmatch(r"\d+", row["duration"]) for row in rows)
    low, high = float(model.get("minimum")), float(model.get("maximum"))
    assert all(low <= float(row["value"]) <= high for row in rows)
    return rate, [
        (row["label"], int(row["frame"]) / rate, (int(row["frame"]) + int(row["duration"])) / rate) for row in rows
    ]


def test_svl_read_again_has_the_segments(tmp_path):
    recognition = made()
    rate, found = regions(written("svl", recognition, tmp_path))
    names = default_set().display
    assert rate == 44_100
    expected = sorted((names[one.label], one.start, one.end) for one in recognition.segments)
    assert [label for label, *_ in sorted(found)] == [label for label, *_ in expected]
    np.testing.assert_allclose([row[1:] for row in sorted(found)], [row[1:] for row in expected], atol=1 / rate)


def test_svl_counts_in_samples_of_the_recording(tmp_path):
    soundfile.write(tmp_path / "x.wav", np.zeros(4800), 48_000)
    rate, found = regions(written("svl", made(str(tmp_path / "x.wav")).only(["singer"]), tmp_path))
    assert rate == 48_000 and found == [("singer", 0, 4), ("singer", 8, pytest.approx(10.7, abs=1e-4))]
    (tmp_path / "bad.wav").write_text("no sound")
    assert regions(written("svl", made(str(tmp_path / "bad.wav")), tmp_path))[0] == 44_100


def test_annotations_without_links_look_for_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    soundfile.write("x.wav", np.zeros(100), 8000)
    options = WriterOptions(link_audio=False)
    assert regions(written("svl", made("x.wav"), tmp_path, options))[0] == 44_100
    assert ElementTree.parse(written("eaf", made("x.wav"), tmp_path, options)).find("HEADER/MEDIA_DESCRIPTOR") is None


@pytest.mark.parametrize("form", ["eaf", "svl"])
def test_xml_with_a_name_that_xml_forbids_is_read_again(form, tmp_path):
    label_set = default_set()
    named = replace(label_set, display={**label_set.display, "singer": 'a\x00<"&é'})
    root = ElementTree.parse(written(form, replace(made(), label_set=named), tmp_path)).getroot()
    attributes = {value for one in root.iter() for value in one.attrib.values()}
    assert 'a\ufffd<"&é' in attributes
