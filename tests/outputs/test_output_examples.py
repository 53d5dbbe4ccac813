"""The examples in docs/outputs.md are what `organology recognize` says now."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import make_output_examples as examples  # noqa: E402

COMMAND = "python scripts/make_output_examples.py"


@pytest.mark.parametrize("name", ["csv", "segments", "audacity", "elan", "rttm", "sonic-visualiser"])
def test_docs_examples_are_what_is_written_now(name):
    shown, now = examples.shown()[name], examples.produced([name])[name]
    assert examples.agree(shown, now), f"docs/outputs.md is stale, {COMMAND} refreshes it:\n{shown}\n---\n{now}"


def test_docs_and_script_have_the_same_examples():
    assert list(examples.shown()) == list(examples.EXAMPLES)
    assert COMMAND in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_other_pages_show_the_same_examples():
    for page in examples.OTHERS:
        found = examples.shown(page)
        assert found and found.items() <= examples.shown().items(), f"{page} is stale, {COMMAND} refreshes it"


def test_agree_tolerates_last_digits_only():
    assert examples.agree("a,0.2381", "a,0.2383")
    assert not examples.agree("a,0.2381", "a,0.2481")
    assert not examples.agree("a,0.2381", "b,0.2381")
    assert not examples.agree("a,3,8", "a,4,8")
    assert not examples.agree("a,3,8", "a,3")


def test_write_changes_nothing_but_the_examples(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "```\nmine\n```\n<!-- example: csv -->\n```\nold\n```\n<!-- end example -->\nend\n", encoding="utf-8"
    )
    examples.write({"csv": "new\nlines", "rttm": "not in it"}, page)
    assert examples.shown(page) == {"csv": "new\nlines"}
    assert page.read_text(encoding="utf-8").replace("new\nlines", "old").startswith("```\nmine\n```\n<!-- example: csv")
    examples.write({}, page)
    assert examples.shown(page) == {"csv": "new\nlines"}
