"""The documentation as a site, and the reference of the command line."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

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


def test_site_builds_strictly_and_asks_no_other_host(tmp_path):
    pytest.importorskip("mkdocs")
    pytest.importorskip("mkdocstrings")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for page in tmp_path.rglob("*.html"):
        loaded = re.findall(
            r'<(?:script|img|iframe|link)[^>]*?(?:src|href)="(https?://[^"]+)"', page.read_text("utf-8")
        )
        assert not [url for url in loaded if "rel=" not in url], (page, loaded)
