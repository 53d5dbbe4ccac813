"""What a run of `prepare` found in a tagging corpus, counted and as lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from organology.audio import SAMPLE_RATE
from organology.corpora.report import Report
from organology.corpora.splits import SPLITS


def summarize(rows: Iterable[Mapping[str, Any]], tags: Sequence[str]) -> dict[str, Any]:
    """Count what a table holds.

    Parameters
    ----------
    rows : iterable of mappings
        Of `tracks.parquet`; `frames` may be 0 where the length is not known.
    tags : sequence of str

    Returns
    -------
    dict
        `tracks`, `artists`, `minutes`, and `splits`: the same of each split, with `tags`: of each tag the tracks that
        have it and their minutes.
    """
    rows = list(rows)
    splits: dict[str, Any] = {}
    for split in SPLITS:
        members = [row for row in rows if row["split"] == split]
        having: dict[str, list[Mapping[str, Any]]] = {tag: [] for tag in tags}
        for row in members:
            for tag in row["tags"]:
                having[tag].append(row)
        counts = {
            tag: {"tracks": len(some), "minutes": _minutes(row["frames"] for row in some)}
            for tag, some in having.items()
        }
        splits[split] = {**_counts(members), "tags": counts}
    return {**_counts(rows), "splits": splits}


def _counts(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "tracks": len(rows),
        "artists": len({row["artist"] for row in rows}),
        "minutes": _minutes(row["frames"] for row in rows),
    }


def _minutes(frames: Iterable[int]) -> float:
    return round(sum(frames) / SAMPLE_RATE / 60, 2)


def lines(report: Report) -> list[str]:
    """The report as text: tracks by tag and split, then the counts."""
    summary = report.summary
    used = [split for split in SPLITS if summary["splits"][split]["tracks"]]
    parts = [summary["splits"][split] for split in used]
    table = [["tracks", *used]]
    table += [
        [tag, *(str(part["tags"][tag]["tracks"]) for part in parts)] for tag in (parts[0]["tags"] if parts else ())
    ]
    table.append(["all tracks", *(str(part["tracks"]) for part in parts)])
    table.append(["artists", *(str(part["artists"]) for part in parts)])
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    text = [
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    ]
    counts = [
        f"{len(report.of(severity))} {severity}" for severity in ("dropped", "refused", "failed") if report.of(severity)
    ]
    text.append(
        f"{summary['tracks']} tracks, {summary['minutes'] / 60:.1f} hours"
        + (f"; {', '.join(counts)}" if counts else "")
    )
    return text
