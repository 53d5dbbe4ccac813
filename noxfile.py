"""Every Python that is supported: the wheel in a clean environment, and all tests.

nox -s wheel           # build it, install it, recognize, find, a feed, stems
nox -s tests-3.12      # all tests
"""

from __future__ import annotations

from pathlib import Path

import nox

PYTHONS = ["3.11", "3.12", "3.13"]
ROOT = Path(__file__).resolve().parent
nox.options.sessions = ["wheel"]
nox.options.default_venv_backend = "uv|virtualenv"  # uv takes seconds where pip takes minutes


def built(session: nox.Session) -> str:
    """The wheel, built for this session."""
    session.install("build")
    folder = Path(session.create_tmp()) / "dist"
    session.run("python", "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT), silent=True)
    return str(next(folder.glob("*.whl")))


@nox.session(python=PYTHONS)
def wheel(session: nox.Session) -> None:
    """The wheel alone, with nothing but what it needs to recognize."""
    session.install(built(session))
    session.chdir(session.create_tmp())
    examples = str(ROOT / "examples")
    session.run("organology", "recognize", examples, "--store", "lib.db", "-o", "report.html")
    session.run("organology", "find", "drums and not voice", "--store", "lib.db")
    session.run("organology", "store", "feed", "lib.db", "-o", "feed.json")
    session.run("organology", "stems", str(ROOT / "starter/first-light"))
    session.run("organology", "recipes", "list")
    session.run("python", "-c", "import sys, organology.cli; assert 'torch' not in sys.modules")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """All tests, with every extra."""
    session.install("-c", "constraints.txt", "torch")
    session.install("-c", "constraints.txt", "-e", ".[dev]")
    session.run("python", "-m", "pytest", *(session.posargs or ["-n", "2"]))
