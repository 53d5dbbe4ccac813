"""`organology listen`: what plays now, in the terminal."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

from organology.cli.recordings.options import wrong_option


class PcmFormat(StrEnum):
    """Forms of raw samples: `live.PCM_FORMATS`."""

    S16LE = "s16le"
    S32LE = "s32le"
    F32LE = "f32le"


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(name="listen")(listen)


def listen(
    source: Annotated[
        str, typer.Argument(metavar="[-]", help="-: raw samples from standard input; else the microphone.")
    ] = "",
    rate: Annotated[int, typer.Option(min=1000, max=768_000, help="Of raw samples, in Hz.")] = 44_100,
    channels: Annotated[int, typer.Option(min=1, max=64, help="Of raw samples.")] = 1,
    pcm: Annotated[PcmFormat, typer.Option(help="Form of raw samples, as FFmpeg names it.")] = PcmFormat.S16LE,
    device: Annotated[
        str | None, typer.Option(metavar="NAME", help="Another microphone: its name or number.", show_default=False)
    ] = None,
    every: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="How often.")] = 1.0,
    threshold: Annotated[
        list[str] | None,
        typer.Option(metavar="[LABEL=]X", help="In place of the model's: for all labels, or for one; repeatable."),
    ] = None,
    model: Annotated[str | None, typer.Option(metavar="FILE", help="Another model file.", show_default=False)] = None,
) -> None:
    """Print what plays now, each second, from the microphone or a pipe.

    ffmpeg -i URL -f s16le -ac 1 -ar 44100 - | organology listen - --rate 44100
    """
    if source not in ("", "-"):
        raise typer.BadParameter("is -, or left out; `organology recognize` reads files", param_hint="[-]")
    from organology.batch.words import thresholds_of
    from organology.recognition.recognizer import Recognizer
    from organology.recognition.thresholds import resolve_thresholds
    from organology.serving.live import PcmPipe, microphone, moments

    recognizer = Recognizer(model, threads=1)
    with wrong_option("--threshold"):
        given = thresholds_of(threshold or (), recognizer.label_set)
    thresholds = resolve_thresholds(recognizer.label_set, recognizer.metadata.thresholds, given)
    if source == "-":
        _print(moments(recognizer, PcmPipe(sys.stdin.buffer, rate, channels, pcm.value), thresholds, every), recognizer)
        return
    number: Any = int(device) if device is not None and device.isdigit() else device
    with microphone(number) as blocks:
        _print(moments(recognizer, blocks, thresholds, every), recognizer)


def _print(found: Any, recognizer: Any) -> None:
    from organology.timeaxis import clock

    names = recognizer.metadata.label_set.display
    for moment in found:
        playing = ", ".join(f"{names[label]} {score:.2f}" for label, score in moment.playing)
        print(f"{clock(moment.seconds):>7}  {playing or '-'}", flush=True)
