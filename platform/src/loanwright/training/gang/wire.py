"""Messages over a connection: JSON behind its length, and the proof that both ends know one secret."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
from typing import Any

SMALL = 4096
"""Bytes of the largest message before the other end has proved itself."""
LARGE = 256 << 20


def send(connection: socket.socket, value: Any) -> None:
    """Sends a JSON value.

    Raises:
        OSError: the other end is gone.
    """
    data = json.dumps(value, separators=(",", ":")).encode()
    if len(data) > LARGE:
        raise ValueError(f"a message of {len(data):,} bytes is larger than the {LARGE:,} that may be sent")
    connection.sendall(len(data).to_bytes(4, "big") + data)


def receive(connection: socket.socket, limit: int) -> Any:
    """The next JSON value.

    Raises:
        EOFError: the other end has closed.
        OSError: the other end is gone, or the socket's own time limit passed.
        ValueError: what came is no such message, or larger than `limit` bytes.
    """
    size = int.from_bytes(_exactly(connection, 4), "big")
    if size > limit:
        raise ValueError(f"a message of {size:,} bytes is announced, and {limit:,} are allowed")
    return json.loads(_exactly(connection, size))


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = connection.recv(min(size - len(data), 1 << 20))
        if not part:
            raise EOFError
        data += part
    return bytes(data)


def proof(secret: str, *facts: object) -> str:
    """What only somebody who knows the secret can say of these facts (HMAC-SHA256)."""
    return hmac.new(secret.encode(), json.dumps(facts).encode(), hashlib.sha256).hexdigest()


def proved(claim: object, secret: str, *facts: object) -> bool:
    """Whether the claim is the proof of these facts."""
    return isinstance(claim, str) and hmac.compare_digest(claim.encode(), proof(secret, *facts).encode())
