"""Both kinds of store keep the same promises."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from loanwright.errors import IntegrityFault, NotStored, StorageFault, UsageError
from loanwright.runtime.settings import environment
from loanwright.storage import Store, open_store, split_uri


def test_what_was_written_is_read_back(store: Store) -> None:
    store.write("a/b.txt", b"one")
    store.write("a/b.txt", b"two")
    assert store.read("a/b.txt") == b"two"
    assert store.size("a/b.txt") == 3


def test_create_leaves_alone_what_is_there(store: Store) -> None:
    assert store.create("key", b"first")
    assert not store.create("key", b"second")
    assert store.read("key") == b"first"


def test_of_many_creators_one_wins(store: Store) -> None:
    won: list[int] = []
    start = threading.Barrier(6)

    def attempt(number: int) -> None:
        start.wait()
        if store.create("race", str(number).encode()):
            won.append(number)

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [str(number).encode() for number in won] == [store.read("race")]


def test_what_is_absent_is_named(store: Store) -> None:
    assert store.size("nothing/here") is None
    with pytest.raises(NotStored, match=r"nothing/here is not there"):
        store.read("nothing/here")


def test_list_goes_by_prefix_and_in_order(store: Store) -> None:
    for key in ("b/2", "a/1", "b/1", "bc"):
        store.write(key, b"x")
    assert [stored.key for stored in store.list("b/")] == ["b/1", "b/2"]
    assert [stored.key for stored in store.list("b")] == ["b/1", "b/2", "bc"]


def test_delete_is_repeatable(store: Store) -> None:
    store.write("key", b"x")
    store.delete("key")
    store.delete("key")
    assert store.size("key") is None


def test_files_go_up_and_come_down(store: Store, tmp_path: Path) -> None:
    (tmp_path / "up").write_bytes(os.urandom(3_000_000))
    store.upload("big", tmp_path / "up")
    store.download("big", tmp_path / "down")
    assert (tmp_path / "up").read_bytes() == (tmp_path / "down").read_bytes()


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(UsageError, match="neither s3://bucket/prefix nor a folder"):
        open_store("ftp://somewhere/else")


def test_a_uri_is_split_at_its_name(tmp_path: Path) -> None:
    store, name = split_uri(f"{tmp_path}/kind/x.json")
    assert (store.root, name) == (f"{tmp_path}/kind", "x.json")


def test_a_wrong_key_is_refused_and_said(s3_variables: dict[str, str]) -> None:
    with (
        environment(s3_variables | {"AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "else"}),
        pytest.raises(StorageFault, match=r"refused to read s3://loanwright/x .*Check AWS_ACCESS_KEY_ID"),
    ):
        open_store("s3://loanwright").read("x")


def test_an_upload_is_refused_in_the_same_words(s3_variables: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "up").write_bytes(b"x")
    with (
        environment(s3_variables | {"AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "else"}),
        pytest.raises(StorageFault, match=r"refused to write s3://loanwright/x \(\w+\)\. Check AWS_ACCESS_KEY_ID"),
    ):
        open_store("s3://loanwright").upload("x", tmp_path / "up")


def test_a_bucket_that_does_not_exist_is_named(s3_variables: dict[str, str]) -> None:
    with environment(s3_variables), pytest.raises(StorageFault, match="bucket 'no-such-bucket' does not exist"):
        open_store("s3://no-such-bucket").read("x")


def test_a_server_that_is_not_there_is_said() -> None:
    variables = {
        "LOANWRIGHT_S3_ENDPOINT": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "absent",
        "AWS_SECRET_ACCESS_KEY": "server",
    }
    with (
        environment({**os.environ, **variables}),
        pytest.raises(StorageFault, match=r"S3 at http://127\.0\.0\.1:9 does not answer"),
    ):
        open_store("s3://loanwright").write("x", b"")


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(str(tmp_path / "store"))

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFault, match="No space left on device"):
        store.write("a/key", b"bytes")
    assert store.size("a/key") is None
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert list(store.list()) == []


def test_an_object_is_read_at_any_place(store: Store) -> None:
    store.write("key", b"0123456789")
    with store.open("key") as file:
        assert (file.seek(-3, 2), file.read(), file.read()) == (7, b"789", b"")
        assert (file.seek(2), file.read(3), file.tell()) == (2, b"234", 5)
        buffer = bytearray(4)
        assert (file.readinto(buffer), buffer) == (4, b"5678")  # type: ignore[attr-defined]
        assert file.seekable()
        assert file.readable()
    with pytest.raises(NotStored):
        store.open("nothing")


def test_an_object_that_is_replaced_is_not_read_in_halves(store: Store) -> None:
    store.write("key", b"first version")
    before = store.version("key")
    with store.open("key") as file:
        assert file.read(5) == b"first"
        store.write("key", b"other version")
        assert store.version("key") != before
        if store.local_path("key"):
            assert file.read() == b" version", "a folder keeps what is open"
        else:
            with pytest.raises(IntegrityFault, match="key was replaced while it was read"):
                file.read()
    assert store.version("nothing") is None
