"""How the modules of organology lie and import each other. `make lint` checks the layers; this checks the rest."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
PACKAGE = "organology"
MOST_MODULES = 16
BRADL15_NAMES = {"LABELS", "FAMILIES", "FAMILY_OF", "INSTRUMENTS", "DISPLAY_NAMES"}
MAY_KNOW_BRADL15 = ("organology.labels", "organology.reproduce")


@cache
def modules(source: Path = SOURCE, package: str = PACKAGE) -> dict[str, Path]:
    """Every module of the package by its full name; a package is named as its `__init__`."""
    found = {}
    for path in sorted((source / package).rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(name: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Modules of the package that a module imports: anywhere, also in functions and under TYPE_CHECKING."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                if inner in known:
                    yield inner
                elif base in known:
                    yield base


def import_graph(known: dict[str, Path]) -> dict[str, set[str]]:
    """Module -> what it imports, without itself."""
    return {name: set(imports_of(name, path, known)) - {name} for name, path in known.items()}


def cycles(graph: dict[str, set[str]]) -> set[frozenset[str]]:
    """Sets of modules of which each can be reached from each (Tarjan's strongly connected components)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = set()

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in graph[name]:
            if other not in order:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], order[other])
        if low[name] == order[name]:
            at = stack.index(name)
            if len(stack) - at > 1:
                found.add(frozenset(stack[at:]))
            del stack[at:]

    for name in graph:
        if name not in order:
            visit(name)
    return found


def siblings(known: dict[str, Path]) -> dict[str, list[str]]:
    """Package -> names of the modules right inside; packages do not count."""
    inside: dict[str, list[str]] = {}
    for name, path in known.items():
        parent, _, own = name.rpartition(".")
        if parent and path.name != "__init__.py":
            inside.setdefault(parent, []).append(own)
    return inside


def crowds(inside: dict[str, list[str]]) -> set[str]:
    """Packages with more than `MOST_MODULES` modules, or with three whose names begin with one word."""
    found = set()
    for package, names in inside.items():
        prefixes = Counter(name.lstrip("_").split("_")[0] for name in names if not name.startswith("__"))
        if len(names) > MOST_MODULES or any(n > 2 for n in prefixes.values()):
            found.add(package)
    return found


def knows_bradl15(path: Path) -> bool:
    """Whether a module imports or reads a constant of the paper's labels from organology."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith(PACKAGE)):
            if BRADL15_NAMES & {alias.name for alias in node.names}:
                return True
        elif isinstance(node, ast.Attribute) and node.attr in BRADL15_NAMES:
            return True
    return False


def test_import_graph_of_the_package_has_no_cycle():
    assert cycles(import_graph(modules())) == set()


def test_packages_hold_few_modules_and_no_three_of_one_prefix():
    assert crowds(siblings(modules())) == set()


def test_labels_of_the_paper_are_known_to_few():
    knowing = {name for name, path in modules().items() if knows_bradl15(path)}
    assert {name for name in knowing if not name.startswith(MAY_KNOW_BRADL15)} == set()


@pytest.fixture
def toy(tmp_path):
    """A package with a cycle that is hidden in a function and under TYPE_CHECKING, and a crowded package."""
    texts = {
        "toy/__init__.py": "",
        "toy/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from toy.inner import b\n",
        "toy/inner/__init__.py": "",
        "toy/inner/b.py": "def late():\n    from .. import a\n",
        "toy/inner/c.py": "from . import b\nfrom organology.labels.bradl15 import LABELS\n",
        "toy/crowd/__init__.py": "",
        **{f"toy/crowd/query_{i}.py": "import toy.a\n" for i in range(3)},
    }
    for name, text in texts.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return modules(tmp_path, "toy")


def test_import_graph_with_a_hidden_cycle_shows_it(toy):
    graph = import_graph(toy)
    assert cycles(graph) == {frozenset({"toy.a", "toy.inner.b"})}
    assert graph["toy.inner.c"] == {"toy.inner.b"} and graph["toy.crowd.query_1"] == {"toy.a"}


def test_crowds_with_three_of_one_prefix_names_the_package(toy):
    assert crowds(siblings(toy)) == {"toy.crowd"}
    assert crowds({"p": [f"m{i}" for i in range(MOST_MODULES + 1)]}) == {"p"}
    assert crowds({"p": [f"m{i}" for i in range(MOST_MODULES)]}) == set()


def test_knows_bradl15_with_an_import_or_an_attribute(toy, tmp_path):
    assert [name for name, path in toy.items() if knows_bradl15(path)] == ["toy.inner.c"]
    (tmp_path / "d.py").write_text("from organology import labels\nlabels.bradl15.LABELS\n")
    assert knows_bradl15(tmp_path / "d.py")
