"""The page's own rules against Python's, in node: pooling, segments, thresholds, formats, resampling."""

import base64
import importlib.util
import json
import shutil
import subprocess
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import soxr

from organology import Recognition
from organology.labels import default_set
from organology.model_metadata import FrameSettings
from organology.outputs.html.parts import activity_of
from organology.recognition.frame_grid import FrameGrid, LevelMeter
from organology.recognition.frames import Frames
from organology.recognition.interop import jams_plain, to_audacity
from organology.recognition.pooling import pool
from organology.recognition.segments import SegmentSettings

PAGE = Path(str(resources.files("organology.serving.page") / "assets"))
POOLINGS = ("top_stretch", "top_mean", "mean", "max", "noisy_or")


def node(module, code, given):
    """What code gives that may use a module `m` and the value `given`."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("no node here")
    script = (
        f"import * as m from {json.dumps((PAGE / module).as_uri())};\n"
        "let text = ''; for await (const piece of process.stdin) text += piece;\n"
        "const given = JSON.parse(text);\n"
        f"process.stdout.write(JSON.stringify(await (async () => {{ {code} }})()));"
    )
    result = subprocess.run(
        [program, "--input-type=module", "--eval", script],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def recognition(n=40, seed=0, hop=1.0, **settings):
    """Scores that come and go, some windows silent, as a recognition."""
    labels = default_set()
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, 1.2, (n, len(labels))), axis=0) + rng.normal(-1, 2, len(labels))
    scores = labels.raise_parents((1 / (1 + np.exp(-walk))).astype(np.float32))
    scores[rng.random(n) < 0.1] = 0
    starts = np.arange(n) * hop
    ends = np.minimum(starts + 4, n * hop + 2.5)
    ends[-1] = n * hop + 2.5
    return Recognition(
        '=1 "x", é.wav',
        float(ends[-1]),
        starts,
        ends,
        scores,
        scores.max(axis=0),
        rng.uniform(0.2, 0.8, len(labels)),
        hop,
        "m",
        notes=("a note",),
        segment_settings=SegmentSettings(**settings),
    )


def with_frames(found, seed=0, **settings):
    """The same with frames: they come and go in steps, and some cells are silent."""
    rng = np.random.default_rng(seed)
    n, labels = int(found.duration / 0.32) + 1, found.label_set
    walk = np.cumsum(rng.normal(0, 0.8, (n, len(labels))), axis=0) + rng.normal(-1, 2, len(labels))
    levels = np.repeat(rng.uniform(-90, 0, 100), int(found.duration / 10) + 1)[: int(np.ceil(found.duration * 10))]
    shifts = tuple(rng.normal(0, 0.5, len(labels)).round(3).tolist())
    scores = labels.raise_parents(1 / (1 + np.exp(-walk)))
    frames = Frames.of_scores(FrameSettings(shifts, shifts[::-1], **settings), scores, levels)
    return replace(found, frames=frames, segment_settings=SegmentSettings())


def labels_of(found):
    parents = found.label_set.parents
    return [{"label": label, "parent": parents.get(label)} for label in found.labels]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("hop", "settings"), [(1.0, {}), (0.5, {"min_seconds": 2, "max_gap_seconds": 3}), (6.0, {})])
def test_segments_and_thresholds_are_pythons(seed, hop, settings):
    found = recognition(seed=seed, hop=hop, **settings)
    thresholds = {label: 0.1 * (i % 9) + 0.05 for i, label in enumerate(found.labels)}
    given = {"one": found.to_dict(timeline=True, decimals=None), "labels": labels_of(found), "thresholds": thresholds}
    _assert_same_with_thresholds(found, given)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("settings", [{}, {"median_seconds": 0, "min_seconds": 0.3}, {"low_logits": 0.5}])
def test_segments_of_frames_are_pythons(seed, settings):
    found = with_frames(recognition(seed=seed, hop=1.92), seed, **settings)
    if "low_logits" in settings:
        found = found.refined(settings=SegmentSettings(low_ratio=0.6))
    thresholds = {label: 0.1 * (i % 9) + 0.05 for i, label in enumerate(found.labels)}
    given = {"one": found.to_dict(timeline=True, decimals=None), "labels": labels_of(found), "thresholds": thresholds}
    assert found.segments
    _assert_same_with_thresholds(found, given)


def _assert_same_with_thresholds(found, given):
    code = """
        const one = m.received(given.one), over = m.overTime(one);
        const plain = (limits) => m.given(m.withThresholds(one, over, given.labels, limits), (x) => x);
        return [plain({}), plain(given.thresholds)];
    """
    thresholds = given["thresholds"]
    for python, values in zip((found, found.refined(thresholds)), node("recognition.js", code, given), strict=True):
        page = Recognition.from_dict(values)
        assert page.instruments == python.instruments
        assert [(one.label, one.start, one.end) for one in page.segments] == [
            (one.label, one.start, one.end) for one in python.segments
        ]
        np.testing.assert_allclose(
            [one.score for one in page.segments], [one.score for one in python.segments], atol=1e-6
        )


@pytest.mark.parametrize("frames", [False, True])
def test_what_is_drawn_is_pythons(frames):
    found = with_frames(recognition(90, hop=1.92)) if frames else recognition(90)
    code = """
        const { levels, ...rest } = m.drawn(m.overTime(m.received(given)));
        return { ...rest, levels: Array.from(levels) };
    """
    drawn, python = node("recognition.js", code, found.to_dict(timeline=True, decimals=None)), activity_of(found)
    assert drawn["cells"] == python["cells"]
    assert drawn["cell_seconds"] == pytest.approx(python["cell_seconds"])
    levels = np.frombuffer(base64.b64decode(python["levels"]), np.uint8).astype(int)
    assert np.abs(np.array(drawn["levels"]) - levels).max() <= 1  # rounding


@pytest.mark.parametrize("seconds", [0.05, 1.3, 4.0, 21.7])
def test_grid_of_frames_is_pythons(seconds):
    rng = np.random.default_rng(0)
    rate, total, size, hop = 32_000, round(seconds * 32_000), 4 * 32_000, round(1.92 * 32_000)
    starts = [*range(0, total - size + 1, hop)] if total >= size else [0]
    if total >= size and starts[-1] + size < total:
        starts.append(total - size)
    settings = FrameSettings((0.0,) * 3, (0.0,) * 3)
    grid = FrameGrid(settings, rate, 3)
    windows = []
    for i, start in enumerate(starts):
        scores = None if i % 4 == 3 else rng.random((13, 3)).astype(np.float32)
        grid.add(start, min(start + size, total), scores)
        given = None if scores is None else scores.ravel().tolist()
        windows.append({"place": [start, min(start + size, total)], "frames": given})
    code = "return Array.from(m.gridOf(given.windows, { seconds: 0.32 }, 3, 32000));"
    python = grid.frames(np.zeros(1, np.uint8)).logits
    page = np.array(node("frames.js", code, {"windows": windows})).reshape(-1, 3)
    assert page.shape == python.shape
    assert np.abs(page - python.astype(int)).max() <= 1  # a step where rounding differs
    assert (page == python).mean() > 0.99


@pytest.mark.parametrize("n", [0, 1, 3199, 3200, 3201, 50_000])
def test_levels_are_pythons(n):
    samples = (np.random.default_rng(0).normal(0, 0.1, n) * np.linspace(0, 1, n)).astype(np.float32)
    meter = LevelMeter(32_000)
    for _ in meter.measured(np.array_split(samples, 7)):
        pass
    page = node("frames.js", "return Array.from(m.levelsOf(Float32Array.from(given), 32000));", samples.tolist())
    assert page == meter.levels().tolist()


@pytest.mark.parametrize("n", [1, 3, 40])
def test_pooling_is_pythons(n):
    found = recognition(n)
    given = {"scores": found.scores.tolist(), "starts": found.starts.tolist(), "ends": found.ends.tolist()}
    code = f"return {json.dumps(POOLINGS)}.map((how) => m.pool(given.scores, how, given.starts, given.ends));"
    for how, values in zip(POOLINGS, node("recognition.js", code, given), strict=True):
        np.testing.assert_allclose(values, pool(found.scores, how, found.starts, found.ends), atol=1e-6, err_msg=how)


@pytest.mark.parametrize("frames", [False, True])
def test_texts_are_pythons(frames):
    found = with_frames(recognition()) if frames else recognition()
    given = {"schema": "organology.recognition", "version": 1, **found.to_dict(timeline=True, decimals=None)}
    code = f"""
        const {{ received }} = await import({json.dumps((PAGE / "recognition.js").as_uri())});
        const recording = received(given);
        return Object.fromEntries(Object.entries(m.FORMATS).map(([name, one]) => [name, one.write(recording, '0')]));
    """
    texts = node("formats.js", code, given)
    assert texts["audacity"] == to_audacity(found)
    page = Recognition.from_json(texts["json"])
    assert page.to_dict(timeline=True) == found.to_dict(timeline=True)
    document, python = json.loads(texts["jams"]), jams_plain(found)
    for one in (*document["annotations"], *python["annotations"]):
        one["annotation_metadata"].pop("annotation_tools")
    assert document == python
    from organology.outputs.registry import WriterOptions, open_writer

    for name in ("csv", "segments"):
        assert texts[name] == _written(open_writer, WriterOptions, name, found)


def test_numbers_are_pythons():
    numbers = [
        0,
        1,
        0.1,
        0.123456789,
        0.0001,
        0.000099999949,
        0.0000999999949,
        9.5725e-6,
        1e-7,
        123456.4,
        999999.6,
        1234567,
        -2.5e-9,
    ]
    assert node("formats.js", "return given.map(m.number);", numbers) == [format(float(one), ".6g") for one in numbers]


def _written(open_writer, options, name, found):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.csv")
        with open_writer(name, path, options()) as writer:
            writer.add(found)
        return path.read_text("utf-8")


@pytest.mark.parametrize("rate", [8000, 22_050, 44_100, 48_000, 96_000])
def test_resampling_is_soxrs(rate):
    rng = np.random.default_rng(0)
    t = np.arange(rate // 2) / rate
    samples = sum(0.1 * np.sin(2 * np.pi * f * t) for f in (50, 997, 3500) if f < rate / 2.3)
    samples = (samples + 0.05 * soxr.resample(rng.standard_normal(4000), 8000, rate)[: len(t)]).astype(np.float32)
    given = {"bytes": base64.b64encode(samples.tobytes()).decode(), "rate": rate}
    code = """
        const bytes = Uint8Array.from(atob(given.bytes), (one) => one.charCodeAt(0));
        return Array.from(m.resample(new Float32Array(bytes.buffer), given.rate, 32000));
    """
    page = np.array(node("resample.js", code, given))
    python = soxr.resample(samples, rate, 32_000)
    assert len(page) == len(python)
    middle = slice(1000, -1000)
    assert np.abs(page - python)[middle].max() < 1e-3  # noise in the transition band is the largest part of it


def test_rates_of_files_are_seen():
    script = Path(__file__).parents[2] / "benchmarks" / "fuzz.py"
    if not script.exists():
        pytest.skip("benchmarks/ is not here")
    spec = importlib.util.spec_from_file_location("fuzz", script)
    fuzz = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fuzz)
    files = [(suffix, base64.b64encode(content).decode()) for suffix, content in fuzz.sound_files(0.2)]
    code = """
        return given.map(([suffix, text]) => [
          suffix, m.rateOf(Uint8Array.from(atob(text), (one) => one.charCodeAt(0))),
        ]);
    """
    found = node("resample.js", code, files)
    assert all(rate in (48_000, None) for _, rate in found), found
    seen = {suffix for suffix, rate in found if rate}
    assert {"wav", "flac", "ogg", "mp3", "m4a"} <= seen


def test_no_bytes_break_the_search_for_a_rate():
    rng = np.random.default_rng(0)
    heads = [b"", b"RIFF", b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b"\0\0\0\x20ftyp", b"OggS" + b"\x01vorbis"]
    files = [base64.b64encode(head + rng.bytes(n)).decode() for head in heads for n in (0, 1, 5, 40, 400)]
    code = """
        return given.map((text) => m.rateOf(Uint8Array.from(atob(text), (one) => one.charCodeAt(0))));
    """
    assert len(node("resample.js", code, files)) == len(files)
