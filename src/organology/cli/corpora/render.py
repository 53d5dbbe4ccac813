"""`organology render`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from organology.cli.echo import echo
from organology.counted import counted
from organology.outputs.terminal.printable import printable


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("render")(render)


def render(
    midi: Annotated[list[Path], typer.Argument(help="MIDI files, or folders of them.")],
    soundfont: Annotated[list[Path], typer.Option("--soundfont", "-s", help="SoundFont; one is drawn for each song.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the songs and stems.csv.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same files.")] = 0,
    renditions: Annotated[int, typer.Option(min=1, help="Songs made of each MIDI file.")] = 1,
    reassign: Annotated[
        float, typer.Option(min=0, max=1, help="Probability that a part's program is drawn anew.")
    ] = 0.0,
    humanize: Annotated[float, typer.Option(min=0, help="Unevenness of time and velocity; 1: 8 ms and 6 steps.")] = 0.0,
    max_seconds: Annotated[
        float | None, typer.Option(min=1, help="Length of an excerpt, taken where most parts sound.")
    ] = None,
    even_levels: Annotated[
        float, typer.Option(min=0, max=1, help="0: relative levels as written; 1: all stems of a song equally loud.")
    ] = 0.0,
    reverb: Annotated[bool, typer.Option(help="fluidsynth's reverb.")] = True,
    chorus: Annotated[bool, typer.Option(help="fluidsynth's chorus.")] = True,
    vary_room: Annotated[bool, typer.Option("--vary-room", help="Draw the reverb's settings for each song.")] = False,
    licence: Annotated[str, typer.Option(help="Licence of the MIDI files, for stems.csv.")] = "",
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Songs rendered at once.")] = 1,
) -> None:
    """Render MIDI files to songs of stems with fluidsynth.

    Each track, channel and program becomes a stem; its labels come from the General MIDI program. Songs that are
    there already are kept, so that a run can be taken up again.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from organology.rendering import render as rendering
    from organology.targets import check_output

    check_output(out, [*midi, *soundfont], folder=True)
    config = rendering.RenderConfig(
        seed, renditions, reassign, humanize, max_seconds, even_levels, reverb, chorus, vary_room, licence
    )
    pieces = rendering.find_midi(midi)
    n_stems = n_songs = n_failed = n_kept = 0
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    columns = (TextColumn("rendering"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("", total=len(pieces) * renditions)
        for rendered in rendering.render(pieces, soundfont, out, config, jobs):
            progress.advance(bar)
            if rendered.error:
                n_failed += 1
                progress.console.print(printable(f"error: {rendered.error}"))
                continue
            n_songs, n_stems, n_kept = n_songs + 1, n_stems + rendered.n_stems, n_kept + rendered.kept
            if rendered.left_out and not rendered.kept:
                left_out = printable(f"{rendered.song}: left out {'; '.join(rendered.left_out)}")
                progress.console.print(left_out)
    kept = f" ({n_kept} kept from before)" if n_kept else ""
    echo(f"{counted(n_songs, 'song')}{kept}, {counted(n_stems, 'stem')}, {n_failed} failed: {out / 'stems.csv'}")
    if n_failed:
        raise typer.Exit(1)
