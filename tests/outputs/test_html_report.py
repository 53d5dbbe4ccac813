"""The HTML report: self-contained, escaped, its data those of the recordings; in a browser where there is one."""

import base64
import io
import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest

from organology.labels import LabelSet, default_set
from organology.outputs.html.audio import audio_link, url_between
from organology.outputs.html.parts import MOST_CELLS, activity_of, json_text, text
from organology.outputs.html.report import HtmlWriter
from organology.outputs.registry import WriterOptions, format_of, open_writer
from organology.recognition import Recognition
from sounds import tone, write

LABELS = default_set().labels
AXE = Path(__file__).parents[2] / "build" / "axe-core" / "axe.min.js"
"""Put there by `scripts/vendor_page.py`."""

EVIL = "<script>alert(1)</script> \"q\" 'a' &amp; </script><!--.ogg"


def recognition(source="a.wav", seconds=20.0, hop=1.0, seed=0, **kinds):
    starts = np.arange(0, max(seconds - 4, 0) + 1e-9, hop)
    ends = np.minimum(starts + 4, seconds)
    ends[-1] = seconds
    scores = np.random.default_rng(seed).random((len(starts), 15)).astype(np.float32)
    file_scores = scores.mean(axis=0)
    return Recognition(source, seconds, starts, ends, scores, file_scores, np.full(15, 0.5), hop, "tiny", **kinds)


class Page(HTMLParser):
    """Elements with attributes, and the text of scripts."""

    def __init__(self, content):
        super().__init__()
        self.elements, self.open, self.scripts, self.words = [], [], [], []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "input", "br", "link", "img"):
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        else:
            self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def recordings(self):
        return [json.loads(text) for text in self.scripts if text.startswith("{")]


def report(*recognitions, failures=(), **kinds):
    stream = io.StringIO()
    with HtmlWriter(stream, **kinds) as writer:
        for one in recognitions:
            writer.add(one)
        for failure in failures:
            writer.fail(*failure)
    return stream.getvalue()


def test_report_holds_every_recording_as_json():
    given = [recognition("a.wav", seed=1, notes=("silent",)), recognition("b/ü.wav", 3.0, seed=2)]
    page = Page(report(*given, failures=[("gone.mp3", "no such file")]))
    assert [one["recording"] for one in page.recordings] == [one.to_dict() for one in given]
    assert not page.open and len(page.all("article")) == 2
    labels = [attributes["data-labels"].split() for attributes in page.all("article")]
    assert labels == [one.instruments for one in given]
    words = " ".join(page.words)
    assert "gone.mp3" in words and "no such file" in words and "silent" in words and "ü.wav" in words


def test_report_with_timeline_holds_the_windows():
    given = recognition()
    assert Page(report(given, timeline=True)).recordings[0]["recording"] == given.to_dict(timeline=True)


def test_report_is_ascii_and_loads_nothing():
    content = report(recognition(EVIL), recognition("naïve/ünï\udcff.wav"), failures=[(EVIL, "reason <b>")])
    assert content.isascii()
    assert not re.search(r"""(https?:|url\(|@import|//[a-z])""", re.sub(r"^\s*//.*$", "", content, flags=re.MULTILINE))
    page = Page(content)
    names = {name for name, _ in page.elements}
    assert not names & {"link", "img", "iframe", "object", "embed", "base", "form"}
    assert not any(key.startswith("on") or key == "style" for _, attributes in page.elements for key in attributes)
    policy = next(one["content"] for one in page.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy and "unsafe" not in policy


def test_report_with_hostile_names_keeps_its_structure():
    plain, evil = (
        Page(report(recognition("a.ogg"), failures=[("b", "c")])),
        Page(report(recognition(EVIL), failures=[(EVIL, EVIL)])),
    )
    assert [tag for tag, _ in plain.elements if tag != "span"] == [tag for tag, _ in evil.elements if tag != "span"]
    assert evil.recordings[0]["recording"]["file"] == EVIL
    assert "alert(1)</script>" in "".join(evil.words)


def test_text_with_controls_shows_escapes():
    name = "a\udcff\n\x07.wav"
    page = Page(report(recognition(name)))
    assert page.recordings[0]["recording"]["file"] == name
    assert "a\\xff\\x0a\\x07.wav" in "".join(page.words)
    assert text("a\udcff<") == "a\\xff&lt;"


def test_json_text_in_a_script_element_cannot_end_it():
    value = {"a": "</script><!--&\u2028é\udcff"}
    assert json.loads(json_text(value)) == value and not set("<>&") & set(json_text(value))


@pytest.mark.parametrize(("seconds", "hop"), [(0.5, 1), (20, 1), (20, 0.1), (7200, 1)])
def test_activity_of_a_recording_is_that_of_the_page(seconds, hop):
    given = recognition(seconds=seconds, hop=hop)
    activity = activity_of(given)
    levels = np.frombuffer(base64.b64decode(activity["levels"]), np.uint8).reshape(15, activity["cells"])
    assert activity["cells"] <= MOST_CELLS
    assert activity["cells"] * activity["cell_seconds"] == pytest.approx(seconds, abs=activity["cell_seconds"])
    each = max(1, round(activity["cell_seconds"] / hop))
    expected = given.activity.scores[:each].mean(axis=0) * 255
    np.testing.assert_allclose(levels[:, 0], expected, atol=0.51)


def test_report_of_fewer_labels_and_of_read_json_is_complete():
    page = Page(report(recognition().only(["violin", "piano"])))
    found = page.recordings[0]
    assert len(found["recording"]["labels"]) == 2
    assert len(base64.b64decode(found["activity"]["levels"])) == 2 * found["activity"]["cells"]
    again = Recognition.from_json(recognition().to_json())
    activity = activity_of(again)
    assert activity["cells"] * activity["cell_seconds"] == pytest.approx(again.duration, rel=1e-3)


def test_report_of_long_recordings_stays_small():
    base = len(report())
    assert len(report(recognition(seconds=240))) - base < 25_000
    long = recognition(seconds=36_000)
    long = replace(long, scores=np.full_like(long.scores, 0.6))
    assert len(report(long)) - base < 15 * MOST_CELLS * 4 / 3 + 10_000


def test_report_of_another_set_has_its_tree_and_colors():
    tree = LabelSet(
        "tree", ("b_child", "a", "b"), parents={"b_child": "b"}, colors={"a": "#123456"}, display={"a": "<A>"}
    )
    one = recognition()
    columns = {name: getattr(one, name)[..., :3] for name in ("scores", "file_scores", "thresholds")}
    content = report(replace(one, **columns, labels=tree.labels, label_set=tree), label_set=tree)
    page = Page(content)
    (rows,) = [json.loads(text) for text in page.scripts if text.startswith("[")]
    assert [(row["label"], row["parent"], row["depth"]) for row in rows] == [
        ("a", None, 0),
        ("b", None, 0),
        ("b_child", "b", 1),
    ]
    assert len({row["kind"] for row in rows}) == 3 and "--color:#123456" in content and "<A>" not in content
    assert page.recordings[0]["recording"]["label_set"] == tree.to_dict()


def test_report_legend_stands_above_the_recordings():
    content = report(recognition())
    assert content.index('class="soft legend"') < content.index("<main>")


def test_report_after_an_error_has_no_end():
    stream = io.StringIO()
    with pytest.raises(RuntimeError), HtmlWriter(stream):
        raise RuntimeError
    assert "</html>" not in stream.getvalue()


def test_report_links_audio_relative_to_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    song = Path("music") / "50% #1? <b>'\"é.wav"
    song.parent.mkdir()
    write(song, tone(0.1))
    page = Page(report(recognition(str(song)), recognition("gone.wav"), recognition("<stdin>"), folder=Path("out/x")))
    (audio,) = page.all("audio")
    assert audio["src"].startswith("../../music/50%25%20%231%3F") and audio["preload"] == "none"
    assert (tmp_path / "out/x" / Path(unquote_to_bytes(audio["src"]).decode())).resolve() == (tmp_path / song).resolve()
    assert page.all("article")[0]["data-audio"] == audio["id"] and "data-audio" not in page.all("article")[1]


def test_html_format_links_from_where_the_page_lies(tmp_path):
    song = write(tmp_path / "a.wav", tone(0.1))
    page = tmp_path / "deep" / "er" / "report.html"
    with open_writer(format_of(page), page, WriterOptions(timeline=True)) as writer:
        writer.add(recognition(str(song)))
        assert not page.exists()
    assert Page(page.read_text()).all("audio")[0]["src"] == "../../a.wav"


def test_url_between_names_that_are_not_utf_8_is_percent_encoded():
    assert url_between(Path(), Path("a\udcff b.ogg")) == "a%FF%20b.ogg"


def test_report_of_channels_shares_the_audio_of_their_file(tmp_path):
    song = write(tmp_path / "a.wav", tone(0.1, channels=2))
    content = report(*(recognition(f"{song}#ch{i}") for i in (1, 2)), folder=tmp_path, embed_audio=True)
    page = Page(content)
    (audio,) = page.all("audio")
    assert base64.b64decode(audio["src"].removeprefix("data:audio/wav;base64,")) == song.read_bytes()
    assert {one["data-audio"] for one in page.all("article")} == {audio["id"]}


def test_report_with_audio_too_large_to_embed_links_it(tmp_path):
    song = write(tmp_path / "a.wav", tone(0.2))
    other = write(tmp_path / "b.wav", tone(0.2))
    content = report(recognition(str(song)), folder=tmp_path, embed_audio=True, embed_bytes=1000)
    assert Page(content).all("audio")[0]["src"] == "a.wav" and "linked, not embedded" in content
    size = song.stat().st_size
    page = Page(
        report(
            *map(recognition, (str(song), str(other))), folder=tmp_path, embed_audio=True, embed_total_bytes=size + 1
        )
    )
    assert [one["src"][:5] for one in page.all("audio")] == ["data:", "b.wav"]
    assert audio_link(str(tmp_path), tmp_path) is None


def chromium():
    """A browser, or the test is skipped."""
    api = pytest.importorskip("playwright.sync_api")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium here")
    return api.sync_playwright(), found


def until(page, condition):
    """Wait; the page's policy forbids what playwright's own waiting does."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(condition)


def test_report_in_a_browser_plays_and_seeks(tmp_path):
    play, found = chromium()
    names = [f"{EVIL.replace('/', '')[:40]}.wav", "b.wav"]
    for name in names:
        write(tmp_path / name, tone(20.0, rate=8000), 8000)
    page_path = tmp_path / "report.html"
    given = [recognition(str(tmp_path / name), seed=i) for i, name in enumerate(names)]
    far = [recognition(f"far {i}.wav", seed=i) for i in range(60)]
    page_path.write_text(report(*given, *far, folder=tmp_path, failures=[("gone.wav", "no such file")]))
    with play as api:
        browser = api.chromium.launch(executable_path=found, args=["--no-sandbox", "--mute-audio"])
        page = browser.new_page(viewport={"width": 1000, "height": 700})
        requests, errors = [], []
        page.on("request", lambda one: requests.append(one.url))
        page.on("console", lambda one: errors.append(one.text))
        page.on("pageerror", lambda one: errors.append(str(one)))
        page.goto(page_path.as_uri())
        first = page.locator("#r1")
        first.locator("tr.family").first.wait_for()
        assert page.locator(".grid").count() < 20  # the others are drawn when they come near
        assert first.locator("tbody tr").count() == len(LABELS)

        seek = first.locator(".seek")
        box = seek.bounding_box()
        seek.click(position={"x": box["width"] / 2, "y": 40})
        until(page, "Math.abs(document.getElementById('a1').currentTime - 10) < 0.2")
        assert float(seek.get_attribute("aria-valuenow")) == pytest.approx(10, abs=0.2)
        page.keyboard.press("ArrowRight")
        until(page, "Math.abs(document.getElementById('a1').currentTime - 15) < 0.3")
        page.keyboard.press(" ")
        until(page, "!document.getElementById('a1').paused")
        page.locator("#r2 .play").click()
        until(page, "document.getElementById('a1').paused && !document.getElementById('a2').paused")
        page.keyboard.press(" ")
        until(page, "document.getElementById('a2').paused")

        page.fill("#find", "far 33")
        assert page.locator(".rec:not([hidden])").count() == 1
        page.fill("#find", "")
        page.select_option("#order", "violin")
        shown = page.eval_on_selector_all(".rec", "all => all.map(one => one.id)")
        scores = {f"r{i}": one.score("violin") for i, one in enumerate([*given, *far], 1)}
        assert [scores[one] for one in shown] == sorted(scores.values(), reverse=True)
        assert page.title() == "Which instruments play, and when" and not errors
        assert all(one.startswith(tmp_path.as_uri()) for one in requests)

        plain = browser.new_context(java_script_enabled=False).new_page()
        plain.goto(page_path.as_uri())
        assert plain.locator("#r1 table.plain tbody tr").count() == len(LABELS)
        assert plain.locator("#r1 audio").is_visible()
        browser.close()


@pytest.mark.skipif(not AXE.exists(), reason="needs axe-core: scripts/vendor_page.py")
@pytest.mark.parametrize("width", [1000, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_report_in_a_browser_is_accessible_and_fits(tmp_path, width, scheme):
    play, found = chromium()
    given = [recognition(f"{'a long folder/' * 6}{name}.wav", seed=i) for i, name in enumerate("abc")]
    (tmp_path / "report.html").write_text(report(*given, folder=tmp_path, failures=[("gone.wav", "no such file")]))
    with play as api:
        browser = api.chromium.launch(executable_path=found, args=["--no-sandbox"])
        # axe is a script from elsewhere, which the page itself would not let in.
        page = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
        ).new_page()
        page.goto((tmp_path / "report.html").as_uri())
        page.locator("#r1 tr.family").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for name in page.locator(".rec h2").all():
            assert name.evaluate("one => one.scrollWidth <= one.clientWidth")  # whole names
        page.evaluate(AXE.read_text())
        violations = page.evaluate("axe.run()")["violations"]
        browser.close()
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in violations] == []
