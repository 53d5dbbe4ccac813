"""The page's own rules against Python's, in node: pooling, segments, thresholds, formats, resampling."""

import base64
import importlib.util
import json
import shutil
import subprocess
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import soxr

from organology import Recognition
from organology.labels import default_set
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


def labels_of(found):
    parents = found.label_set.parents
    return [{"label": label, "parent": parents.get(label)} for label in found.labels]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("hop", "settings"), [(1.0, {}), (0.5, {"min_seconds": 2, "max_gap_seconds": 3}), (6.0, {})])
def test_segments_and_thresholds_are_pythons(seed, hop, settings):
    found = recognition(seed=seed, hop=hop, **settings)
    thresholds = {label: 0.1 * (i % 9) + 0.05 for i, label in enumerate(found.labels)}
    given = {"one": found.to_dict(timeline=True, decimals=None), "labels": labels_of(found), "thresholds": thresholds}
    code = """
        const over = m.activity(given.one.windows, given.labels.length, given.one.hop_seconds);
        return [{}, given.thresholds].map((one) => m.withThresholds(given.one, over, given.labels, one));
    """
    for python, values in zip((found, found.refined(thresholds)), node("recognition.js", code, given), strict=True):
        page = Recognition.from_dict(values)
        assert page.instruments == python.instruments
        assert [(one.label, one.start, one.end) for one in page.segments] == [
            (one.label, one.start, one.end) for one in python.segments
        ]
        np.testing.assert_allclose(
            [one.score for one in page.segments], [one.score for one in python.segments], atol=1e-6
        )


@pytest.mark.parametrize("n", [1, 3, 40])
def test_pooling_is_pythons(n):
    found = recognition(n)
    given = {"scores": found.scores.tolist(), "starts": found.starts.tolist(), "ends": found.ends.tolist()}
    code = f"return {json.dumps(POOLINGS)}.map((how) => m.pool(given.scores, how, given.starts, given.ends));"
    for how, values in zip(POOLINGS, node("recognition.js", code, given), strict=True):
        np.testing.assert_allclose(values, pool(found.scores, how, found.starts, found.ends), atol=1e-6, err_msg=how)


def test_texts_are_pythons():
    found = recognition()
    given = {"schema": "organology.recognition", "version": 1, **found.to_dict(timeline=True, decimals=None)}
    code = "return Object.fromEntries(Object.entries(m.FORMATS).map(([name, one]) => [name, one.write(given, '0')]));"
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
