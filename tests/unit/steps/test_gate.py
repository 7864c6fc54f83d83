"""A damaged note of an earlier verdict is no verdict: the gate judges anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from loanwright.steps import gate
from loanwright.steps.surroundings import Surroundings
from loanwright.storage import open_store


@pytest.mark.parametrize("record", [b"", b'{"verdict": "', b"[1]", b'{"a": null}', b'{"verdict": null}', b"\xff"])
def test_a_damaged_record_is_none(tmp_path: Path, record: bytes) -> None:
    store = open_store(str(tmp_path))
    store.write("gates/a.json", record)
    here = Surroundings(store, tmp_path, tmp_path, "sqlite:///unused", None, "run", None, ())
    assert gate._earlier(here, "gates/a.json") is None
