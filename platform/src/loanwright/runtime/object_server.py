"""The embedded S3 server: SeaweedFS on loopback, with generated credentials, in the state folder."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from loanwright.errors import EnvironmentFault, StorageFault
from loanwright.runtime.processes import Identity
from loanwright.runtime.server_credentials import make_credentials, read_credentials
from loanwright.runtime.settings import EMBEDDED_BUCKET, Settings, environment
from loanwright.storage import open_store

_HOST = "127.0.0.1"
_START_SECONDS = 20.0
_PORTS = ("s3.port", "master.port", "filer.port", "volume.port", "admin.port")
_GRPC = 10_000  # the server's gRPC ports are its HTTP ports plus this


@dataclass(frozen=True)
class Served:
    """A live server: its process, and the port at which it speaks S3."""

    identity: Identity
    port: int


class ObjectServer:
    """Starts, finds again and stops the server of one state folder."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.state / "s3"
        self._fixed_port = settings.s3_port

    @property
    def _record(self) -> Path:
        return self._folder / "server.json"

    @property
    def _credentials(self) -> Path:
        return self._folder / "credentials.json"

    def running(self) -> Served | None:
        """The live server of this state folder; None if it is down."""
        served = self._recorded() or self._unrecorded()
        return served if served is not None and _answers(served.port) else None

    def start(self) -> dict[str, str]:
        """Makes sure that the server runs; the environment variables by which it is reached.

        Raises:
            EnvironmentFault: it does not come up, or the port that was asked for is taken.
        """
        with self._alone():
            served = self.running()
            if served is not None and self._fixed_port not in (None, served.port):
                raise EnvironmentFault(
                    f"the S3 server of this state folder runs on port {served.port}, and LOANWRIGHT_S3_PORT asks for "
                    f"{self._fixed_port}",
                    fix="Stop it first: loanwright stop",
                )
            credentials = read_credentials(self._credentials)
            if served is not None and credentials is not None:
                return self._variables(served.port, *credentials)
            if credentials is None:
                self._end()  # a server whose credentials are lost takes new ones only when it starts
                credentials = make_credentials(self._credentials)
            variables = self._variables(self._launch(), *credentials)
            _await_bucket(variables)
        return variables

    def _variables(self, port: int, key: str, secret: str) -> dict[str, str]:
        return {
            "LOANWRIGHT_STORE": f"s3://{EMBEDDED_BUCKET}",
            "LOANWRIGHT_S3_ENDPOINT": f"http://{_HOST}:{port}",
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def stop(self) -> bool:
        """Ends the server; False if it was not running."""
        with self._alone():
            return self._end()

    def _end(self) -> bool:
        served = self._recorded() or self._unrecorded()
        self._record.unlink(missing_ok=True)
        return served is not None and served.identity.end(patience=5.0)

    def _recorded(self) -> Served | None:
        try:
            record = json.loads(self._record.read_text())
            served = Served(Identity(int(record["pid"]), float(record["started"])), int(record["port"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return served if served.identity.process() is not None else None

    def _unrecorded(self) -> Served | None:
        """A server whose starter was killed before it wrote the record, known by its data folder."""
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or []
            if f"-dir={self._folder / 'data'}" in words:
                port = next((word.partition("=")[2] for word in words if word.startswith("-s3.port=")), "")
                try:
                    return Served(Identity.of(process.pid), int(port))
                except (psutil.NoSuchProcess, ValueError):
                    continue
        return None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Commands that start at the same time must not each start a server."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "server.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _launch(self) -> int:
        self._end()
        if self._fixed_port is not None and not _free(self._fixed_port):
            raise EnvironmentFault(
                f"port {self._fixed_port}, set by LOANWRIGHT_S3_PORT, is taken",
                fix="Choose another one, or unset it to take any free port",
            )
        # A port that was free a moment ago can be taken by the time the server binds it.
        for _ in range(3):
            ports = _choose(self._fixed_port)
            server = self._spawn(ports)
            if self._ready(server, ports["s3.port"]):
                return ports["s3.port"]
            server.end()
        raise EnvironmentFault(
            f"the embedded S3 server did not come up: {self._last_words()}",
            fix=f"Its log is {self._folder / 'server.log'}",
        )

    def _spawn(self, ports: dict[str, int]) -> Identity:
        data = self._folder / "data"
        data.mkdir(exist_ok=True)
        command = [
            _program(), "-logtostderr=true", "mini", f"-dir={data}", f"-ip={_HOST}", f"-ip.bind={_HOST}",
            "-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
            f"-s3.config={self._credentials}", f"-bucket={EMBEDDED_BUCKET}",
            *(f"-{name}={port}" for name, port in ports.items()),
            *(f"-{name}.grpc={port + _GRPC}" for name, port in ports.items()),
        ]  # fmt: skip
        log = str(self._folder / "server.log")
        # Not subprocess: the server outlives this process, and nobody will wait for it.
        pid = os.posix_spawn(
            command[0],
            command,
            _own_environment(),
            setsid=True,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )
        identity = Identity.of(pid)
        temporary = self._record.with_suffix(".part")
        temporary.write_text(json.dumps(asdict(identity) | {"port": ports["s3.port"]}))
        temporary.replace(self._record)
        return identity

    def _ready(self, server: Identity, port: int) -> bool:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and server.process() is not None:
            if _answers(port) and self._has_bucket(port):
                return True
            time.sleep(0.05)
        return False

    def _has_bucket(self, port: int) -> bool:
        request = urllib.request.Request(f"http://{_HOST}:{port}/{EMBEDDED_BUCKET}", method="HEAD")
        try:
            urllib.request.urlopen(request, timeout=2).close()  # noqa: S310 - loopback
        except urllib.error.HTTPError as error:
            return error.code == 403  # it asks for a signature: it is up
        except OSError:
            return False
        return True

    def _last_words(self) -> str:
        lines = (self._folder / "server.log").read_text(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else "it said nothing"


def _await_bucket(variables: dict[str, str]) -> None:
    """A server that just came up may answer before it has made its bucket."""
    deadline = time.monotonic() + _START_SECONDS
    with environment(_own_environment() | variables):
        store = open_store(variables["LOANWRIGHT_STORE"])
        while True:
            try:
                next(iter(store.list()), None)
            except StorageFault as fault:
                if "does not exist" not in fault.problem or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return


def _own_environment() -> dict[str, str]:
    """This process's environment without what belongs to other object stores."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "WEED_"))}


def _program() -> str:
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise EnvironmentFault("the embedded S3 server's program 'weed' is not installed", fix="Run make install")
    return found


def _choose(fixed: int | None) -> dict[str, int]:
    ports: dict[str, int] = {}
    for name in _PORTS:
        if name == "s3.port" and fixed is not None:
            ports[name] = fixed
            continue
        while True:
            port = 20_000 + secrets.randbelow(12_000)
            if port not in ports.values() and _free(port) and _free(port + _GRPC):
                ports[name] = port
                break
    return ports


def _free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True


def _answers(port: int) -> bool:
    try:
        socket.create_connection((_HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
