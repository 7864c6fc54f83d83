"""A real MLflow server on a sqlite file, for the tests that need one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen


@contextmanager
def serve_mlflow(tracking_uri: str, folder: Path) -> Iterator[str]:
    """Starts a server; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    artifacts = folder / "served"
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", tracking_uri, "--artifacts-destination", str(artifacts),
    ]  # fmt: skip
    with (folder / "server.log").open("wb") as log:
        # A session of its own, so that its workers end with it; without the job runners, which nothing here needs.
        environ = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environ, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        _await(address, folder / "server.log")
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


def _await(address: str, log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            with urlopen(f"{address}/health", timeout=2):  # noqa: S310  # a fixed http address
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise TimeoutError(f"MLflow's server did not start: {log.read_text()[-2000:]}")
