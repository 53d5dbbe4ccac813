"""`organology export`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from organology.cli.choice import one_of
from organology.cli.echo import echo


def _poolings() -> Iterable[str]:
    from organology.recognition.pooling import POOLINGS

    return POOLINGS


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""

    @app.command("export")
    def export(
        checkpoint: Annotated[Path, typer.Argument(help="Checkpoint folder (model.safetensors, model.json).")],
        model: Annotated[Path, typer.Argument(help="ONNX file to write.")],
        tolerance: Annotated[
            float, typer.Option(help="Largest difference of a score, torch and ONNX, that is let through.")
        ] = 1e-4,
        name: Annotated[
            str | None, typer.Option(help="What outputs call the model.", show_default="as the checkpoint")
        ] = None,
        pooling: Annotated[
            str | None,
            typer.Option(
                parser=one_of(_poolings),
                metavar="RULE",
                help="How windows become the score of a file: mean, max, … (docs/recognition.md lists the rules).",
                show_default="as the checkpoint",
            ),
        ] = None,
        embedding: Annotated[
            bool, typer.Option("--embedding", help="Also give the embedding of a window, for organology embed.")
        ] = False,
    ) -> None:
        """Write a trained network as one ONNX file: waveform in, scores out."""
        from organology.model import export_onnx, load_checkpoint
        from organology.targets import CHECKPOINT_FILES, check_output
        from organology.traceless import own_temporary_folder

        own_temporary_folder()
        check_output(model, [checkpoint, *(checkpoint / part for part in CHECKPOINT_FILES)])
        net, metadata = load_checkpoint(checkpoint)
        metadata = replace(
            metadata,
            name=metadata.name if name is None else name,
            pooling=metadata.pooling if pooling is None else pooling,
        )
        report = export_onnx(net, metadata, model, tolerance, embedding)
        echo(f"{model}: {report.n_bytes / 1e6:.1f} MB")
        for label, threshold in zip(report.metadata.labels, report.metadata.thresholds, strict=True):
            echo(f"  {label:<16} plays at {threshold:.3f} or above")
        echo(f"largest difference of a score, torch and ONNX: {report.largest_difference:.1e}")
