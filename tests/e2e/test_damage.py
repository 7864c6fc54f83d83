"""Whatever was lost or changed in the artifact store, the next run, or the one after it, is a whole one again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.project import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def _spoilt(path: Path) -> None:
    """Wrong bytes of the right size."""
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def _runs_again(project: Project, digest: str, *flags: str) -> None:
    """One run may find the damage and end with it; then all is as it was."""
    first, summary = project.run(*flags)
    if first.code:
        assert first.code == 1, first.out + first.err
        assert "run again, and it is made anew" in first.err
        second, summary = project.run()
        assert second.code == 0, second.out + second.err
    assert summary["bundle_digest"] == digest
    ended = project.command("verify", summary["bundle"])
    assert ended.code == 0, ended.out + ended.err


def test_what_is_lost_or_changed_is_made_anew(project: Project, tmp_path: Path) -> None:
    store = tmp_path / "artifacts"
    project = project.with_variables(LOANWRIGHT_STORE=str(store))
    ended, summary = project.run()
    assert ended.code == 0, ended.out + ended.err
    digest = summary["bundle_digest"]
    (table,) = (store / "tables" / "files").iterdir()
    (booster,) = (store / "boosters").iterdir()

    _spoilt(table)
    _runs_again(project, digest, "--no-cache")
    (booster / "model.txt").unlink()
    _runs_again(project, digest, "--no-cache")
    _spoilt(store / "bundles" / digest / "golden.json")
    _runs_again(project, digest, "--no-cache")
    _spoilt(booster / "manifest.json")
    _runs_again(project, digest)


def test_verify_removes_nothing(project: Project, tmp_path: Path) -> None:
    store = tmp_path / "artifacts"
    project = project.with_variables(LOANWRIGHT_STORE=str(store))
    _, summary = project.run()
    path = store / "bundles" / summary["bundle_digest"] / "model.txt"
    _spoilt(path)
    spoilt = path.read_bytes()
    ended = project.command("verify", summary["bundle"])
    assert ended.code == 1
    assert "its bytes were changed" in ended.err
    assert path.read_bytes() == spoilt
