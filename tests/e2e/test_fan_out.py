"""Features computed by tasks side by side: the same table, and so nothing after it runs again."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

import pytest

from tests.builders.project import Project, kill, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SHARES = [f"compute_features_{number}_of_3" for number in (1, 2, 3)]
LATER = ["train", "calibrate", "evaluate"]
SOURCE = """\
    - name: payments
      uri: payments.csv
      key: [payment_id]
      event_time: paid
      synthetic: true
      columns:
        - {name: payment_id, type: integer}
        - {name: applicant_id, type: integer}
        - {name: paid, type: time}
        - {name: amount, type: integer}
features:
  groups:
    - source: payments
      key: applicant_id
      features:
        - {name: payments, aggregate: count, windows: [30d, all]}
        - {name: paid, aggregate: sum, column: amount, window: 90d}
"""


def _write_payments(path: Path) -> None:
    draw = random.Random(3)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["payment_id", "applicant_id", "paid", "amount"])
        for number in range(6_000):
            day = f"2025-{draw.randint(9, 12):02}-{draw.randint(1, 28):02}T12:00:00Z"
            writer.writerow([number, draw.randint(1, 1500), day, draw.randint(1, 900)])


@pytest.fixture
def paying(project: Project) -> Project:
    """A project whose model has features over events."""
    _write_payments(project.folder / "payments.csv")
    project.change("features:\n  groups:\n", SOURCE)
    return project


def _table(project: Project) -> str:
    found = project.step_record("build_features")["result"]["training_table"]
    assert isinstance(found, str)
    return found


def _how(summary: dict[str, Any]) -> dict[str, str]:
    return {step: how["status"] for step, how in summary["steps"].items()}


def test_shares_make_the_table_of_one_step_and_are_reused(paying: Project) -> None:
    ended, whole = paying.run()
    assert ended.code == 0, ended.out + ended.err
    table = _table(paying)

    ended, dealt = paying.run("--fan-out", "3")
    assert ended.code == 0, ended.out + ended.err
    assert _table(paying) == table
    assert [_how(dealt)[step] for step in [*SHARES, "build_features"]] == ["done"] * 4
    assert [_how(dealt)[step] for step in LATER] == ["reused"] * 3
    assert dealt["bundle_digest"] == whole["bundle_digest"]
    shares = [paying.step_record(step)["result"]["feature_share"] for step in SHARES]
    assert len(set(shares)) == 3

    _, again = paying.run("--fan-out", "3")
    assert _how(again)["build_features"] == "reused"
    assert not set(SHARES) & set(again["steps"])

    paying.command("prune")
    _, anew = paying.run("--fan-out", "3", "--no-cache")
    assert [paying.step_record(step)["result"]["feature_share"] for step in SHARES] == shares, "equal bytes"
    assert anew["bundle_digest"] == whole["bundle_digest"]


def test_a_share_whose_process_is_killed_fails_the_run_and_the_next_goes_on(paying: Project) -> None:
    started = paying.started("--fan-out", "3")
    wait_until(lambda: paying.step_record(SHARES[1]).get("status") == "running")
    kill(paying.step_record(SHARES[1])["pid"])
    assert started.wait(timeout=120) == 1
    assert f"{SHARES[1]}: the step's process died without a word" in paying.summary()["error"]

    ended, summary = paying.run("--fan-out", "3")

    assert ended.code == 0, ended.out + ended.err
    assert _how(summary)[SHARES[1]] == "done"
    assert SHARES[0] not in summary["steps"], "what was complete is not computed again"
    dealt = _table(paying)
    paying.run()
    assert _table(paying) == dealt
