"""`ui`, `stop`, `prune`, `doctor`: what surrounds the runs."""

from __future__ import annotations

import os
import socket
import sys

import typer

from loanwright.errors import EnvironmentFault
from loanwright.runtime.settings import Settings

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    # Else eight processes wait for jobs that only MLflow's language model features have.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}


def add_to(app: typer.Typer) -> None:
    """Adds these commands to the application."""
    app.command("ui")(ui)
    app.command("stop")(stop)
    app.command("prune")(prune)
    app.command("doctor")(doctor)


def ui(port: int = typer.Option(5000, help="The port to listen on, on loopback.")) -> None:
    """Open the registry's web page (MLflow UI) until Ctrl-C."""
    from loanwright.registry.client import initialise, shown

    settings = Settings.read()
    if settings.tracking_uri:
        typer.echo(f"The registry is a server of its own: {shown(settings.tracking_uri)}")
        return
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        raise EnvironmentFault(f"port {port} is taken", fix="Name another: loanwright ui --port 5001") from None
    initialise(settings.registry_uri)
    typer.echo(f"MLflow UI: http://127.0.0.1:{port}/#/models in some seconds  (Ctrl-C ends it)")
    command = [
        *(sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", settings.registry_uri, "--port", str(port)),
        # What is made in the pages lies in the state folder too, not wherever this was called.
        *("--default-artifact-root", str(settings.database.parent / "artifacts"), "--no-serve-artifacts"),
        *("--workers", "1"),
    ]
    os.execve(sys.executable, command, settings.variables() | _QUIET)  # noqa: S606 - the UI takes this process's place


def stop() -> None:
    """Stop the embedded S3 server."""
    from loanwright.runtime.lock import held
    from loanwright.runtime.object_server import ObjectServer

    settings = Settings.read()
    with held(settings.state, "stop"):
        stopped = ObjectServer(settings).stop()
    typer.echo("The S3 server is stopped." if stopped else "No S3 server was running.")


def prune(
    dry_run: bool = typer.Option(False, "--dry-run", help="Remove nothing; say what would go."),
) -> None:
    """Free disk: all but what registered models and the latest run of each model need."""
    from loanwright.runtime.prune import prune as free

    freed = free(Settings.read(), dry_run=dry_run)
    did = "Would remove" if dry_run else "Removed"
    typer.echo(f"{did} {freed.objects} objects ({freed.bytes / 1e6:.1f} MB) and {freed.runs} runs.")


def doctor() -> None:
    """Check this machine and say what to do."""
    from loanwright.runtime.doctor import diagnose

    ill = 0
    for diagnosis in diagnose(Settings.read()):
        ill += not diagnosis.well
        mark = "ok  " if diagnosis.well else "BAD "
        typer.echo(f"{mark}{diagnosis.name}: {diagnosis.seen}" + ("" if diagnosis.well else f". {diagnosis.advice}"))
    if ill:
        raise EnvironmentFault(f"{ill} of these would keep a run from working")
