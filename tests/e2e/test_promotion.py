"""From challenger to champion, and what a champion is good for: comparing, verifying, scoring."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.builders.project import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def _champion_gate(project: Project) -> dict[str, str]:
    gates = {gate["name"]: gate for gate in project.summary()["gates"]}
    found: dict[str, str] = gates["champion"]
    return found


def test_a_champion_is_promoted_compared_with_and_never_beaten_by_a_worse_model(finished: Project) -> None:
    ended = finished.command("promote", "tiny@1")
    assert ended.code == 0, ended.err
    assert ended.out.startswith("tiny version 1 is now the champion")

    finished.run()
    assert "unchanged" in _champion_gate(finished)["message"] or "very" in _champion_gate(finished)["message"]

    ended, summary = finished.run(
        "--set",
        "training.rounds=1",
        "--set",
        "training.parameters.num_leaves=2",
        "--set",
        "gates.rules.auc_floor.min=0",
    )
    assert (ended.code, summary["status"]) == (3, "blocked"), ended.out
    assert summary["registry_version"] is None
    assert _champion_gate(finished)["verdict"] == "block"
    assert summary["champion"]["version"] == "1"
    report = Path(summary["report"]).read_text()
    assert "may not be used" in report.lower()
    assert finished.command("verify", "tiny@challenger").code == 0
    assert finished.command("promote", "tiny@2").code == 2


def test_a_blocked_run_is_tracked_and_registers_nothing(project: Project) -> None:
    ended, summary = project.run("--set", "gates.rules.auc_floor.min=0.999")
    assert ended.code == 3
    assert summary["status"] == "blocked"
    assert summary["steps"]["register"]["status"] == "failed"
    assert "blocked by auc_floor, nothing was registered" in ended.err
    with sqlite3.connect(project.state / "mlflow" / "mlflow.db") as database:
        assert database.execute("SELECT count(*) FROM model_versions").fetchone() == (0,)
        assert database.execute("SELECT run_uuid FROM runs").fetchone() == (summary["mlflow_run"],)
    ended, again = project.run("--set", "gates.rules.auc_floor.min=0.999")
    assert (ended.code, again["mlflow_run"]) == (3, summary["mlflow_run"])
    assert Path(again["report"]).is_file()


def test_without_registering_the_verdict_is_checked_and_nothing_written(project: Project) -> None:
    ended, summary = project.run("--set", "register_model=false")
    assert (ended.code, summary["registry_version"]) == (0, None)
    ended, _ = project.run("--set", "register_model=false", "--set", "gates.rules.auc_floor.min=0.999")
    assert ended.code == 3


def test_a_file_of_rows_is_scored_as_in_training(finished: Project, tmp_path: Path) -> None:
    import pyarrow as pa

    rows = pa.table(
        {
            "unit_key": [1, 2, 3],
            "income": [1000.0, None, 9000.0],
            "delays": [9.0, 0.0, 0.0],
            "channel": ["web", "shop", "somewhere new"],
            "delays_per_income": [0.009, None, 0.0],
        }
    )
    pq.write_table(rows, tmp_path / "rows.parquet")
    out = tmp_path / "scores.parquet"
    command = ["score", "--model", "tiny@1", "--input", str(tmp_path / "rows.parquet"), "--output", str(out)]
    ended = finished.command(*command)
    assert ended.code == 0, ended.err
    scores = pq.read_table(out)
    assert scores.column("unit_key").to_pylist() == [1, 2, 3]
    values = scores.column("score").to_pylist()
    assert values[0] > values[2]
    assert all(0 < value < 1 for value in values)


def test_a_bundle_whose_hash_is_off_is_refused(finished: Project, tmp_path: Path) -> None:
    from loanwright.runtime.object_server import ObjectServer
    from loanwright.runtime.settings import Settings, environment
    from loanwright.storage import fetch, read_manifest

    settings = Settings.read(finished.variables, finished.folder)
    with environment(ObjectServer(settings).start()):
        manifest = read_manifest(finished.summary()["bundle"])
        for entry in manifest.files:
            fetch(manifest, entry, tmp_path).rename(tmp_path / entry.path)
    document = {"kind": manifest.kind, "body": manifest.body, "files": [entry.as_json() for entry in manifest.files]}
    (tmp_path / "manifest.json").write_text(json.dumps(document))
    model = tmp_path / "model.txt"
    model.write_text(model.read_text().replace("leaf_value=", "leaf_value= ", 1))
    ended = finished.command("verify", str(tmp_path))
    assert ended.code == 1
    assert "model.txt is not what" in ended.err


def test_prune_keeps_what_is_registered_and_the_latest(finished: Project) -> None:
    finished.run("--set", "training.rounds=3", "--set", "register_model=false")
    finished.run()
    ended = finished.command("prune")
    assert ended.code == 0, ended.err
    assert "Removed" in ended.out
    assert finished.command("verify", "tiny@1").code == 0
    _, summary = finished.run()
    assert [step for step, how in summary["steps"].items() if how["status"] == "reused"] == [
        "build_features",
        "train",
        "calibrate",
        "evaluate",
    ]
    assert summary["steps"]["gate"]["status"] == "unchanged"
