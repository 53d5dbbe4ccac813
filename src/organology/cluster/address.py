"""Which names are addresses in storage, and which stores are datasets."""

from __future__ import annotations

import os
from pathlib import Path


def is_address(path: str | os.PathLike[str]) -> bool:
    """Whether a name is an address such as `s3://bucket/key`, not a path."""
    scheme, sign, _ = os.fspath(path).partition("://")
    return bool(sign) and scheme.isalnum() and len(scheme) > 1


def is_dataset(store: str | os.PathLike[str]) -> bool:
    """Whether a store is a Parquet dataset: an address or a folder, not a SQLite file."""
    return is_address(store) or Path(store).is_dir()
