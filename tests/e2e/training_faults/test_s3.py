"""S3 that fails when a checkpoint is to be written."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loanwright.errors import StorageFault
from loanwright.runtime.object_server import ObjectServer
from loanwright.runtime.settings import Settings, environment
from loanwright.storage import open_store
from loanwright.training.train import train
from tests.builders.disturbed_training import (
    SPLIT,
    TRAINING,
    digest_of,
    restarts_of,
    small_table,
)
from tests.builders.s3_proxy import proxied

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[dict[str, str]]:
    settings = Settings(project=tmp_path, state=tmp_path, store=None, s3_endpoint=None, s3_port=None, tracking_uri=None)
    server = ObjectServer(settings)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.mark.parametrize("for_ever", [False, True])
def test_s3_fails_at_a_checkpoint(
    orders: pytest.MonkeyPatch, s3: dict[str, str], tmp_path: Path, digest: str, for_ever: bool
) -> None:
    ill_from: list[float] = []
    seconds = 1e9 if for_ever else 30.0

    def ill(method: str, path: str) -> bool:
        if method == "PUT" and "segment-000002" in path and not ill_from:
            ill_from.append(time.monotonic())
        return bool(ill_from) and time.monotonic() - ill_from[0] < seconds

    with proxied(s3["LOANWRIGHT_S3_ENDPOINT"]) as proxy:
        orders.setenv("LOANWRIGHT_WATCHDOG_SECONDS", "120")
        patience = "5" if for_ever else "60"
        with environment({**s3, "LOANWRIGHT_S3_ENDPOINT": proxy.endpoint}):
            orders.setenv("LOANWRIGHT_S3_PATIENCE", patience)
            store = open_store("s3://loanwright/faults")
            table = small_table(store)
            proxy.ill = ill
            began = time.monotonic()
            if for_ever:
                with pytest.raises(StorageFault, match=r"failed to write .*segment-000002.json: .*, for \d+ s"):
                    train(table, SPLIT, TRAINING, store, tmp_path / "scratch", workers=2)
                assert time.monotonic() - began < 60
                proxy.ill = None
            trained = train(table, SPLIT, TRAINING, store, tmp_path / "scratch", workers=2)
            assert digest_of(trained) == digest
            assert proxy.failed > 1
            assert restarts_of(trained) == [], "waiting for S3 costs no restart"
