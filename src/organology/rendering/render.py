"""MIDI files -> songs of stems, rendered with fluidsynth and SoundFonts, as Slakh2100 was made.

    OUT/
    ├── stems.csv              one row a stem, as `organology prepare stems` reads it
    └── <song>/
        ├── 00-<program>.flac  mono, 32 kHz, 16 bit; all stems of a song share one time line and length
        └── song.json          the stems, what was left out, the settings; written last

A song is one rendition of one MIDI file, its artist the MIDI file, so that no split parts the renditions of one
piece. Every random choice rests on (seed, rendition, the MIDI file's bytes) alone.

Source of the idea: Manilow, Wichern, Seetharaman, Le Roux, "Cutting Music Source Separation Some Slakh", WASPAA 2019.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from organology.atomic import written_whole
from organology.errors import CorpusError, one_line, show_traceback
from organology.rendering.fluidsynth import SoundFont, find_fluidsynth
from organology.rendering.song import COLUMNS, Piece, RenderConfig, Rendered, read_song, render_song, song_name

SUFFIXES = (".mid", ".midi", ".kar")

__all__ = [
    "COLUMNS",
    "SUFFIXES",
    "Piece",
    "RenderConfig",
    "Rendered",
    "find_midi",
    "render",
    "write_rows",
    "write_stems_csv",
]


def find_midi(paths: Sequence[Path]) -> list[Piece]:
    """MIDI files among files and folders, the folders searched to any depth, sorted.

    A file keeps its stem as its name; files of a folder are named by the folder and their place in it.

    Raises
    ------
    CorpusError
        If a path is missing, a folder holds no MIDI file, or two files would get one name.
    """
    pieces: dict[str, Piece] = {}
    for path in paths:
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
            root = path.resolve().name
            named = [Piece(f, _safe(".".join([root, *f.relative_to(path).with_suffix("").parts]))) for f in files]
            if not named:
                raise CorpusError(f"{path}: no MIDI file ({', '.join(SUFFIXES)}) in this folder")
        elif path.exists():
            named = [Piece(path, _safe(path.stem))]
        else:
            raise CorpusError(f"{path}: no such file or folder")
        for piece in named:
            other = pieces.setdefault(piece.name, piece)
            if other.path.resolve() != piece.path.resolve():
                raise CorpusError(f"{piece.path}: would become the song {piece.name}, as {other.path} does; rename one")
    return list(pieces.values())


def _safe(name: str) -> str:
    return re.sub(r"[^\w.+-]+", "_", name).strip("._") or "song"


def render(
    pieces: Sequence[Piece], soundfonts: Sequence[Path], out: Path, config: RenderConfig, jobs: int = 1
) -> Iterator[Rendered]:
    """Render pieces and write `stems.csv`.

    Parameters
    ----------
    pieces : sequence of Piece
        See `find_midi`.
    soundfonts : sequence of Path
        One is drawn for each song; renditions of a piece take different ones as far as they last.
    out : Path
        Songs that are there already with the same settings are kept; `stems.csv` lists every song in it.
    config : RenderConfig
    jobs : int
        Songs rendered at once.

    Yields
    ------
    Rendered
        Of each song, in the order they are done. A piece that cannot be used gives one with an error.

    Raises
    ------
    CorpusError
        If fluidsynth is missing or a SoundFont cannot be used.
    """
    find_fluidsynth()
    fonts = [SoundFont.open(path) for path in soundfonts]
    if not fonts:
        raise CorpusError("no SoundFont given")
    out.mkdir(parents=True, exist_ok=True)
    pool = ThreadPoolExecutor(max_workers=max(jobs, 1))  # the work is done by fluidsynth, in its own processes
    try:
        tasks = [
            pool.submit(_render_one, piece, rendition, fonts, out, config)
            for piece in pieces
            for rendition in range(config.renditions)
        ]
        for task in as_completed(tasks):
            yield task.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        write_stems_csv(out)


def _render_one(piece: Piece, rendition: int, fonts: Sequence[SoundFont], out: Path, config: RenderConfig) -> Rendered:
    try:
        return render_song(piece, rendition, fonts, out, config)
    except Exception as error:  # one line a piece; the others go on
        show_traceback(error)
        place = "" if isinstance(error, CorpusError) else f"{piece.path}: "
        return Rendered(song_name(piece, rendition, config), error=place + one_line(error))


def write_stems_csv(out: Path) -> int:
    """Write `stems.csv` of all songs in a folder and give the number of rows."""
    songs = (read_song(folder) for folder in sorted(out.iterdir()) if folder.is_dir())
    rows = [row for song in songs if song is not None for row in song["stems"]]
    write_rows(out, rows)
    return len(rows)


def write_rows(out: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Write `stems.csv` of a folder, whole, from rows with all `COLUMNS`."""
    with written_whole(out / "stems.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
