#!/usr/bin/env python3
"""Take docs/images/page.png and page-phone.png: the page of `organology serve` with recordings of `examples`.

pip install playwright && apt install chromium
python scripts/make_page_pictures.py
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
IMAGES = ROOT / "docs" / "images"
NAMES = ("attic-duo", "rooftop-band", "vocadito-14")


@contextlib.contextmanager
def served(store: Path) -> Iterator[str]:
    """The address of a server with a store of the examples."""
    organology = [sys.executable, "-m", "organology.cli"]
    subprocess.run(
        [*organology, "recognize", "examples", "--store", str(store), "--format", "csv"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    command = [*organology, "serve", "--port", "0", "--store", str(store)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        yield server.stderr.readline().split()[-1]
        server.terminate()


def drop(page: Page, address: str, names: tuple[str, ...]) -> None:
    """Open the page and give it recordings."""
    page.goto(address)
    page.locator("html.ready").wait_for()
    page.set_input_files("#files", [EXAMPLES / f"{name}.ogg" for name in names])
    page.locator(".rec .grid").nth(len(names) - 1).wait_for()


def take(browser: Browser, address: str) -> None:
    """Both pictures."""
    desk = browser.new_page(viewport={"width": 1060, "height": 900}, device_scale_factor=1.5)
    drop(desk, address, NAMES)
    seek = desk.locator(".rec .seek").first
    box = seek.bounding_box()
    assert box is not None
    seek.click(position={"x": box["width"] * 0.8, "y": 40})
    desk.mouse.move(1, 1)
    desk.screenshot(path=IMAGES / "page.png")
    phone = browser.new_page(viewport={"width": 390, "height": 780}, device_scale_factor=1.5, color_scheme="dark")
    drop(phone, address, NAMES[:1])
    phone.screenshot(path=IMAGES / "page-phone.png")


def main() -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise SystemExit("no Chromium here")
    with tempfile.TemporaryDirectory() as folder, served(Path(folder, "lib.db")) as address, sync_playwright() as api:
        browser = api.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--mute-audio"])
        take(browser, address)
        browser.close()
    for name in ("page", "page-phone"):
        print(f"docs/images/{name}.png: {(IMAGES / f'{name}.png').stat().st_size} bytes")


if __name__ == "__main__":
    main()
