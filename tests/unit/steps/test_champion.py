"""A champion that lies in another store than the run's may be out of reach; the run goes on and says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from loanwright.config.declaration import Declaration
from loanwright.config.reading import read_declaration
from loanwright.errors import IntegrityFault, NotStored, StorageFault
from loanwright.registry.bundles import Bundle
from loanwright.registry.lookup import BUNDLE_TAG, DIGEST_TAG, Version
from loanwright.steps.champion import stand
from loanwright.storage import Manifest
from tests.builders.project import MODEL

CHALLENGER = Manifest("s3://here/bundles/b/manifest.json", "b", "bundles", {}, ())


@pytest.fixture
def declaration(tmp_path: Path) -> Declaration:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "model.yaml").write_text(MODEL)
    return read_declaration(folder / "model.yaml")


def _champion(root: str) -> Version:
    tags = {DIGEST_TAG: "a", BUNDLE_TAG: f"{root}/bundles/a/manifest.json"}
    return Version("tiny", 1, "", "", tags)


def _fails(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def opened(*_: object) -> Bundle:
        raise error

    monkeypatch.setattr(Bundle, "open", opened)


@pytest.mark.parametrize(
    ("root", "error"),
    [
        ("s3://elsewhere", StorageFault("S3 at AWS does not answer")),
        ("s3://here", NotStored("it is gone")),
        ("s3://here", IntegrityFault("it was changed")),
    ],
)
def test_a_champion_that_cannot_be_read_is_not_compared_with(
    declaration: Declaration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: str, error: StorageFault
) -> None:
    _fails(monkeypatch, error)
    standing = stand("s3://here", "unused", CHALLENGER, _champion(root), declaration, tmp_path)
    assert standing.comparison is not None
    assert standing.comparison.outcome == "incomparable"
    assert standing.comparison.reason == f"the champion's bundle cannot be read: {error.problem}"
    assert not standing.lasting, "next time it may be there"


def test_a_store_of_the_runs_own_that_does_not_answer_ends_the_step(
    declaration: Declaration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fails(monkeypatch, StorageFault("S3 does not answer"))
    with pytest.raises(StorageFault, match="does not answer"):
        stand("s3://here", "unused", CHALLENGER, _champion("s3://here"), declaration, tmp_path)
