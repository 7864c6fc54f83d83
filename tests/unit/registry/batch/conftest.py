"""Rows in several files, in a folder and in S3, and a bundle to score them with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loanwright.features.table import TrainingTable
from loanwright.registry.bundles import Bundle
from loanwright.runtime.settings import environment
from loanwright.storage import open_store
from tests.unit.registry.conftest import Parts
from tests.unit.storage.conftest import s3_variables  # noqa: F401 — a fixture, asked for by name

PART_ROWS = 200
Digests = dict[str, str]


@pytest.fixture(scope="session")
def bundle(bundle_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return Bundle.open(bundle_uri, tmp_path_factory.mktemp("opened"))


@pytest.fixture(scope="session")
def rows(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """The training table itself: 1500 rows."""
    return TrainingTable.open(parts.table.uri, tmp_path_factory.mktemp("opened")).read_group(0)


@pytest.fixture
def folder(rows: pa.Table, tmp_path: Path) -> Path:
    """1000, 0 and 500 rows in row groups of 100, and what is no data."""
    folder = tmp_path / "rows"
    (folder / "later").mkdir(parents=True)
    pq.write_table(rows.slice(0, 1000), folder / "a.parquet", row_group_size=100)
    pq.write_table(rows.slice(0, 0), folder / "b.parquet")
    pq.write_table(rows.slice(1000), folder / "later" / "c.parquet", row_group_size=100)
    (folder / "_SUCCESS").write_bytes(b"")
    return folder


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture(params=["folder", "s3"])
def places(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Where the rows are, and where the scores go."""
    if request.param == "folder":
        yield str(folder), str(tmp_path / "scores")
        return
    with environment(request.getfixturevalue("s3_variables")):
        root = f"s3://loanwright/{tmp_path.name}"
        store = open_store(f"{root}/rows")
        for path in folder.rglob("*"):
            if path.is_file():
                store.upload(path.relative_to(folder).as_posix(), path)
        store.write("later/", b"")  # as S3's console makes a folder
        yield f"{root}/rows/", f"{root}/scores/"


@pytest.fixture
def digests() -> Callable[[str], Digests]:
    """The digest of everything that lies at a place."""

    def look(place: str) -> Digests:
        store = open_store(place)
        return {stored.key: hashlib.sha256(store.read(stored.key)).hexdigest() for stored in store.list()}

    return look
