"""How long the page without a server takes for a song, in headless Chromium, and how far its scores are from Python's.

    python scripts/vendor_page.py && python benchmarks/static_page.py [--minutes 4] [--runs 3] [--page docs/serving.md]

The page is loaded once from a host on loopback; then the network is switched off. The song is the example recordings
again and again, 44.1 kHz stereo; the examples themselves follow, once. Measured is the time from choosing the file to
its timeline; what a `Recognizer` of one thread takes for the same file stands beside it. On a machine with other work
the processor time, of all of the browser's processes, tells what a free one would take at most.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from measuring import EXAMPLES, music, put, table, write
from playwright.sync_api import Page, sync_playwright

from organology import Recognition, Recognizer
from organology.serving.page import static
from organology.serving.page.runtime import RUNTIME_FOLDER
from organology.timeaxis import clock

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MILLISECONDS = 600_000


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


def processor_seconds() -> float:
    """Processor time so far of the processes below this one."""
    parents, seconds = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # ended meanwhile
        number = int(path.parent.name)
        parents[number] = int(fields[1])
        seconds[number] = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    below, mine = 0.0, os.getpid()
    for number in parents:
        above = parents[number]
        while above not in (0, mine):
            above = parents.get(above, 0)
        below += seconds[number] if above == mine else 0
    return below


def timed(page: Page, song: Path) -> tuple[float, float]:
    """Seconds until a song has its timeline, and processor seconds of the browser."""
    began, used = time.monotonic(), processor_seconds()
    page.set_input_files("#files", song)
    page.locator(".rec .grid").wait_for(timeout=MILLISECONDS)
    return time.monotonic() - began, processor_seconds() - used


def shown(page: Page) -> Recognition:
    """What the page found."""
    page.locator(".menu summary").click()
    with page.expect_download() as waiting:
        page.locator("button[data-format=json]").click()
    found = Recognition.from_json(Path(waiting.value.path()).read_text("utf-8"))
    page.locator(".rec .act").click()
    return found


def measured(url: str, songs: dict[Path, int]) -> dict[Path, tuple[list[tuple[float, float]], Recognition]]:
    """Seconds of each run of each song, as many as asked for, and its result; the network is off."""
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_path is None:
        raise SystemExit("no Chromium here")
    found = {}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--mute-audio"])
        page = browser.new_page(accept_downloads=True)
        page.goto(url)
        page.locator("html.ready").wait_for()
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        page.wait_for_timeout(1000)
        page.context.set_offline(True)
        page.reload()
        page.locator("html.ready").wait_for()
        for song, runs in songs.items():
            seconds = []
            for _ in range(runs):
                seconds.append(timed(page, song))
                result = shown(page)
            found[song] = seconds, result
        browser.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--runtime", type=Path, default=RUNTIME_FOLDER)
    parser.add_argument("--page", type=Path, help="put the table into this page too")
    settings = parser.parse_args()
    recognizer = Recognizer(threads=1)
    load = os.getloadavg()[0]
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        site = folder / "site"
        static.build(site, settings.runtime)
        loop = music()
        songs = {
            write(folder / f"song{suffix}", loop, settings.minutes * 60): settings.runs for suffix in (".mp3", ".flac")
        } | dict.fromkeys(sorted(EXAMPLES.glob("*.ogg")), 1)
        handler = functools.partial(Quiet, directory=site)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as host:
            threading.Thread(target=host.serve_forever, daemon=True).start()
            found = measured(f"http://127.0.0.1:{host.server_port}/", songs)
            host.shutdown()
        for song, (runs, page) in found.items():
            began, used = time.monotonic(), time.process_time()
            python = recognizer.recognize(song)
            beside = time.monotonic() - began, time.process_time() - used
            row = [", ".join(f"{run[i]:.1f}" for run in runs) for i in (0, 1)]
            far = f"{np.abs(page.scores - python.scores).max():.0e}" if len(page.scores) == len(python.scores) else "-"
            rows.append((song.name, clock(python.duration), *row, *(f"{one:.1f}" for one in beside), far))
    head = ("file", "length", "page: seconds of each run", "of processors", "Python: seconds", "of processors")
    text = f"{len(os.sched_getaffinity(0))} cores, load before {load:.1f}:\n\n" + table(
        (*head, "scores of windows differ by"), rows
    )
    print(text)
    if settings.page:
        put(settings.page, "static", text)


if __name__ == "__main__":
    main()
