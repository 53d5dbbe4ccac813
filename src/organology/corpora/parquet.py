"""Parquet files of prepared corpora, read so that a damaged one is one clear error."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from organology.errors import CorpusError, one_line


def read_parquet(path: Path) -> pl.DataFrame:
    """A Parquet file as a table.

    Raises
    ------
    CorpusError
        If there is none, or it is damaged.
    """
    try:
        return pl.read_parquet(path)
    except FileNotFoundError as error:
        raise CorpusError(f"{path}: no such file; `organology prepare` makes it") from error
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CorpusError(f"{path}: {' '.join(str(error).split())}") from error
    except pl.exceptions.PanicException as error:  # a BaseException: what the decoder did not expect
        raise CorpusError(f"{path}: damaged ({one_line(error)})") from error
