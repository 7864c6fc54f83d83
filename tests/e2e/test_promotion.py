"""From challenger to champion, and what a champion is good for: comparing, verifying, scoring."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from loanwright.registry.lookup import VERDICT_TAG, find_model
from loanwright.runtime.compaction import disk_use
from loanwright.runtime.object_server import ObjectServer
from loanwright.runtime.settings import EMBEDDED_BUCKET, Settings, environment
from loanwright.storage import Store, fetch, open_store, read_manifest
from tests.builders.project import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def _champion_gate(project: Project) -> dict[str, str]:
    gates = {gate["name"]: gate for gate in project.summary()["gates"]}
    found: dict[str, str] = gates["champion"]
    return found


@contextmanager
def _store_of(project: Project) -> Iterator[Store]:
    settings = Settings.read(project.variables, project.folder)
    with environment({**os.environ, **ObjectServer(settings).start()}):
        yield open_store(f"s3://{EMBEDDED_BUCKET}")


def test_a_champion_is_promoted_compared_with_and_never_beaten_by_a_worse_model(finished: Project) -> None:
    ended = finished.command("promote", "tiny@1")
    assert ended.code == 0, ended.err
    assert ended.out.startswith("tiny version 1 is now the champion")

    finished.run()
    assert _champion_gate(finished)["message"] == "This model is the champion (version 1) itself, unchanged."

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
    assert "blocked by its gates" in report.lower()
    assert finished.command("verify", "tiny@challenger").code == 0
    assert finished.command("promote", "tiny@2").code == 2


def test_a_blocked_run_is_tracked_and_registers_nothing(project: Project) -> None:
    ended, summary = project.run("--set", "gates.rules.auc_floor.min=0.999")
    assert ended.code == 3
    assert summary["status"] == "blocked"
    assert summary["steps"]["register"]["status"] == "blocked"
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


def test_rows_in_s3_are_scored_into_s3_by_two_processes(finished: Project, tmp_path: Path) -> None:
    import pyarrow as pa

    rows = pa.table(
        {name: [1.0] * 100 for name in ("income", "delays", "delays_per_income")} | {"channel": ["web"] * 100}
    )
    pq.write_table(rows, tmp_path / "rows.parquet")
    with _store_of(finished) as store:
        for name in ("a", "b", "c"):
            store.upload(f"inbox/{name}.parquet", tmp_path / "rows.parquet")
        root = store.root
    arguments = ("score", "--model", "tiny@1", "--input", f"{root}/inbox/", "--output", f"{root}/outbox/")
    ended = finished.command(*arguments, "--processes", "2")
    assert ended.code == 0, ended.err
    assert ended.out == f"300 rows are scored in {root}/outbox/: 3 parts.\n"
    with _store_of(finished) as store:
        manifest = json.loads(store.read("outbox/_manifest.json"))
        registered = find_model(Settings.read(finished.variables, finished.folder).registry_uri, "tiny")
        assert registered is not None
        scored_with = registered.of_bundle(manifest["bundle"])
        assert scored_with is not None
        assert scored_with.number == 1
        store.download(f"outbox/{manifest['parts'][2]['path']}", tmp_path / "part.parquet")
    assert len(set(pq.read_table(tmp_path / "part.parquet")["score"].to_pylist())) == 1


def test_a_bundle_whose_hash_is_off_is_refused(finished: Project, tmp_path: Path) -> None:
    with _store_of(finished):
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


def _add_another_model(project: Project) -> None:
    pipelines = project.folder / "pipelines"
    shutil.copytree(pipelines / "tiny", pipelines / "other")
    path = pipelines / "other" / "model.yaml"
    path.write_text(path.read_text().replace("name: tiny", "name: other").replace("rounds: 20", "rounds: 15"))


def test_prune_keeps_what_is_registered_and_the_latest_and_frees_the_disk(project: Project) -> None:
    _, first = project.run()
    _add_another_model(project)
    assert project.command("run", "other").code == 0
    project.change("learning_rate: 0.1", "learning_rate: 0.2")
    project.run()
    _, passing = project.run("--set", "training.rounds=3", "--set", "register_model=false")
    _, second = project.run()
    assert (first["registry_version"], second["registry_version"]) == ("1", "2")
    with _store_of(project) as store:
        store.write("tables/files/stray.parquet", os.urandom(20_000_000))
    used = disk_use(project.state / "s3" / "data")

    planned = project.command("prune", "--dry-run")
    assert planned.code == 0, planned.err
    with _store_of(project) as store:
        assert "tables/files/stray.parquet" in {stored.key for stored in store.list()}
    ended = project.command("prune")
    assert ended.code == 0, ended.err
    assert ended.out == planned.out.replace("Would remove", "Removed")
    assert "and 3 runs" in ended.out, ended.out
    assert disk_use(project.state / "s3" / "data") < used - 18_000_000
    assert "there is no bundle at" in project.command("verify", passing["bundle"]).err
    for version in ("tiny@1", "tiny@2", "other@1"):
        assert project.command("verify", version).code == 0, version
    registered = find_model(Settings.read(project.variables, project.folder).registry_uri, "tiny")
    assert registered is not None
    with _store_of(project) as store:
        keys = {stored.key for stored in store.list()}
        assert not [key for key in keys if passing["bundle_digest"] in key or "stray" in key]
        manifests = [key for key in keys if key.endswith("/manifest.json")]
        evidence = {read_manifest(f"{store.root}/{key}").body["bundle"] for key in manifests if "evidence/" in key}
        for version in registered.versions:
            verdict = read_manifest(version.tags[VERDICT_TAG], "verdicts")
            assert verdict.body["bundle"] == version.digest
            assert verdict.body["report"].removeprefix(f"{store.root}/") in keys
            assert version.digest in evidence
        records = b"".join(store.read(key) for key in keys if key.startswith("gates/"))
        assert all(version.tags[VERDICT_TAG].encode() in records for version in registered.versions)
    cache = "".join(path.read_text() for path in project.state.glob("cache/*/*.json"))
    assert all(f"/{path.name}/" in cache for path in (project.state / "kfp").iterdir())
    assert len(list((project.state / "compiled").iterdir())) == 2

    _, summary = project.run()
    assert {step: how["status"] for step, how in summary["steps"].items()} == {
        "ingest": "unchanged",
        "build_features": "reused",
        "train": "reused",
        "calibrate": "reused",
        "evaluate": "reused",
        "gate": "unchanged",
        "register": "unchanged",
    }
