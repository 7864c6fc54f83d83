"""An S3 server that is ill for a while is waited for; one that stays ill is told of, in bounded time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loanwright.errors import EnvironmentFault, StorageFault
from loanwright.runtime.settings import environment
from loanwright.storage import Store, open_store
from loanwright.storage.patience import PassingFault, patiently
from tests.builders.s3_proxy import Proxy, proxied


@pytest.fixture
def proxy(s3_variables: dict[str, str]) -> Iterator[Proxy]:
    with (
        proxied(s3_variables["LOANWRIGHT_S3_ENDPOINT"]) as proxy,
        environment({**s3_variables, "LOANWRIGHT_S3_ENDPOINT": proxy.endpoint, "LOANWRIGHT_S3_PATIENCE": "20"}),
    ):
        yield proxy


@pytest.fixture
def store(proxy: Proxy, tmp_path: Path) -> Store:
    return open_store(f"s3://loanwright/{tmp_path.name}")


def test_every_operation_is_tried_again(proxy: Proxy, store: Store, tmp_path: Path) -> None:
    (tmp_path / "up").write_bytes(os.urandom(100_000))
    operations = [
        lambda: store.write("a", b"1"),
        lambda: store.create("b", b"2"),
        lambda: store.upload("c", tmp_path / "up"),
        lambda: store.download("c", tmp_path / "down"),
        lambda: store.size("a"),
        lambda: [stored.key for stored in store.list()],
        lambda: store.read("a"),
        lambda: store.delete("a"),
    ]
    answers = []
    for operation in operations:
        failing = [True] * 4  # more often than boto tries by itself
        proxy.ill = lambda _method, _path, failing=failing: bool(failing and failing.pop())  # type: ignore[misc]
        answers.append(operation())
    assert answers == [None, True, None, None, 1, ["a", "b", "c"], b"1", None]
    assert proxy.failed == 4 * len(operations)
    assert (tmp_path / "up").read_bytes() == (tmp_path / "down").read_bytes()
    assert store.size("a") is None


def test_a_server_that_stays_ill_is_told_of_after_the_patience(
    proxy: Proxy, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.ill = lambda _method, _path: True
    monkeypatch.setenv("LOANWRIGHT_S3_PATIENCE", "1")
    began = time.monotonic()
    with pytest.raises(StorageFault, match=r"failed to write .*, for \d+ s"):
        store.write("a", b"1")
    assert time.monotonic() - began < 30


def test_a_creation_whose_answer_was_lost_is_one(proxy: Proxy, store: Store) -> None:
    failing = [True] * 5
    proxy.late = True
    proxy.ill = lambda method, _path: method == "PUT" and bool(failing and failing.pop())
    assert store.create("a", b"mine")
    assert store.read("a") == b"mine"
    failing += [True] * 5
    assert not store.create("a", b"another's"), "what is there already stays what it is"
    assert store.read("a") == b"mine"


def test_a_server_of_this_machine_that_is_gone_is_not_waited_for(s3_variables: dict[str, str]) -> None:
    began = time.monotonic()
    gone = {**s3_variables, "LOANWRIGHT_S3_ENDPOINT": "http://127.0.0.1:9"}
    with environment(gone), pytest.raises(StorageFault, match="does not answer"):
        open_store("s3://loanwright/x").read("a")
    assert time.monotonic() - began < 20


def test_a_refusal_is_not_tried_again(s3_variables: dict[str, str]) -> None:
    began = time.monotonic()
    wrong = {**s3_variables, "AWS_SECRET_ACCESS_KEY": "wrong"}
    with environment(wrong), pytest.raises(StorageFault, match="refused to read"):
        open_store("s3://loanwright/x").read("a")
    assert time.monotonic() - began < 10


def test_patience_that_is_no_number_is_refused() -> None:
    with environment({"LOANWRIGHT_S3_PATIENCE": "long"}), pytest.raises(EnvironmentFault, match="is 'long'"):
        patiently(lambda _tries: None)


def test_whoever_waits_counts_tries() -> None:
    tried: list[int] = []

    def action(tries: int) -> str:
        tried.append(tries)
        if tries < 2:
            raise PassingFault("not yet")
        return "done"

    assert patiently(action) == "done"
    assert tried == [0, 1, 2]
