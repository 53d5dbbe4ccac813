"""What a run of `prepare` found: for people on the screen, for machines in `report.json`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from organology.atomic import written_whole
from organology.audio import SAMPLE_RATE
from organology.corpora.instruments import Instruments
from organology.corpora.issues import BAD, Issue
from organology.corpora.splits import SPLITS
from organology.counted import counted
from organology.labels import PRESENT, LabelSet, default_set

REPORT_NAME = "report.json"

_PLACES = 3  # of issues with the same reason, so many are named


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
    issues : tuple of Issue
    """

    corpus: str
    settings: Mapping[str, Any]
    summary: Mapping[str, Any]
    issues: tuple[Issue, ...] = ()

    def of(self, severity: str) -> list[Issue]:
        """The issues of one severity."""
        return [issue for issue in self.issues if issue.severity == severity]

    @property
    def complete(self) -> bool:
        """Whether nothing was refused and nothing failed."""
        return not any(issue.severity in BAD for issue in self.issues)

    def write(self, folder: Path) -> Path:
        """Write `report.json` into a prepared corpus."""
        values: dict[str, Any] = {
            "corpus": self.corpus,
            "settings": dict(self.settings),
            "summary": dict(self.summary),
        }
        for severity, key in (("dropped", "dropped"), ("refused", "refused"), ("failed", "failed"), ("note", "notes")):
            lines = [{k: v for k, v in asdict(issue).items() if k != "severity" and v} for issue in self.of(severity)]
            values[key] = sorted(lines, key=lambda line: json.dumps(line, sort_keys=True, allow_nan=False))
        path = folder / REPORT_NAME
        with written_whole(path) as temporary:
            temporary.write_text(
                json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
            )
        return path


def summarize(rows: Iterable[Mapping[str, Any]], label_set: LabelSet | None = None) -> dict[str, Any]:
    """Count what a table holds.

    Parameters
    ----------
    rows : iterable of mappings
        Of `stems.parquet`; see `table.row`.
    label_set : LabelSet, optional
        By which stems are counted; by default `default_set`.

    Returns
    -------
    dict
        `songs`, `stems`, `minutes` (of audio), `minutes_sounding`, `aligned_songs`, and `splits`: the same of each
        split, with `labels`: of each label the number of stems that have it and the minutes in which they sound.
    """
    rows, label_set = list(rows), label_set or default_set()
    splits: dict[str, Any] = {}
    for split in SPLITS:
        members = [row for row in rows if row["split"] == split]
        vectors = [_instruments(row).encode(label_set) for row in members]
        labels = {}
        for place, label in enumerate(label_set.labels):
            having = [row for row, vector in zip(members, vectors, strict=True) if vector[place] == PRESENT]
            labels[label] = {"stems": len(having), "minutes_sounding": _minutes(_sounding(having))}
        splits[split] = {**_counts(members), "labels": labels}
    return {**_counts(rows), "splits": splits}


def _instruments(row: Mapping[str, Any]) -> Instruments:
    return Instruments(*(tuple(row[name]) for name in ("concepts", "unknown_concepts", "absent_concepts")))


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


def gaps(summary: Mapping[str, Any]) -> list[Issue]:
    """Labels that the corpus has and one of its splits lacks, a line a split."""
    issues = []
    labels = summary["splits"][SPLITS[0]]["labels"]
    here = {label for split in SPLITS for label in labels if summary["splits"][split]["labels"][label]["stems"]}
    for split in SPLITS:
        part = summary["splits"][split]
        lacking = [label for label in labels if label in here and not part["labels"][label]["stems"]]
        if part["stems"] and lacking:
            issues.append(Issue("note", f"split {split}", f"no stem of {', '.join(lacking)}"))
    return issues


def lines(report: Report) -> list[str]:
    """The report as text: stems and the minutes in which they sound, by label and split, then the counts."""
    summary = report.summary
    used = [split for split in SPLITS if summary["splits"][split]["stems"]]
    parts = [summary["splits"][split] for split in used]
    rows = [["", *(text for split in used for text in (f"{split}: stems", "minutes"))]]
    display = default_set().display
    for label in summary["splits"][SPLITS[0]]["labels"]:
        cells = [part["labels"][label] for part in parts]
        if any(cell["stems"] for cell in cells):
            rows.append([display.get(label, label.replace("_", " ")), *_counted(cells)])
    rows.append(["all stems", *_counted(parts)])
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
    counts = [
        f"{len(report.of(severity))} {severity}" for severity in ("dropped", "refused", "failed") if report.of(severity)
    ]
    found = f"{counted(summary['songs'], 'song')}, {counted(summary['stems'], 'stem')}"
    text.append(
        f"{found}, {summary['minutes']:.1f} minutes of audio, "
        f"{summary['minutes_sounding']:.1f} sounding" + (f"; {', '.join(counts)}" if counts else "")
    )
    return [line.rstrip() for line in text]


def _counted(cells: list[Mapping[str, Any]]) -> list[str]:
    return [text for cell in cells for text in (str(cell["stems"]), f"{cell['minutes_sounding']:.1f}")]


def grouped(issues: Iterable[Issue], everything: bool = False) -> list[str]:
    """IssueLog as lines, the worst first; those of one severity and reason in one line that names some places.

    Parameters
    ----------
    issues : iterable of Issue
    everything : bool
        A line for each instead.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for issue in issues:
        groups.setdefault((issue.severity, issue.reason), []).append(issue.place)
    order = {"failed": 0, "refused": 1, "dropped": 2, "note": 3}
    found = []
    for (severity, reason), places in sorted(groups.items(), key=lambda group: order[group[0][0]]):
        if everything or len(places) <= _PLACES:
            found += [f"{severity}: {place}: {reason}" for place in places]
        else:
            found.append(f"{severity}: {len(places)} times: {reason} ({', '.join(places[:_PLACES])}, ...)")
    return found
