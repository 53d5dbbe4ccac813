"""Provenance of a checkpoint, as plain values that travel in it."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import organology
from organology.corpora.resplit import SplitConfig, resplit
from organology.corpora.table import TABLE_NAME, read_table
from organology.corpora.tagging.table import TABLE_NAME as TRACKS_NAME
from organology.corpora.tagging.table import read_tracks
from organology.training.recipes import AnyRecipe


def describe_corpora(folders: Sequence[Path], split: SplitConfig | None = None) -> list[dict[str, Any]]:
    """For each prepared folder: its corpora, songs and stems by split, stems by licence, hash of the table.

    Parameters
    ----------
    folders : sequence of path
    split : SplitConfig, optional
        Divides the songs anew, as `MixingConfig.split`.

    Raises
    ------
    CorpusError
        If a folder is no prepared corpus.
    """
    described = []
    for folder in folders:
        table = read_table(folder)
        table = resplit(table, split) if split is not None else table
        splits = table["split"].unique().sort().to_list()
        parts = {split: table.filter(table["split"] == split) for split in splits}
        licences = table["licence"].value_counts(sort=True, name="stems").iter_rows()
        described.append(
            {
                "folder": folder.name,
                "corpora": sorted(table["corpus"].unique().to_list()),
                "songs": {split: part.select("corpus", "song").unique().height for split, part in parts.items()},
                "stems": {split: part.height for split, part in parts.items()},
                "licences": {licence or "not stated": count for licence, count in sorted(licences)},
                "table_sha256": hashlib.sha256((folder / TABLE_NAME).read_bytes()).hexdigest(),
            }
        )
    return described


def describe_tagging(folders: Sequence[Path]) -> list[dict[str, Any]]:
    """For each prepared tagging corpus: tracks by split and by licence, hash of the table.

    Raises
    ------
    CorpusError
        If a folder is no prepared tagging corpus.
    """
    described = []
    for folder in folders:
        table, tags = read_tracks(folder)
        licences = table["licence"].value_counts(sort=True, name="tracks").iter_rows()
        described.append(
            {
                "folder": folder.name,
                "corpora": [tags.corpus],
                "tracks": dict(table["split"].value_counts(name="tracks").sort("split").iter_rows()),
                "licences": {licence or "not stated": count for licence, count in sorted(licences)},
                "table_sha256": hashlib.sha256((folder / TRACKS_NAME).read_bytes()).hexdigest(),
            }
        )
    return described


def versions() -> dict[str, str]:
    """Versions of what a training depends on."""
    packages = ("torch", "lightning", "numpy", "audiomentations")
    return {
        "organology": organology.__version__,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in packages},
    }


def describe_run(
    task: str, recipe: AnyRecipe, corpora: list[dict[str, Any]], command: str, **others: Any
) -> dict[str, Any]:
    """Provenance of a run; of paths only the last two parts are kept, as the rest means nothing elsewhere.

    Parameters
    ----------
    task : str
        What was learned.
    recipe : AnyRecipe
    corpora : list of dict
        Of `describe_corpora` or `describe_tagging`.
    command : str
        What the user typed.
    **others
        Further entries, plain values.
    """
    short = recipe.with_paths(lambda path: Path(*path.parts[-2:]))
    about = {"task": task, "command": command, "seed": recipe.seed, "recipe": short.to_plain(), "corpora": corpora}
    return {**about, **others, "versions": versions()}
