"""`loanwright world` makes the world where its sources look for it, and says what it made."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from loanwright.cli.main import app
from loanwright.data.world.addresses import world_at
from loanwright.data.world.generation import generate
from loanwright.errors import UsageError
from tests.builders.project import make_project

SIZE = ["--customers", "1000", "--seed", "3", "--months", "12"]


def test_the_world_is_made_where_addresses_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_project(tmp_path, rows=10)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOANWRIGHT_STATE", str(made.state))
    told = CliRunner().invoke(app, ["world", *SIZE])
    assert told.exit_code == 0
    monkeypatch.setattr("loanwright.data.world.addresses.generate", lambda *_, **__: pytest.fail("it was there"))
    world = world_at("world://loans?customers=1000&seed=3&months=12", made.state / "data")
    assert f"{world.events:,} rows, all synthetic" in told.stdout
    assert "default " in told.stdout
    assert told.stdout.endswith(f"\n{world.folder}\n")


def test_another_folder_needs_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["world", *SIZE, "--output", "here"]).exit_code == 0
    monkeypatch.setattr("loanwright.data.world.generation._write", lambda *_: pytest.fail("it was there"))
    assert generate(tmp_path / "here", customers=1000, seed=3, months=12).events > 10_000


def test_a_size_that_cannot_be_is_refused(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["world", "--customers", "1", "--output", str(tmp_path)])
    assert isinstance(told.exception, UsageError)
    assert list(tmp_path.iterdir()) == []
