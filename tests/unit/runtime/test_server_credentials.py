"""What cannot be read as credentials is none, never an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from loanwright.runtime.server_credentials import make_credentials, read_credentials


def test_what_is_made_is_read_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    assert read_credentials(path) is None
    made = make_credentials(path)
    assert read_credentials(path) == made
    assert path.stat().st_mode & 0o077 == 0
    assert make_credentials(path) != made


@pytest.mark.parametrize(
    "text", ["", '{"identities": [{"cred', "[1]", '{"identities": []}', '{"identities": null}', "\x00", "\udcff"]
)
def test_what_is_damaged_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "credentials.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    assert read_credentials(path) is None
