"""The registry of formats: one writer and one registration add a format."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from organology.outputs import formats
from organology.outputs.formats import FORMATS, Format, format_of
from organology.outputs.registry import open_writer
from organology.outputs.writers.base import StreamWriter
from outputs.test_formats import made

ROOT = Path(__file__).parents[2]
TOY = """
from organology.outputs.formats import Format, register
register(Format("toy", "a toy", (".toy",), "outputs.test_registry:ToyWriter"))
"""


class ToyWriter(StreamWriter):
    """The names of recordings."""

    def add(self, recognition):
        self._stream.write(f"{recognition.source}\n")


@pytest.fixture
def toy():
    formats.register(Format("toy", "a toy", (".toy",), ToyWriter))
    yield FORMATS["toy"]
    del FORMATS["toy"]


def test_register_format_is_written_and_found_by_its_suffix(toy, tmp_path):
    assert format_of(tmp_path / "x.toy") == "toy"
    with open_writer("toy", tmp_path / "x.toy") as writer:
        writer.add(made())
    assert (tmp_path / "x.toy").read_text() == "a b.wav\n"


def test_register_format_is_known_to_the_command_line():
    code = f"{TOY}\nimport sys; sys.argv = ['organology', 'recognize', '--formats']\n" + (
        "from organology.cli import main\n"
        "from organology.cli.recordings.choices import OutputFormat\n"
        "print([one.value for one in OutputFormat])\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0] == str([*FORMATS, "toy"]) and lines[-1].split() == ["toy", ".toy", "a", "toy"]


def test_register_format_with_a_name_or_suffix_of_another_is_refused(toy):
    for name, suffix in (("toy", ".new"), ("new", ".toy"), ("new", ".csv")):
        with pytest.raises(ValueError, match="must be free"):
            formats.register(Format(name, "", (suffix,), ToyWriter))


def test_docs_table_lists_the_registry():
    page = (ROOT / "docs" / "outputs.md").read_text("utf-8")
    block = re.search(r"<!-- formats -->\n(.*?)<!-- end formats -->", page, re.DOTALL)
    assert block and block[1] == formats.markdown_table()


def test_every_format_of_the_registry_has_a_section_in_the_docs():
    headings = re.findall(r"^## (.*)$", (ROOT / "docs" / "outputs.md").read_text("utf-8"), re.MULTILINE)
    named = {name for heading in headings for name in heading.replace(" and ", " ").split()}
    assert set(FORMATS) <= named
