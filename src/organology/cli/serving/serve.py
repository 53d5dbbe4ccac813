"""`organology serve`: the page and the API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from organology.cli.echo import echo
from organology.cli.recordings.options import GroupedCommand

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_LIMITS, _ACCESS = "Limits", "Access"


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(name="serve", cls=GroupedCommand)(serve)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on.")] = 8000,
    store: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What `recognize --store` wrote: its recordings can be searched, and jobs survive a restart.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[Path | None, typer.Option(metavar="FILE", help="Another model file.", show_default=False)] = None,
    label_set: Annotated[
        str | None,
        typer.Option("--labels", metavar="SET", help="Another label set, as of recognize.", show_default=False),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TOKEN",
            envvar="ORGANOLOGY_TOKEN",
            help="Requests must carry it; better given in the environment (ORGANOLOGY_TOKEN).",
            show_default=False,
            rich_help_panel=_ACCESS,
        ),
    ] = None,
    cors: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN", help="Pages of this origin may call the API; repeatable.", rich_help_panel=_ACCESS
        ),
    ] = None,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Requests must be for this host name; repeatable. Default: on a loopback address its names, else any.",
            rich_help_panel=_ACCESS,
        ),
    ] = None,
    root_path: Annotated[
        str, typer.Option(metavar="PREFIX", help="The path under which a proxy serves this.", rich_help_panel=_ACCESS)
    ] = "",
    max_upload: Annotated[
        float, typer.Option(min=0.001, metavar="MB", help="Of one recording.", rich_help_panel=_LIMITS)
    ] = 512,
    max_minutes: Annotated[
        float, typer.Option(min=0.01, metavar="MINUTES", help="Of one recording.", rich_help_panel=_LIMITS)
    ] = 240,
    queue: Annotated[int, typer.Option(min=1, help="Recordings that may wait.", rich_help_panel=_LIMITS)] = 64,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "-j", min=1, help="Recordings worked on at once; default: all cores.", rich_help_panel=_LIMITS
        ),
    ] = None,
    job_seconds: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="For one recording.", rich_help_panel=_LIMITS)
    ] = 900,
    keep_minutes: Annotated[
        float, typer.Option(min=0.1, metavar="MINUTES", help="Results of jobs are kept.", rich_help_panel=_LIMITS)
    ] = 60,
) -> None:
    """Serve the page and the HTTP API.

    The page is at http://HOST:PORT/, the API's description at /v1/openapi.json.
    """
    from organology.recognition.onnx_model import available_cores
    from organology.serving.server import serve as run
    from organology.serving.settings import Limits, Settings

    limits = Limits(
        upload_bytes=round(max_upload * 1e6),
        duration_seconds=max_minutes * 60,
        queue=queue,
        jobs=jobs or available_cores(),
        job_seconds=job_seconds,
        keep_seconds=keep_minutes * 60,
    )
    hosts = tuple(name.lower() for name in allowed_host or ())
    if not hosts and host in _LOOPBACK:
        hosts = ("127.0.0.1", "localhost", "[::1]")
    if host not in _LOOPBACK and not token:
        echo("note: anybody who reaches this address can use it; --token asks for a token", err=True)
    prefix = f"/{root_path.strip('/')}" if root_path.strip("/") else ""
    settings = Settings(
        model=model,
        labels=label_set,
        store=store,
        token=token or None,
        origins=tuple(cors or ()),
        hosts=hosts,
        root_path=prefix,
        limits=limits,
    )
    shown = f"[{host}]" if ":" in host else host

    def ready(port: int) -> None:
        echo(f"organology serves http://{shown}:{port}{prefix}/", err=True)

    run(settings, host, port, ready)
