"""`organology embed`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from organology.cli.echo import echo

SUFFIXES = (".npz", ".parquet")


class Opened(NamedTuple):
    """A model as something that embeds windows."""

    name: str
    embed: Callable[[Any], Any]
    sample_rate: int
    window_seconds: float


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("embed")(embed)


def embed(
    model: Annotated[
        Path,
        typer.Argument(help="Checkpoint folder, or a model file exported with --embedding.", show_default=False),
    ],
    recordings: Annotated[
        list[str],
        typer.Argument(help="Files, folders, patterns, playlists; - is standard input.", show_default=False),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="File to write: .npz, or .parquet with a row a window.")
    ] = Path("embeddings.npz"),
    hop: Annotated[
        float | None, typer.Option(min=0.01, help="Distance of the windows in seconds [a window, end to end].")
    ] = None,
) -> None:
    """Write what a network's backbone makes of recordings, before the head: a vector a window."""
    from rich.console import Console
    from rich.progress import track

    from organology.audio.inputs import expand
    from organology.errors import AudioError, ConfigError
    from organology.extras import require
    from organology.targets import check_output
    from organology.traceless import own_temporary_folder
    from organology.training.embeddings.recordings import EmbeddedRecording, embed_recording, write_embeddings

    own_temporary_folder()
    if out.suffix.casefold() not in SUFFIXES:
        raise ConfigError(f"{out}: ends in neither {' nor '.join(SUFFIXES)}")
    if out.suffix.casefold() == ".parquet":
        require("polars")
    inputs = expand(recordings)
    check_output(out, [model, *(each.name for each in inputs.files if each.file is None)])
    for name, reason in inputs.failures:
        echo(f"{name}: {reason}", err=True)
    opened = open_model(model)
    found: list[tuple[str, EmbeddedRecording]] = []
    failed = bool(inputs.failures)
    for each in track(inputs.files, f"embedding {len(inputs.files)} recordings", console=Console(stderr=True)):
        try:
            seconds = opened.window_seconds
            one = embed_recording(each.source, opened.embed, opened.sample_rate, seconds, hop or seconds)
            found.append((each.name, one))
        except AudioError as error:
            failed = True
            echo(str(error), err=True)
    if found:
        write_embeddings(out, found, {"model": opened.name, "hop_seconds": hop or opened.window_seconds})
        windows, size = sum(len(one.starts) for _, one in found), found[0][1].embeddings.shape[1]
        echo(f"{out}: {windows} windows of {len(found)} recordings, {size} numbers each")
    else:
        echo("nothing to write: no recording could be read", err=True)
    if failed or not found:
        raise typer.Exit(1)


def open_model(path: Path) -> Opened:
    """Open a model file or a checkpoint folder.

    Raises
    ------
    ModelError
        If it cannot be used, or gives no embeddings.
    """
    if path.suffix == ".onnx":
        from organology.errors import ModelError
        from organology.recognition.onnx_model import ModelFile

        model = ModelFile(path)
        if model.embedding_size is None:
            raise ModelError(f"{path}: gives no embeddings; export it with --embedding, or name its checkpoint folder")
        return Opened(model.name, model.embeddings, model.metadata.sample_rate, model.metadata.window_seconds)
    import torch

    from organology.model import load_checkpoint

    network, metadata = load_checkpoint(path)
    network.eval()

    @torch.inference_mode()
    def of(waveforms: Any) -> Any:
        return network.embed(torch.from_numpy(waveforms)).numpy()

    return Opened(metadata.name or path.name, of, metadata.sample_rate, metadata.window_seconds)
