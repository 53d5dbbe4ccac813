"""What a run of `prepare` found: for people on the screen, for machines in `report.json`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from organology.atomic import written_whole
from organology.audio import SAMPLE_RATE
from organology.corpora.base import Remark
from organology.corpora.splits import SPLITS
from organology.taxonomy import DISPLAY_NAMES, LABELS, PRESENT

REPORT_NAME = "report.json"

_PLACES = 3  # of remarks with the same reason, so many are named


@dataclass(frozen=True)
class Report:
    """What was prepared and what was not.

    Attributes
    ----------
    corpus : str
    settings : dict
        Of the run.
    summary : dict
        See `summarize`.
    remarks : tuple of Remark
    """

    corpus: str
    settings: Mapping[str, Any]
    summary: Mapping[str, Any]
    remarks: tuple[Remark, ...] = ()

    def of(self, fate: str) -> list[Remark]:
        """The remarks of one fate."""
        return [remark for remark in self.remarks if remark.fate == fate]

    @property
    def complete(self) -> bool:
        """Whether nothing was refused and nothing failed."""
        return not any(remark.fate in ("refused", "failed") for remark in self.remarks)

    def write(self, folder: Path) -> Path:
        """Write `report.json` into a prepared corpus."""
        values: dict[str, Any] = {
            "corpus": self.corpus,
            "settings": dict(self.settings),
            "summary": dict(self.summary),
        }
        for fate, key in (("dropped", "dropped"), ("refused", "refused"), ("failed", "failed"), ("note", "notes")):
            lines = [{k: v for k, v in asdict(remark).items() if k != "fate" and v} for remark in self.of(fate)]
            values[key] = sorted(lines, key=lambda line: json.dumps(line, sort_keys=True))
        path = folder / REPORT_NAME
        with written_whole(path) as temporary:
            temporary.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return path


def summarize(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Count what a table holds.

    Parameters
    ----------
    rows : iterable of mappings
        Of `stems.parquet`.

    Returns
    -------
    dict
        `songs`, `stems`, `minutes` (of audio), `minutes_sounding`, `aligned_songs`, and `splits`: the same of each
        split, with `labels`: of each label the number of stems that have it and the minutes in which they sound.
    """
    rows = list(rows)
    splits: dict[str, Any] = {}
    for split in SPLITS:
        members = [row for row in rows if row["split"] == split]
        labels = {}
        for label in LABELS:
            having = [row for row in members if row[label] == PRESENT]
            labels[label] = {"stems": len(having), "minutes_sounding": _minutes(_sounding(having))}
        splits[split] = {**_counts(members), "labels": labels}
    return {**_counts(rows), "splits": splits}


def _counts(rows: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "songs": len({row["song"] for row in rows}),
        "aligned_songs": len({row["song"] for row in rows if row["aligned"]}),
        "stems": len(rows),
        "minutes": _minutes(sum(row["frames"] for row in rows)),
        "minutes_sounding": _minutes(_sounding(rows)),
    }


def _sounding(rows: list[Mapping[str, Any]]) -> int:
    return sum(span["end"] - span["start"] for row in rows for span in row["active"])


def _minutes(frames: int) -> float:
    return round(frames / SAMPLE_RATE / 60, 2)


def gaps(summary: Mapping[str, Any]) -> list[Remark]:
    """Labels that the corpus has and one of its splits lacks, a line a split."""
    remarks = []
    here = {label for split in SPLITS for label in LABELS if summary["splits"][split]["labels"][label]["stems"]}
    for split in SPLITS:
        part = summary["splits"][split]
        lacking = [label for label in LABELS if label in here and not part["labels"][label]["stems"]]
        if part["stems"] and lacking:
            remarks.append(Remark("note", f"split {split}", f"no stem of {', '.join(lacking)}"))
    return remarks


def lines(report: Report) -> list[str]:
    """The report as text: stems and the minutes in which they sound, by label and split, then the counts."""
    summary = report.summary
    used = [split for split in SPLITS if summary["splits"][split]["stems"]]
    parts = [summary["splits"][split] for split in used]
    rows = [["", *(text for split in used for text in (f"{split}: stems", "minutes"))]]
    for label in LABELS:
        cells = [part["labels"][label] for part in parts]
        if any(cell["stems"] for cell in cells):
            rows.append([DISPLAY_NAMES[label], *_figures(cells)])
    rows.append(["all stems", *_figures(parts)])
    rows += [
        [name.replace("_", " "), *(text for part in parts for text in (str(part[name]), ""))]
        for name in ("songs", "aligned_songs")
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    text = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    counts = [f"{len(report.of(fate))} {fate}" for fate in ("dropped", "refused", "failed") if report.of(fate)]
    text.append(
        f"{summary['songs']} songs, {summary['stems']} stems, {summary['minutes']:.1f} minutes of audio, "
        f"{summary['minutes_sounding']:.1f} sounding" + (f"; {', '.join(counts)}" if counts else "")
    )
    return [line.rstrip() for line in text]


def _figures(cells: list[Mapping[str, Any]]) -> list[str]:
    return [text for cell in cells for text in (str(cell["stems"]), f"{cell['minutes_sounding']:.1f}")]


def grouped(remarks: Iterable[Remark], everything: bool = False) -> list[str]:
    """Remarks as lines, the worst first; those of one fate and reason in one line that names some places.

    Parameters
    ----------
    remarks : iterable of Remark
    everything : bool
        A line for each instead.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for remark in remarks:
        groups.setdefault((remark.fate, remark.reason), []).append(remark.place)
    order = {"failed": 0, "refused": 1, "dropped": 2, "note": 3}
    found = []
    for (fate, reason), places in sorted(groups.items(), key=lambda group: order[group[0][0]]):
        if everything or len(places) <= _PLACES:
            found += [f"{fate}: {place}: {reason}" for place in places]
        else:
            found.append(f"{fate}: {len(places)} times: {reason} ({', '.join(places[:_PLACES])}, ...)")
    return found
