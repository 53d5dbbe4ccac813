"""The documentation as a site, and the reference of the command line."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_cli_reference_is_what_the_commands_say():
    reference = _script("make_cli_reference")
    assert reference.PAGE.read_text("utf-8") == reference.page(), "run scripts/make_cli_reference.py"


def test_cli_reference_names_every_option():
    import typer

    from organology.cli import command_line

    reference = _script("make_cli_reference")
    text = reference.PAGE.read_text("utf-8")
    for name, command in reference.verbs(typer.main.get_command(command_line()), "organology"):
        section = text.split(f"## {name}\n", 1)[1].split("\n## ", 1)[0]
        for parameter in command.params:
            if parameter.param_type_name == "option" and "--help" not in parameter.opts and not parameter.hidden:
                assert parameter.opts[-1] in section, (name, parameter.opts)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built strictly."""
    pytest.importorskip("mkdocs")
    pytest.importorskip("mkdocstrings")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


class Links(HTMLParser):
    """What a page refers to, what in it can be referred to, and what it loads."""

    def __init__(self, page):
        super().__init__()
        self.targets, self.anchors, self.loaded = [], set(), []
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        target = found.get("href") or found.get("src")
        if target is None:
            return
        self.targets.append(target)
        if tag in ("script", "img", "iframe", "audio", "source") or (
            tag == "link" and found.get("rel") in ("stylesheet", "icon", "preload", "modulepreload")
        ):
            self.loaded.append(target)


def dead_links(folder):
    """Links within a site that lead nowhere: page -> targets."""
    pages = {page: Links(page) for page in folder.rglob("*.html")}
    dead = {}
    for page, links in pages.items():
        for target in links.targets:
            url = urlsplit(target)
            if url.scheme or url.netloc:
                continue
            path = (page.parent / unquote(url.path)).resolve() if url.path else page
            path = path / "index.html" if path.is_dir() else path
            anchors = pages[path].anchors if path in pages else set()
            if not path.is_file() or (url.fragment and path in pages and unquote(url.fragment) not in anchors):
                dead.setdefault(page.relative_to(folder).as_posix(), []).append(target)
    dead.pop("404.html", None)  # its links begin at the root of the host
    return dead


def test_site_has_no_dead_link(site):
    assert dead_links(site) == {}


def test_dead_links_of_a_page_with_some_names_them(tmp_path):
    (tmp_path / "a.html").write_text('<a href="b.html#there">x</a><a href="b.html#gone">x</a><img src="no.png">')
    (tmp_path / "b.html").write_text('<h1 id="there">x</h1><a href="https://example.org/">x</a>')
    assert dead_links(tmp_path) == {"a.html": ["b.html#gone", "no.png"]}


def test_site_loads_nothing_from_other_hosts(site):
    for page in site.rglob("*.html"):
        assert not [url for url in Links(page).loaded if urlsplit(url).netloc], page
    for style in site.rglob("*.css"):
        assert not re.findall(r"(?:@import|url\()\s*['\"]?(?:https?:)?//", style.read_text("utf-8")), style


@contextmanager
def served(folder):
    """The address of a folder on this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_site_pages_open_in_a_browser_without_error(site):
    """Five pages; the filter of the labels works."""
    api = pytest.importorskip("playwright.sync_api")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium here")
    faults = []
    with served(site) as address, api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("response", lambda one: faults.append(f"{one.status} {one.url}") if one.status >= 400 else None)
        page.on("request", lambda one: faults.append(one.url) if not one.url.startswith((address, "data:")) else None)
        for name in ("index", "start/first_song", "reference/cli", "research/index", "labels"):
            page.goto(f"{address}/{name}.html")
            assert page.locator("article h1").count() == 1, name
        page.locator("[data-filter-tables] input").fill("tenor sax")
        shown = page.locator("article tbody tr:visible")
        assert 0 < shown.count() < 40 and "tenor sax" in shown.first.inner_text().lower()
        browser.close()
    assert not faults, faults
