"""The page, end to end in a headless browser: with the model on the server, and in the browser without one."""

import contextlib
import csv
import functools
import http.server
import io
import json
import re
import threading
from pathlib import Path

import numpy as np
import pytest

from organology import Recognition, Recognizer
from organology.batch.job import Job, run
from organology.serving.page import static as static_page
from organology.serving.page.runtime import RUNTIME_FOLDER
from serving.browser import chromium
from serving.conftest import EXAMPLES, serving

ROOT = Path(__file__).parents[2]
RUNTIME = ROOT / RUNTIME_FOLDER
AXE = ROOT / "build" / "axe-core" / "axe.min.js"
NAMES = ("attic-duo", "courtyard-quartet", "mutilated-mime", "rooftop-band", "vocadito-14")
SECONDS = 120_000  # milliseconds: the machine may be busy
EDGE_SECONDS = 0.101  # a cell


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@contextlib.contextmanager
def static_host(folder):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "lib.db"
    assert run(Job(paths=[str(EXAMPLES)], store=path, output=path.with_name("x.csv"), format="csv", jobs=1)) == 0
    return path


@pytest.fixture(scope="module", params=["server", "static"])
def place(request, browser, tmp_path_factory):
    """The address of the page, and which it is."""
    if request.param == "server":
        with serving(store=request.getfixturevalue("store")) as port:
            yield f"http://127.0.0.1:{port}/", "server"
        return
    if not RUNTIME.is_dir():
        pytest.skip("onnxruntime-web is not here: scripts/vendor_page.py")
    folder = tmp_path_factory.mktemp("page")
    static_page.build(folder, RUNTIME)
    with static_host(folder) as port:
        yield f"http://127.0.0.1:{port}/", "static"


@pytest.fixture
def page(browser, place):
    """The page, open; it makes no request to another host and no error."""
    context = browser.new_context(viewport={"width": 1100, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(SECONDS)
    problems = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    # An answer that is an error, as 415, shows in the console by itself.
    opened.on(
        "console",
        lambda message: (
            problems.append(message.text) if message.type == "error" and "status of 4" not in message.text else None
        ),
    )
    allowed = (place[0], "blob:", "data:")
    opened.on("request", lambda one: None if one.url.startswith(allowed) else problems.append(one.url))
    opened.goto(place[0])
    opened.locator("html.ready").wait_for()
    yield opened
    context.close()
    assert problems == []


def drop(page, *names):
    before = page.locator(".rec .grid").count()
    page.set_input_files("#files", [EXAMPLES / f"{name}.ogg" for name in names])
    page.locator(".rec .grid").nth(before + len(names) - 1).wait_for()


def playing(page, name):
    """The labels that a recording shows as playing."""
    rows = page.locator(".rec", has=page.get_by_role("heading", name=f"{name}.ogg")).locator(
        "tbody tr[data-label]:not(.idle)"
    )
    return set(rows.evaluate_all("rows => rows.map((row) => row.dataset.label)"))


def download(page, form, i=0):
    menu = page.locator(".rec .menu").nth(i)
    menu.locator("summary").click()
    with page.expect_download() as waiting:
        menu.locator(f"button[data-format={form}]").click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def assert_same_segments(found, python):
    """The same labels, edges within a cell."""
    assert [one.label for one in found.segments] == [one.label for one in python.segments]
    for side in ("start", "end"):
        edges = [[getattr(one, side) for one in of.segments] for of in (found, python)]
        np.testing.assert_allclose(*edges, atol=EDGE_SECONDS)


@pytest.fixture(scope="module")
def expected():
    recognizer = Recognizer(threads=1)
    return {name: recognizer.recognize(EXAMPLES / f"{name}.ogg") for name in NAMES}


def test_labels_scores_and_segments_equal_pythons(page, expected):
    drop(page, *NAMES)
    for i, name in enumerate(NAMES):
        python = expected[name]
        assert playing(page, name) == set(python.instruments)
        found = Recognition.from_json(download(page, "json", i)[1].decode())
        np.testing.assert_allclose(found.scores, python.scores, atol=1e-3)
        np.testing.assert_allclose(found.file_scores, python.file_scores, atol=1e-3)
        np.testing.assert_allclose(found.starts, python.starts, atol=1e-5)
        np.testing.assert_allclose(found.ends, python.ends, atol=1e-5)
        np.testing.assert_allclose(found.frame_scores, python.frame_scores, atol=0.03)  # a step of the logits
        assert_same_segments(found, python)


def test_dropped_file_is_recognized(page):
    content = list((EXAMPLES / "vocadito-14.ogg").read_bytes())
    page.locator("#drop").evaluate(
        """(drop, content) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(content)], "vocadito-14.ogg"));
          drop.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }""",
        content,
    )
    page.locator(".rec .grid").wait_for()
    assert {"voice", "singer"} <= playing(page, "vocadito-14")


def test_file_that_is_not_audio_costs_one_line(page, tmp_path):
    path = tmp_path / "letter.ogg"
    path.write_text("not sound")
    page.set_input_files("#files", path)
    note = page.locator(".rec .note")
    note.wait_for()
    assert "decode" in note.text_content()
    drop(page, "vocadito-14")  # the page goes on


def test_every_download_can_be_read_back(page, expected):
    drop(page, "attic-duo")
    python = expected["attic-duo"]
    name, content = download(page, "csv")
    assert name == "attic-duo.ogg.csv"
    (row,) = csv.DictReader(io.StringIO(content.decode()))
    np.testing.assert_allclose([float(row[label]) for label in python.labels], python.file_scores, atol=1e-3)
    rows = list(csv.DictReader(io.StringIO(download(page, "segments")[1].decode())))
    assert [row["label"] for row in rows] == [one.label for one in python.segments]
    starts = [one.start for one in python.segments]
    np.testing.assert_allclose([float(row["start"]) for row in rows], starts, atol=EDGE_SECONDS)
    name, content = download(page, "audacity")
    assert name == "attic-duo.ogg.labels.txt"
    names = python.label_set.display
    lines = [line.split("\t") for line in content.decode().splitlines()]
    assert sorted(name for _, _, name in lines) == sorted(names[one.label] for one in python.segments)
    ends = sorted(one.end for one in python.segments)
    np.testing.assert_allclose(sorted(float(end) for _, end, _ in lines), ends, atol=EDGE_SECONDS)
    document = json.loads(download(page, "jams")[1])
    tags = next(one for one in document["annotations"] if one["namespace"] == "tag_open")
    assert [one["value"] for one in tags["data"]] == python.instruments
    jams = pytest.importorskip("jams")
    jams.JAMS(**document).validate()


def test_picture_is_a_png(page):
    drop(page, "attic-duo")
    name, content = download(page, "png")
    assert name == "attic-duo.ogg.timeline.png"
    assert content.startswith(b"\x89PNG")
    assert len(content) > 10_000


def test_downloaded_report_opens_and_plays(page, browser, tmp_path):
    drop(page, "attic-duo")
    _, content = download(page, "html")
    path = tmp_path / "report.html"
    path.write_bytes(content)
    assert content.isascii()
    context = browser.new_context()
    report = context.new_page()
    problems = []
    report.on("console", lambda message: problems.append(message.text))
    report.goto(path.as_uri())
    report.locator(".rec .grid").wait_for()
    assert report.locator("tbody tr[data-label=violin]:not(.idle)").count() == 1
    report.locator(".play").click()
    report.locator(".play[aria-pressed=true]").wait_for()
    context.close()
    assert problems == []


def test_click_seeks_and_the_player_follows(page):
    drop(page, "rooftop-band")
    seek = page.locator(".rec .seek")
    box = seek.bounding_box()
    seek.click(position={"x": box["width"] / 2, "y": 20})
    page.wait_for_timeout(300)
    assert page.locator(".rec audio").evaluate("one => one.currentTime") == pytest.approx(11, abs=0.3)
    page.locator(".rec .play").click()
    page.locator(".rec .play[aria-pressed=true]").wait_for()
    page.wait_for_timeout(1200)
    assert float(seek.get_attribute("aria-valuenow")) > 11.3
    page.keyboard.press("Tab")
    seek.focus()
    page.keyboard.press("Home")
    assert float(seek.get_attribute("aria-valuenow")) < 2


def test_threshold_slider_recolors_at_once(page, expected):
    drop(page, "attic-duo")
    before = playing(page, "attic-duo")
    page.locator("#threshold").fill("3")
    strict = playing(page, "attic-duo")
    page.locator("#threshold").fill("-3")
    loose = playing(page, "attic-duo")
    found = Recognition.from_json(download(page, "json")[1].decode())
    assert strict < before < loose
    python = expected["attic-duo"]
    logits = np.log(python.thresholds / (1 - python.thresholds)) - 3
    moved = python.refined(1 / (1 + np.exp(-logits)))
    assert loose == set(moved.instruments)
    assert_same_segments(found, moved)
    assert len(moved.segments) > len(python.segments)
    page.locator("#threshold").fill("0")
    assert playing(page, "attic-duo") == before


@pytest.mark.parametrize("preset", ["strict", "sensitive"])
def test_presets_are_pythons(page, expected, preset):
    drop(page, "attic-duo")
    page.locator("#presets").select_option(preset)
    found = Recognition.from_json(download(page, "json")[1].decode())
    python = expected["attic-duo"].refined(preset)
    assert playing(page, "attic-duo") == set(python.instruments)
    np.testing.assert_allclose(found.thresholds, python.thresholds, atol=1e-6)
    assert_same_segments(found, python)


def test_tentative_labels_are_shown_when_asked_for(page):
    python = Recognizer(threads=1, labels="all").recognize(EXAMPLES / "courtyard-quartet.ogg")
    drop(page, "courtyard-quartet")
    rows = page.locator(".rec tbody tr")
    assert rows.count() == len(Recognizer(threads=1).label_set)
    assert page.locator("#labels .tentative:visible").count() == 0
    page.locator("#tentative").check()
    page.locator(".rec tr[data-label=viola]").wait_for(state="attached")
    assert rows.count() == len(python.labels)
    found = Recognition.from_json(download(page, "json")[1].decode())
    assert found.labels == python.labels
    assert found.instruments == python.instruments
    np.testing.assert_allclose(found.scores, python.scores, atol=1e-3)
    np.testing.assert_allclose(found.file_scores, python.file_scores, atol=1e-3)
    assert_same_segments(found, python)
    page.locator("#tentative").uncheck()
    assert rows.count() == len(Recognizer(threads=1).label_set)


def test_label_can_be_switched_off(page):
    drop(page, "attic-duo")
    row = page.locator(".rec tr[data-label=violin]")
    assert row.is_visible()
    page.locator("#labels button[data-label=violin]").click()
    assert not row.is_visible()
    assert "violin" not in download(page, "csv")[1].decode()
    page.locator("#labels button[data-label=violin]").click()
    assert row.is_visible()


def test_microphone_is_recorded_and_heard(page):
    page.locator("#record").click()
    page.wait_for_timeout(1500)
    page.locator("#record").click()
    page.locator(".rec .grid").wait_for()
    assert re.match(r"recording 1\.", page.locator(".rec h2").text_content())
    page.locator("#live").click()
    page.locator("#live-now:not(:empty)").wait_for()
    with Recognizer() as recognizer:
        about = recognizer.metadata
    limits = f"{100 * about.thresholds[0]:g}", f"{100 * about.presets['strict'][0]:g}"
    page.locator(f"#live-meters u[style*='left: {limits[0]}%']").first.wait_for(state="attached")
    page.locator("#presets").select_option("strict")  # live follows it
    page.locator(f"#live-meters u[style*='left: {limits[1]}%']").first.wait_for(state="attached")
    page.locator("#live").click()
    assert page.locator("#live-panel").is_hidden()


def test_removed_recording_is_gone(page):
    drop(page, "vocadito-14")
    page.get_by_role("button", name="Remove vocadito-14.ogg").click()
    assert page.locator(".rec").count() == 0
    assert page.locator("#tools").is_hidden()


def test_page_is_accessible_and_fits(page):
    drop(page, "attic-duo", "vocadito-14")
    for width in (1100, 360):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 700})
            page.wait_for_timeout(300)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            if AXE.exists():  # scripts/vendor_page.py
                page.evaluate(AXE.read_text())
                violations = page.evaluate("axe.run()")["violations"]
                assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in violations] == []


def test_page_can_be_used_with_keys_alone(page):
    drop(page, "attic-duo")
    reached = set()
    page.evaluate("document.activeElement.blur()")
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert {"files", "record", "threshold", "all", "play", "seek", "act"} <= reached


def test_library_finds_and_shows(page, place, expected):
    if place[1] == "static":
        assert page.locator("#library").is_hidden()
        return
    page.locator("#query").fill("violin and not drums")
    page.locator("#search button").click()
    page.get_by_text("2 recordings", exact=True).wait_for()
    page.locator("#found button").first.click()
    page.locator(".rec .grid").wait_for()
    assert page.locator(".rec h2").text_content() == "attic-duo.ogg"
    assert_same_segments(Recognition.from_json(download(page, "json")[1].decode()), expected["attic-duo"])
    page.locator("#query").fill("violin and (")
    assert page.locator(".rec .play").count() == 0  # no audio: the server reads none of its files


def test_static_page_works_without_a_network(page, place, expected):
    if place[1] == "server":
        pytest.skip("the model is on the server")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_timeout(500)
    page.context.set_offline(True)
    page.reload()
    page.locator("html.ready").wait_for()
    drop(page, "vocadito-14")
    found = Recognition.from_json(download(page, "json")[1].decode())
    assert playing(page, "vocadito-14") == set(expected["vocadito-14"].instruments)
    assert_same_segments(found, expected["vocadito-14"])


def test_token_is_asked_for_and_remembered(browser):
    with serving(token="secret") as port:
        context = browser.new_context()
        opened = context.new_page()
        opened.set_default_timeout(SECONDS)
        opened.goto(f"http://127.0.0.1:{port}/")
        opened.locator("#token").fill("secret")
        opened.locator("#token-dialog button").click()
        opened.locator("html.ready").wait_for()
        drop(opened, "vocadito-14")
        opened.reload()
        opened.locator("html.ready").wait_for()
        context.close()
