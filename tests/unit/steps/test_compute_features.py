"""A share's step by itself, as a cluster runs it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from loanwright.runtime.records import read_steps
from loanwright.steps import compute_features, join_features
from loanwright.storage import open_store
from tests.unit.features import worlds
from tests.unit.features.computing.test_groups import moved
from tests.unit.features.snapshots import snapshot


@pytest.fixture(autouse=True)
def own_words() -> Iterator[None]:
    """A step gives its process's words a form of their own; tests after these want theirs back."""
    logger = logging.getLogger("loanwright")
    before = logger.handlers[:], logger.propagate, logger.level
    yield
    logger.handlers[:], logger.propagate, level = before
    logger.setLevel(level)


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, dict, dict]:
    """A snapshot in the store, and the sections as KFP hands them over."""
    monkeypatch.setenv("LOANWRIGHT_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("LOANWRIGHT_TRACKING_URI", "http://nowhere")
    monkeypatch.setenv("LOANWRIGHT_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("LOANWRIGHT_SCRATCH", str(tmp_path / "scratch"))
    data, features = worlds.data(), worlds.features()
    return snapshot(data, moved(), tmp_path), data.model_dump(mode="json"), features.model_dump(mode="json")


def test_shares_and_their_join_leave_records(given, tmp_path):
    shares = [compute_features.run(*given, f"{number}/2") for number in (1, 2)]

    table = join_features.run(*given, shares)

    records = read_steps(open_store(str(tmp_path / "run")))
    assert {name: record.status for name, record in records.items()} == dict.fromkeys(
        ["compute_features_1_of_2", "compute_features_2_of_2", "build_features"], "done"
    )
    assert records["compute_features_2_of_2"].result == {"feature_share": shares[1]}
    assert records["build_features"].result == {"training_table": table}
    assert not list((tmp_path / "scratch").iterdir())


def test_spark_deals_its_work_by_itself(given, tmp_path, monkeypatch):
    monkeypatch.setenv("LOANWRIGHT_FEATURE_ENGINE", "spark")

    with pytest.raises(SystemExit) as ended:
        compute_features.run(*given, "1/2")

    assert ended.value.code == 2
    (record,) = read_steps(open_store(str(tmp_path / "run"))).values()
    assert "features are fanned out over DuckDB, and LOANWRIGHT_FEATURE_ENGINE is 'spark'" in str(record.error)
