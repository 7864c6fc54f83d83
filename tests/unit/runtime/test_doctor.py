"""The doctor says what is wrong, and what to do about it."""

from __future__ import annotations

import shutil
import sys
from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from loanwright.runtime.doctor import Diagnosis, diagnose
from loanwright.runtime.settings import Settings


def _found(tmp_path: Path, store: str | None = None) -> dict[str, Diagnosis]:
    settings = Settings(tmp_path, tmp_path, store or str(tmp_path / "store"), "http://127.0.0.1:9", None, None)
    return {diagnosis.name: diagnosis for diagnosis in diagnose(settings)}


def test_a_machine_that_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: namedtuple("Usage", "free")(50e9))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: namedtuple("Memory", "available")(8e9))
    found = _found(tmp_path)
    assert list(found) == ["Python", "disk", "memory", "libraries", "artifact store"]
    assert all(diagnosis.well for diagnosis in found.values()), found
    assert "lightgbm 4" in found["libraries"].seen
    assert str(tmp_path / "store") in found["artifact store"].seen


def test_a_small_disk_and_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: namedtuple("Usage", "free")(0.4e9))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: namedtuple("Memory", "available")(1e9))
    found = _found(tmp_path)
    assert (found["disk"].well, found["disk"].advice) == (False, "Free 2 GB")
    assert found["disk"].seen == f"0.4 GB free at {tmp_path}"
    assert (found["memory"].well, found["memory"].seen) == (False, "1.0 GB available")


def test_a_library_that_cannot_be_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    found = _found(tmp_path)["libraries"]
    assert not found.well
    assert "lightgbm" in found.seen
    assert "libgomp1" in found.advice


def test_a_store_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    found = _found(tmp_path, "s3://somewhere")["artifact store"]
    assert not found.well
    assert "http://127.0.0.1:9 does not answer" in found.seen
