"""Sources and snapshots in a real S3 server: known again by entity tags, copied one object at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loanwright.data import files, ingestion
from loanwright.errors import DataError, NotStored, StorageFault
from loanwright.runtime.settings import environment
from loanwright.storage import Store, open_store
from loanwright.storage.s3 import S3Store
from tests.unit.data.declarations import GOOD, HEADER, applicants, run
from tests.unit.storage.conftest import s3_variables

__all__ = ["s3_variables"]


@pytest.fixture
def bucket(s3_variables: dict[str, str], tmp_path: Path) -> Iterator[Store]:
    with environment(s3_variables):
        yield open_store(f"s3://loanwright/{tmp_path.name}")


def put(bucket: Store, key: str, *rows: str) -> None:
    bucket.write(key, "\n".join((HEADER, *rows, "")).encode())


def test_a_prefix_is_one_source_and_read_once(bucket: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bucket, "in/a.csv", *GOOD[1:3])
    put(bucket, "in/deeper/b.csv", GOOD[3])
    put(bucket, "in/_temporary/c.csv", "broken")
    put(bucket, "inside.csv", "of another prefix")
    data = applicants(f"{bucket.root}/in/")
    found = run(data, bucket)
    assert found.rows == {"applicants": 3}
    assert found.uri.startswith(f"{bucket.root}/snapshots/")
    with monkeypatch.context() as patched:
        patched.setattr(ingestion, "_read", None)
        assert run(data, bucket).unchanged
        put(bucket, "moved/x.csv", *GOOD[1:3])
        put(bucket, "moved/y.csv", GOOD[3])
        assert run(applicants(f"{bucket.root}/moved/"), bucket).uri == found.uri
    put(bucket, "in/deeper/b.csv", GOOD[3].replace(",0", ",1"))
    assert run(data, bucket).uri != found.uri


def test_one_object_is_a_source_too(bucket: Store) -> None:
    put(bucket, "rows.csv", *GOOD[1:])
    put(bucket, "rows.csv.old", "of another time")
    assert run(applicants(f"{bucket.root}/rows.csv"), bucket).rows == {"applicants": 3}


def test_a_bad_object_is_named_by_its_address(bucket: Store) -> None:
    put(bucket, "in/a.csv", *GOOD[1:])
    bucket.write("in/b.csv", b"id,at\n")
    with pytest.raises(DataError) as caught:
        run(applicants(f"{bucket.root}/in/"), bucket)
    assert f"column 'age': {bucket.root}/in/b.csv has no such column" in str(caught.value)


def test_nothing_at_an_address(bucket: Store) -> None:
    put(bucket, "in/a.csv", *GOOD[1:])
    with pytest.raises(DataError) as caught:
        run(applicants(f"{bucket.root}/in"), bucket)
    assert str(caught.value) == (
        f"source 'applicants': there is nothing at {bucket.root}/in. End the 'uri' with '/' if it is a prefix"
    )
    with pytest.raises(StorageFault, match="bucket 'no-such-bucket' does not exist"):
        run(applicants("s3://no-such-bucket/in/"), bucket)


def test_an_object_that_vanishes_meanwhile_leaves_nothing_behind(
    bucket: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(bucket, "in/a.csv", *GOOD[1:])
    put(bucket, "in/b.csv", "4,2025-01-01,30,1,a,0")
    download = S3Store.download

    def late(self: S3Store, key: str, path: Path) -> None:
        if key.endswith("b.csv"):
            bucket.delete("in/b.csv")
        download(self, key, path)

    monkeypatch.setattr(S3Store, "download", late)
    with pytest.raises(NotStored, match=r"in/b\.csv is not there"):
        run(applicants(f"{bucket.root}/in/"), bucket)
    assert not list(bucket.list("snapshots/"))


def test_copies_are_gone_as_soon_as_they_are_read(bucket: Store, tmp_path: Path) -> None:
    put(bucket, "in/a.csv", GOOD[1])
    put(bucket, "in/b.csv", GOOD[2])
    seen: list[Any] = []
    for shown, path in files.files_of(f"{bucket.root}/in/", tmp_path):
        seen.append((shown, [other.name for other in path.parent.iterdir()]))
    assert seen == [(f"{bucket.root}/in/a.csv", ["000000.csv"]), (f"{bucket.root}/in/b.csv", ["000001.csv"])]
    assert list((tmp_path / "copies").iterdir()) == []
