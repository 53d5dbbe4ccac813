"""A corpus is one module and one registration; the verbs and the docs follow."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from organology.cli.corpora import corpus as corpus_verb
from organology.cli.corpora import prepare as prepare_verb
from organology.corpora import registry
from organology.corpora.registry import CORPORA, CorpusEntry, Setting
from organology.corpora.table import read_table
from organology.errors import ConfigError
from sounds import tone, write

TOY = """
from functools import partial
from organology.corpora.base import Corpus, SourceSong, SourceStem
from organology.corpora.instruments import Instruments
from organology.corpora.issues import Issue


def looks_like(root):
    return (root / "TOY").is_file()


def read(root, loud):
    for path in sorted(root.glob("*.wav")):
        stem = SourceStem("stem", path, Instruments((path.stem.partition("-")[0],)), word="loud" if loud else "")
        yield SourceSong(path.stem, (stem,))
    yield Issue("note", "TOY", "a toy")


def corpus(loud=False):
    return Corpus("toy", "A toy", "", "CC0", "ROOT/*.wav", "make it", partial(read, loud=loud))
"""


@pytest.fixture
def toy(tmp_path, monkeypatch):
    (tmp_path / "toy_corpus_reader.py").write_text(TOY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "CORPORA", CORPORA)
    entry = CorpusEntry("toy", "toy_corpus_reader", "stems", "A toy.", (Setting("loud", bool, False, "Loud."),))
    registry.register(entry)
    root = tmp_path / "root"
    root.mkdir()
    (root / "TOY").touch()
    for name in ("cello-1", "cello-2", "piano-3"):
        write(root / f"{name}.wav", tone())
    yield root
    del CORPORA["toy"]


def test_register_toy_corpus_appears_in_prepare_check_list_and_docs(toy, tmp_path):
    runner = CliRunner()
    done = runner.invoke(prepare_verb.make_group(), ["toy", str(toy), "--out", str(tmp_path / "out"), "--loud"])
    assert done.exit_code == 0, done.output
    assert set(read_table(tmp_path / "out")["word"]) == {"loud"}
    done = runner.invoke(corpus_verb.group, ["check", str(toy), "--json", "--labels", "openmic20"])
    (values,) = json.loads(done.stdout)
    assert values["corpus"] == "toy" and values["total"]["stems"] == 3
    assert sum(split["labels"]["cello"]["stems"] for split in values["splits"].values()) == 2
    assert "toy: A toy (stems)" in runner.invoke(corpus_verb.group, ["list"]).output
    assert "| `toy` | stems | A toy. | `--loud` |" in registry.markdown_table()


def test_register_name_twice_is_refused():
    with pytest.raises(ValueError, match="registered already"):
        registry.register(CORPORA["slakh"])


def test_find_unknown_name_lists_the_corpora():
    with pytest.raises(ConfigError, match=r"no corpus 'nothing'; there are stems, medleydb, .*recordings"):
        registry.find("nothing")


def test_docs_table_is_that_of_the_registry():
    page = Path(__file__).parents[2] / "docs" / "corpora.md"
    assert registry.markdown_table() in page.read_text("utf-8")


@pytest.mark.parametrize("module", ["yaml", "polars"])
def test_corpus_list_without_optional_package(module):
    code = f"import sys; sys.modules[{module!r}] = None; from organology.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "corpus", "list"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(f"{name}: " in done.stdout for name in CORPORA)
