"""What several tests of tables that grow need."""

from __future__ import annotations

import pytest

from loanwright.features import build, table_files
from loanwright.features.computing import joining


def make_files_small(patch: pytest.MonkeyPatch) -> None:
    """Few rows make a file."""
    patch.setattr(table_files, "LEAST", 3)
    patch.setattr(table_files, "MOST", 12)
    patch.setattr(joining, "RANGE", 5)


def note_computed(patch: pytest.MonkeyPatch) -> list[list[int]]:
    """The places of the decisions that each build on an earlier table computes."""
    places: list[list[int]] = []

    def noting(*given):
        due = original(*given)
        places.append(due.places.tolist())
        return due

    original = build.make_due
    patch.setattr(build, "make_due", noting)
    return places


@pytest.fixture
def small_files(monkeypatch):
    make_files_small(monkeypatch)


@pytest.fixture
def computed(monkeypatch):
    return note_computed(monkeypatch)
