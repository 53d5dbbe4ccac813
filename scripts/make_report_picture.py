#!/usr/bin/env python3
"""Take docs/images/report.png: the HTML report of the recordings in `examples`, the first of them playing.

pip install playwright && apt install chromium
python scripts/make_report_picture.py
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from typer.testing import CliRunner

from organology.cli import command_line

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "report.png"
MOST_BYTES = 300_000
CURSOR_SECONDS = 10.6  # the middle is at 10.5


def write_report(page: Path) -> None:
    """The report of all examples, with their audio in it."""
    with contextlib.chdir(ROOT):
        result = CliRunner().invoke(command_line(), ["recognize", "examples", "-o", str(page), "--embed-audio"])
    if result.exit_code:
        raise SystemExit(f"organology recognize examples: {result.exception}")


def play(page: Page) -> None:
    """Play the first recording from its middle, so slowly that the cursor stands while the picture is taken."""
    seek = page.locator("#r1 .seek")
    seek.wait_for()
    box = seek.bounding_box()
    assert box is not None
    seek.click(position={"x": box["width"] / 2, "y": 40})
    page.mouse.move(1, 1)  # the pointer has a cursor of its own
    page.evaluate("document.getElementById('a1').playbackRate = 0.1")
    page.keyboard.press(" ")
    for _ in range(200):
        page.wait_for_timeout(50)  # the page's policy forbids what playwright's own waiting does
        if page.evaluate(f"document.getElementById('a1').currentTime >= {CURSOR_SECONDS}"):
            return
    raise SystemExit("the first recording does not play")


def main() -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise SystemExit("no Chromium here")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as api:
        report, picture = Path(folder) / "report.html", Path(folder) / "report.png"
        write_report(report)
        browser = api.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--mute-audio"])
        page = browser.new_page(viewport={"width": 1120, "height": 930}, device_scale_factor=1.5)
        page.goto(report.as_uri())
        play(page)
        page.screenshot(path=picture)
        browser.close()
        size = picture.stat().st_size
        if size >= MOST_BYTES:
            raise SystemExit(f"the picture has {size} bytes, {MOST_BYTES} are the most")
        shutil.copyfile(picture, PICTURE)
    print(f"{PICTURE.relative_to(ROOT)}: {size} bytes")


if __name__ == "__main__":
    main()
