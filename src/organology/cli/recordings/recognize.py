"""`organology recognize`: which instruments play in recordings, and when."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from organology.cli.recordings.choices import Channels, OutputFormat, RecognizeCommand, check_output, check_plot
from organology.cli.recordings.options import labels_of, list_formats, thresholds_of

_INPUT, _OUTPUT, _DECISION, _BATCH = "What is read", "What is written", "From scores to segments", "Many files"


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(name="recognize", cls=RecognizeCommand)(recognize)


def recognize(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            show_default=False,
            help="Audio or video files, folders of them, patterns ('**/*.flac'), playlists (m3u, m3u8, pls), "
            "@LIST (a path a line), - (audio on standard input).",
        ),
    ] = None,
    from_file: Annotated[
        list[str] | None,
        typer.Option(
            "--from-file", metavar="LIST", rich_help_panel=_INPUT, help="A file with a path a line (-: standard input)."
        ),
    ] = None,
    null: Annotated[
        bool, typer.Option("--null", "-0", rich_help_panel=_INPUT, help="NUL bytes divide the paths of a list.")
    ] = False,
    recursive: Annotated[
        bool,
        typer.Option(
            "--recursive/--no-recursive", rich_help_panel=_INPUT, help="Search folders with all below them, or alone."
        ),
    ] = True,
    hidden: Annotated[
        bool, typer.Option("--hidden", rich_help_panel=_INPUT, help="Search for hidden files, too.")
    ] = False,
    channels: Annotated[
        Channels,
        typer.Option(rich_help_panel=_INPUT, help="Recognize the mean of the channels, or each alone as FILE#chN."),
    ] = Channels.MIX,
    output_format: Annotated[
        OutputFormat | None,
        typer.Option(
            "--format", rich_help_panel=_OUTPUT, help="What is written.  [default: as --output ends, else table]"
        ),
    ] = None,
    formats: Annotated[
        bool,
        typer.Option(
            "--formats", is_eager=True, callback=list_formats, rich_help_panel=_OUTPUT, help="List the formats and end."
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            rich_help_panel=_OUTPUT,
            help="File to write, whole, in place of standard output; or a folder, with a file a recording.",
        ),
    ] = None,
    timeline: Annotated[
        bool,
        typer.Option(
            "--timeline",
            rich_help_panel=_OUTPUT,
            help="The windows too (json, jsonl, html), in place of the files (csv), or blocks over time (table).",
        ),
    ] = False,
    per_label: Annotated[
        bool,
        typer.Option("--per-label", rich_help_panel=_OUTPUT, help="audacity, into a folder: a track for each label."),
    ] = False,
    embed_audio: Annotated[
        bool,
        typer.Option("--embed-audio", rich_help_panel=_OUTPUT, help="html: the audio itself in the page, not a link."),
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="[PATH]",
            rich_help_panel=_OUTPUT,
            help="Draw timelines: a .png, .pdf or .svg for one file, or a folder (alone: the current one).",
        ),
    ] = None,
    write_tags: Annotated[
        bool,
        typer.Option(
            "--write-tags",
            rich_help_panel=_OUTPUT,
            help="Tell which tag each recording would get (its instruments); with --yes write it.",
        ),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", rich_help_panel=_OUTPUT, help="Let --write-tags change the files.")
    ] = False,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[LABEL=]X",
            rich_help_panel=_DECISION,
            help="In place of the model's: one for all labels (0.4), or for one (violin=0.4); may be repeated.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="LABELS", rich_help_panel=_DECISION, help="These labels alone: violin,brass."),
    ] = None,
    label_set: Annotated[
        str | None,
        typer.Option(
            "--labels",
            metavar="SET",
            rich_help_panel=_DECISION,
            help="Another label set, by its name or a table of your own, as far as the model can tell it.",
        ),
    ] = None,
    brief: Annotated[
        bool,
        typer.Option(
            "--brief/--no-brief",
            rich_help_panel=_DECISION,
            help="Whether outputs have the segments of labels that play only for a while.",
        ),
    ] = True,
    hop: Annotated[
        float,
        typer.Option(min=0.01, metavar="SECONDS", rich_help_panel=_DECISION, help="How far windows are apart."),
    ] = 1.0,
    min_seconds: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="SECONDS", rich_help_panel=_DECISION, help="Drop segments shorter than this.  [default: 1]"
        ),
    ] = None,
    max_gap: Annotated[
        float | None,
        typer.Option(min=0, metavar="SECONDS", rich_help_panel=_DECISION, help="Close gaps up to this.  [default: 1]"),
    ] = None,
    smooth: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="SECONDS",
            rich_help_panel=_DECISION,
            help="Smooth scores over time by the median of so many seconds.  [default: 0]",
        ),
    ] = None,
    low_ratio: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="X",
            rich_help_panel=_DECISION,
            help="A segment goes on down to this share of the threshold.  [default: 0.75]",
        ),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(metavar="FILE", rich_help_panel=_DECISION, help="Another model file (ONNX).")
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=_BATCH,
            help="Remember results in this SQLite file and do nothing twice: a run that was stopped goes on.",
        ),
    ] = None,
    retry: Annotated[
        bool,
        typer.Option("--retry", rich_help_panel=_BATCH, help="Try again what the store says cannot be recognized."),
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "-j", min=1, rich_help_panel=_BATCH, help="Files worked on at once.  [default: as --threads]"
        ),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, rich_help_panel=_BATCH, help="Threads in all.  [default: all cores]")
    ] = None,
) -> None:
    """Tell which instruments play in recordings, and when.

    An input that cannot be used costs one line on standard error and exit status 1; the rest goes on.
    """
    paths = paths or []
    if not paths and not from_file:
        raise typer.BadParameter("name a file, a folder, or --from-file LIST", param_hint="PATH")
    if retry and store is None:
        raise typer.BadParameter("goes with --store", param_hint="--retry")
    if write_tags and channels is Channels.SPLIT:
        raise typer.BadParameter("tags tell of whole files: not with --channels split", param_hint="--write-tags")
    if yes and not write_tags:
        raise typer.BadParameter("goes with --write-tags", param_hint="--yes")
    check_plot(plot, paths)
    thresholds, labels = thresholds_of(threshold), labels_of(only, "--only")
    from organology.batch.job import Job, run
    from organology.outputs.registry import format_of
    from organology.recognition.segments import SegmentSettings

    chosen = format_of(output) if output_format is None else output_format.value
    check_output(chosen, output, timeline, per_label, embed_audio)

    settings = {
        "min_seconds": min_seconds,
        "max_gap_seconds": max_gap,
        "median_seconds": smooth,
        "low_ratio": low_ratio,
    }
    job = Job(
        paths=paths,
        lists=from_file or [],
        null=null,
        recursive=recursive,
        hidden=hidden,
        format=chosen,
        output=output,
        timeline=timeline,
        per_label=per_label,
        embed_audio=embed_audio,
        tags=("write" if yes else "tell") if write_tags else None,
        hop_seconds=hop,
        split=channels is Channels.SPLIT,
        plot=plot,
        model=model,
        thresholds=thresholds,
        segment_settings=replace(
            SegmentSettings(), **{name: value for name, value in settings.items() if value is not None}
        ),
        only=labels,
        labels=label_set,
        brief=brief,
        jobs=jobs,
        threads=threads,
        store=store,
        retry=retry,
    )
    try:
        n_failed = run(job)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, e.g. `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    if n_failed:
        raise typer.Exit(1)
