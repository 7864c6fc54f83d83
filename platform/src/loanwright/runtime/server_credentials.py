"""The embedded S3 server's one pair of credentials: made up once, and kept in a file that only its owner reads."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from loanwright.runtime.records import read_json


def read_credentials(path: Path) -> tuple[str, str] | None:
    """The key and the secret; None if the file is absent, or is not what `make_credentials` wrote."""
    try:
        pair = (read_json(path) or {})["identities"][0]["credentials"][0]
        key, secret = pair["accessKey"], pair["secretKey"]
    except (KeyError, IndexError, TypeError):
        return None
    return (key, secret) if isinstance(key, str) and isinstance(secret, str) and key and secret else None


def make_credentials(path: Path) -> tuple[str, str]:
    """Writes a new pair, in the form that the server reads; the key and the secret."""
    key, secret = secrets.token_hex(10), secrets.token_urlsafe(32)
    pair = {"accessKey": key, "secretKey": secret}
    identity = {"name": "loanwright", "credentials": [pair], "actions": ["Admin", "Read", "Write", "List"]}
    temporary = path.with_suffix(".part")
    temporary.unlink(missing_ok=True)
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps({"identities": [identity]}))
    temporary.replace(path)
    return key, secret
