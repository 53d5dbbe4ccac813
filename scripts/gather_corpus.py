#!/usr/bin/env python3
"""Gather the open audio that the shipped model was trained on, as far as anybody may pass it on.

    python scripts/gather_corpus.py --list
    python scripts/gather_corpus.py --out gathered                     # everything; can be stopped and started again
    python scripts/gather_corpus.py --out gathered --only pjs-speech --only blackgreen

OUT/stems/     stems.csv and audio for `organology prepare stems`
OUT/notes/     recorded notes and SFZ files, a folder a source, for the scripts that play them
OUT/midi/      MIDI for `organology render`, a folder a source
OUT/soundfonts/
OUT/recordings/    music without labels, a folder a source, for `organology prepare recordings`
OUT/LICENCES.tsv   source, place, licence, attribution, files, minutes

What is taken from where stands in sources.yaml. A source that cannot be had costs one line; the rest goes on, and the
exit status is 1. Needs git; for Debian packages apt-get and dpkg-deb; for scores music21 (pip install music21).
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from dataclasses import asdict
from pathlib import Path

from gathering import manifest, takes
from gathering.download import GatherError, fetch
from rich.console import Console
from rich.table import Table

from organology.atomic import written_whole
from organology.errors import OrganologyError, one_line, show_traceback

HERE = Path(__file__).resolve().parent
STEMS = ("path", "song", "artist", "stem", "families", "instruments", "mask", "kind", "licence", "aligned")
LICENCES = ("source", "place", "licence", "attribution", "files", "minutes")


def show(sources: tuple[manifest.Source, ...]) -> None:
    """Print the sources as a table."""
    table = Table()
    for heading in ("source", "place", "licence", "takes", "tried"):
        table.add_column(heading, overflow="fold")
    for source in sources:
        takes = ", ".join(dict.fromkeys(take.as_ for take in source.take))
        table.add_row(source.name, source.get.place, source.licence, takes, source.tried or "not yet")
    Console(width=160).print(table)


def gather(source: manifest.Source, out: Path, cache: Path, mirror: Path | None) -> takes.Made:
    """Get a source and lay it out; what was made before, with the same entry of the manifest, is kept."""
    record = out / ".gathered" / f"{source.name}.json"
    now = repr(source)
    if record.exists():
        try:
            kept = json.loads(record.read_text("utf-8"))
            if kept["entry"] == now:
                return takes.Made(kept["rows"], kept["files"], kept["seconds"], kept.get("failures", []))
        except (ValueError, KeyError, TypeError):
            pass  # damaged: made again
    patterns = [pattern for take in source.take for pattern in takes.patterns_of(take)]
    folder = fetch(source.get, cache, patterns, mirror)
    made = takes.build(source, folder, out)
    with written_whole(record) as temporary:
        temporary.write_text(json.dumps({"entry": now, **asdict(made)}), encoding="utf-8")
    return made


def write_tables(out: Path, made: dict[str, tuple[manifest.Source, takes.Made]]) -> None:
    """stems.csv and LICENCES.tsv of all that has been gathered."""
    with (
        written_whole(out / "stems" / "stems.csv") as temporary,
        temporary.open("w", newline="", encoding="utf-8") as f,
    ):
        writer = csv.DictWriter(f, STEMS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(row for _, one in made.values() for row in one.rows)
    with written_whole(out / "LICENCES.tsv") as temporary, temporary.open("w", newline="", encoding="utf-8") as f:
        rows = csv.writer(f, delimiter="\t", lineterminator="\n")
        rows.writerow(LICENCES)
        for source, one in made.values():
            minutes = f"{one.seconds / 60:.1f}"
            rows.writerow([source.name, source.get.place, source.licence, source.by, one.files, minutes])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", "-o", type=Path, default=Path("gathered"))
    parser.add_argument("--manifest", type=Path, default=HERE / "gathering" / "sources.yaml")
    parser.add_argument("--only", action="append", default=[], help="a source; may be repeated")
    parser.add_argument("--list", action="store_true", help="show the sources and stop")
    parser.add_argument("--cache", type=Path, help="of downloads (default: OUT/.cache)")
    parser.add_argument("--mirror", type=Path, help="folder with copies of repositories, OWNER+NAME")
    given = parser.parse_args()
    sources = manifest.load(given.manifest)
    unknown = set(given.only) - {source.name for source in sources}
    if unknown:
        raise GatherError(f"{given.manifest}: no source {', '.join(sorted(unknown))}; --list shows them")
    if given.list:
        show(sources)
        return 0
    status, made = 0, {}
    for source in sources:
        wanted = not given.only or source.name in given.only
        if not wanted and not (given.out / ".gathered" / f"{source.name}.json").exists():
            continue  # gathered by an earlier run: stays in the tables
        try:
            one = gather(source, given.out, given.cache or given.out / ".cache", given.mirror)
        except Exception as error:  # one line a source; the rest goes on
            show_traceback(error)
            print(f"{source.name}: {one_line(error)}", file=sys.stderr)
            status = 1
            continue
        made[source.name] = (source, one)
        for line in one.failures:
            print(f"{source.name}: {line}", file=sys.stderr)
            status = 1
        if wanted:
            print(f"{source.name}: {one.files} files, {one.seconds / 60:.1f} minutes", flush=True)
    write_tables(given.out, made)
    print(f"{len(made)} sources in {given.out}")
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OrganologyError as error:
        raise SystemExit(f"error: {error}") from error
