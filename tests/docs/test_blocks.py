"""Every command block of README and docs runs, or says why it does not."""

from __future__ import annotations

import re
from pathlib import Path
from unittest import SkipTest

import pytest

pytest.importorskip("sybil")
pytest.importorskip("torch")

from docs import blocks
from organology.outputs.formats import FORMATS


def run(page, monkeypatch, folder):
    """Run the blocks of a page, in their order; how many were run, and why others were not."""
    blocks.lay_out(folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder / "home"))
    monkeypatch.setenv("COLUMNS", "100")
    before, n_run, reasons = dict(FORMATS), 0, []
    try:
        for example in blocks.document(page).examples():
            try:
                example.evaluate()
                n_run += 1
            except SkipTest as reason:
                reasons.append(str(reason))
    finally:
        FORMATS.clear()
        FORMATS.update(before)
    return n_run, reasons


def with_blocks(page):
    """Whether a page has a block that may be run."""
    return re.search(r"^```(sh|python)\n", page.read_text("utf-8"), re.MULTILINE)


PAGES = [page for page in blocks.PAGES if with_blocks(page)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(blocks.ROOT).as_posix())
def test_blocks_of_a_page_run_or_say_why_not(page, monkeypatch, tmp_path):
    n_run, reasons = run(page, monkeypatch, tmp_path)
    assert n_run or reasons
    assert all(reasons), "a block is skipped without a reason"


@pytest.mark.parametrize("page", blocks.PAGES, ids=lambda page: page.relative_to(blocks.ROOT).as_posix())
def test_blocks_of_commands_say_their_language(page):
    assert blocks.untagged(page) == []


def test_untagged_of_a_page_with_some_names_them(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```sh\nmake x\n```\n\ntext\n\n```\norganology recognize a.wav\n```\n\n```\na.wav\n```\n")
    assert blocks.untagged(page) == ["organology recognize a.wav"]


def test_blocks_with_a_command_that_fails_are_an_error(monkeypatch, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n```sh\norganology recognize nowhere.wav\n```\n")
    with pytest.raises(Exception, match=r"nowhere\.wav"):
        run(page, monkeypatch, tmp_path / "folder")
    page.write_text("# Page\n\n```sh\npip install 'organology[nothing]'\n```\n")
    with pytest.raises(Exception, match="nothing"):
        run(page, monkeypatch, tmp_path / "other")


def test_blocks_of_readme_begin_with_the_installation():
    first = next(iter(blocks.document(Path(blocks.ROOT / "README.md")).examples())).parsed
    assert first.splitlines()[:2] == ["pip install organology", "organology recognize song.mp3"]
