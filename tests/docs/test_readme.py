"""README on PyPI: every link is absolute there, and leads to a file of the repository."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from organology import __version__

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def as_published():
    """README as the build makes it for PyPI."""
    text = (ROOT / "README.md").read_text("utf-8")
    for rule in PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        text = re.sub(rule["pattern"], rule["replacement"], text)
    return text.replace("$HFPR_VERSION", __version__)


def test_readme_as_published_has_absolute_links_to_files_of_the_repository():
    links = LINK.findall(as_published())
    assert len(links) > 20
    for link in links:
        assert link.startswith("https://"), link
        path = re.sub(rf"https://[^/]+/organology/organology/(?:blob/)?v{re.escape(__version__)}/", "", link)
        assert path == link or (ROOT / path.partition("#")[0]).exists(), link
    pictures = re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", as_published())
    assert pictures and all(link.startswith("https://raw.githubusercontent.com/") for link in pictures)


def test_version_is_the_same_everywhere():
    assert f"## [{__version__}] - 20" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(rf"^version: {re.escape(__version__)}$", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE)


def test_urls_of_the_project_are_of_one_repository():
    urls = PROJECT["project"]["urls"]
    assert {"Source", "Issues", "Changelog", "Documentation"} <= set(urls)
    assert all(url.startswith(urls["Source"]) for url in urls.values())
