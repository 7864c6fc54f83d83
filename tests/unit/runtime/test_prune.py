"""What prune keeps: all that a kept thing leads back to; and that a killed one leaves nothing half."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loanwright.errors import IntegrityFault, StorageFault, UsageError
from loanwright.runtime import prune
from loanwright.runtime.reachable import reachable
from loanwright.runtime.records import StepRecord
from loanwright.runtime.settings import Settings
from loanwright.storage import Store, canonical_json, open_store, publish, publish_folder, put_file, read_manifest


class Lineage:
    """Everything that one run of a pipeline stores, with bytes of its own."""

    def __init__(self, store: Store, folder: Path, name: str) -> None:
        self._store, self._folder, self._name = store, folder, name
        self.before = self._keys()
        self.snapshot = publish(store, "snapshots", {"of": name}, [self._file("snapshots", "snapshot")])
        snapshot = read_manifest(self.snapshot).digest
        self.table = publish(store, "tables", {"snapshot": snapshot}, [self._file("tables", "table")])
        table = read_manifest(self.table).digest
        self.booster = self._publish_folder("boosters", table=table)
        booster = read_manifest(self.booster).digest
        self.calibrator = self._publish_folder("calibrators", booster=booster)
        self.bundle = self._publish_folder(
            "bundles",
            snapshot=snapshot,
            table=table,
            booster=booster,
            calibrator=read_manifest(self.calibrator).digest,
        )
        bundle = read_manifest(self.bundle).digest
        self.evidence = self._publish_folder("evidence", bundle=bundle)
        store.write(f"runs/{name}/report.html", f"report of {name}".encode())
        self.verdict = publish(store, "verdicts", {"bundle": bundle, "report": f"{store.root}/runs/{name}/report.html"})
        store.write(f"gates/{name}.json", canonical_json({"verdict": self.verdict}))
        store.write(f"ingests/{name}.json", canonical_json({"snapshot": snapshot}))
        self.keys = self._keys() - self.before

    def _keys(self) -> set[str]:
        return {stored.key for stored in self._store.list()}

    def _file(self, kind: str, what: str) -> object:
        path = self._folder / f"{self._name}-{what}.parquet"
        path.write_text(f"{what} of {self._name}")
        return put_file(self._store, kind, path)

    def _publish_folder(self, kind: str, **body: str) -> str:
        folder = self._folder / self._name / kind
        folder.mkdir(parents=True)
        for file in ("a.json", "b.txt"):
            (folder / file).write_text(f"{file} of {self._name}")
        return publish_folder(self._store, kind, folder, body)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Lineage:
    return Lineage(store, tmp_path, "kept")


@pytest.fixture
def doomed(store: Store, tmp_path: Path, kept: Lineage) -> Lineage:
    return Lineage(store, tmp_path, "doomed")


def test_a_bundle_and_its_verdict_lead_back_to_everything(store: Store, kept: Lineage, doomed: Lineage) -> None:
    assert reachable(store, {kept.bundle, kept.verdict}) == kept.keys
    assert len(kept.keys) == 2 + 2 + 4 * 3 + 2 + 2, "two files each, and the manifests and records"
    assert not kept.keys & doomed.keys


def test_a_bundle_alone_keeps_its_evidence_and_no_verdict(store: Store, kept: Lineage, doomed: Lineage) -> None:
    verdict = {kept.verdict.removeprefix(f"{store.root}/"), "gates/kept.json", "runs/kept/report.html"}
    assert reachable(store, {kept.bundle}) == kept.keys - verdict


def test_what_two_share_stays_when_one_goes(store: Store, kept: Lineage, tmp_path: Path) -> None:
    file = read_manifest(kept.table).files
    other = publish(store, "tables", {"snapshot": "0" * 64, "rows": "the same, another label"}, file)
    prune.sweep(store, reachable(store, {other}))
    assert {stored.key for stored in store.list()} == {
        other.removeprefix(f"{store.root}/"),
        f"tables/{file[0].path}",
    }


def test_a_start_that_is_gone_needs_nothing_and_a_changed_one_stops_everything(store: Store, kept: Lineage) -> None:
    assert reachable(store, {f"{store.root}/bundles/{'0' * 64}/manifest.json"}) == set()
    store.write(kept.table.removeprefix(f"{store.root}/"), b"{}")
    with pytest.raises(IntegrityFault, match="was changed after it was written"):
        reachable(store, {kept.bundle})


def test_the_outcome_of_a_search_leads_back_to_its_trials(store: Store, kept: Lineage, doomed: Lineage) -> None:
    from loanwright.search.trials import Trial, publish_study, seconds_key
    from tests.unit.search.searches import SPLIT, TRAINING, a_result

    before = {stored.key for stored in store.list()}
    table = read_manifest(kept.table).digest
    trials = [Trial(n, {"num_leaves": n}, table, SPLIT, TRAINING, "auc", 3).publish(store) for n in range(3)]
    results = [a_result(n, 0.7, 0.8, 0.7).publish(store, trial) for n, trial in enumerate(trials)]
    study = publish_study(store, "", results)
    report = f"{store.root}/runs/search-1/report.html"
    outcome = publish(store, "outcomes", {"study": read_manifest(study).digest, "table": table, "report": report})
    store.write("runs/search-1/report.html", b"report")
    store.write("conclusions/search-1.json", canonical_json({"outcome": outcome}))
    for result in results:
        store.write(seconds_key(result), canonical_json({"seconds": 1}))
    made = {stored.key for stored in store.list()} - before
    assert len(made) == 3 * 3 + 4
    needed = reachable(store, {outcome})
    assert made <= needed
    assert kept.table.removeprefix(f"{store.root}/") in needed
    assert not doomed.keys & needed
    assert not made & reachable(store, {kept.bundle})


class Dying:
    """A store that fails after so many deletions."""

    def __init__(self, store: Store, deletions: int) -> None:
        self._left = deletions
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def delete(self, key: str) -> None:
        if self._left == 0:
            raise StorageFault("killed")
        self._left -= 1
        self._store.delete(key)


def _whole(store: Store) -> bool:
    """Whether everything with a manifest has its files."""
    keys = {stored.key for stored in store.list()}
    for key in keys:
        if key.endswith("/manifest.json") or (key.startswith(("snapshots/", "tables/")) and key.endswith(".json")):
            files = read_manifest(f"{store.root}/{key}").files
            if not {f"{key.rpartition('/')[0]}/{entry.path}" for entry in files} <= keys:
                return False
    return True


@pytest.mark.parametrize("deletions", range(20))
def test_killed_midway_everything_with_a_manifest_is_whole(
    store: Store, kept: Lineage, doomed: Lineage, deletions: int
) -> None:
    needed = reachable(store, {kept.bundle, kept.verdict})
    assert deletions < len(doomed.keys)
    with pytest.raises(StorageFault):
        prune.sweep(Dying(store, deletions), needed)
    left = {stored.key for stored in store.list()}
    assert len(doomed.keys - left) == deletions
    assert _whole(store)
    prune.sweep(store, reachable(store, {kept.bundle, kept.verdict}))
    assert {stored.key for stored in store.list()} == kept.keys


def test_a_dry_run_counts_and_deletes_nothing(store: Store, kept: Lineage, doomed: Lineage) -> None:
    needed = reachable(store, {kept.bundle, kept.verdict})
    before = store.list()
    planned = prune.sweep(store, needed, dry_run=True)
    assert list(store.list()) == list(before)
    assert planned == prune.sweep(store, needed)
    assert planned[0] == len(doomed.keys)


def test_half_a_publication_goes_too(store: Store, kept: Lineage, tmp_path: Path) -> None:
    (tmp_path / "stray.parquet").write_text("no manifest names it")
    put_file(store, "tables", tmp_path / "stray.parquet")
    store.write("boosters/abc/model.txt", b"its manifest was never written")
    objects, size = prune.sweep(store, reachable(store, {kept.bundle, kept.verdict}))
    assert (objects, size) == (2, len("no manifest names it") + len("its manifest was never written"))


def test_kfp_folders_go_unless_a_cache_entry_has_files_there(tmp_path: Path) -> None:
    cache, parent = tmp_path / "cache", tmp_path / "kfp"
    cache.mkdir()
    for name in ("tiny-training-1", "tiny-training-12"):
        (parent / name / "evaluate").mkdir(parents=True)
    (cache / "a.json").write_bytes(canonical_json({"metrics": {"uri": f"{parent}/tiny-training-12/evaluate/metrics"}}))
    assert prune._named_by(cache, parent) == {"tiny-training-12"}
    assert prune._remove_all_but(parent, {"tiny-training-12"}) == 1
    assert [path.name for path in parent.iterdir()] == ["tiny-training-12"]


def test_the_newest_compiled_pipeline_of_each_model_stays(tmp_path: Path) -> None:
    for age, name in enumerate(["tiny-new", "tiny_two-only", "tiny-old", "tiny-oldest"]):
        (tmp_path / f"{name}.yaml").touch()
        os.utime(tmp_path / f"{name}.yaml", (1000 - age, 1000 - age))
    prune._remove_older_compiled(tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == {"tiny-new", "tiny_two-only"}


def test_an_outside_store_is_left_alone(tmp_path: Path) -> None:
    outside = Settings(tmp_path, tmp_path, "s3://theirs", None, None, None)
    with pytest.raises(UsageError, match="prune is for the embedded store"):
        prune.prune(outside)


def test_what_a_kept_run_names_beside_manifests_is_no_manifest(
    store: Store, kept: Lineage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(project=tmp_path, state=tmp_path, store=None, s3_endpoint=None, s3_port=None, tracking_uri=None)
    report = "runs/kept/validation.json"
    store.write(report, canonical_json({"checks": []}))
    result = {"snapshot": kept.snapshot, "validation": f"{store.root}/{report}"}
    record = StepRecord(step="ingest", status="done", pid=1, started=0.0, result=result)
    record.write(open_store(str(settings.runs / "kept")))
    monkeypatch.setattr(prune, "_registered", lambda *_: set())
    needed = prune._needed(store, settings, {"tiny": settings.runs / "kept"})
    assert {report, kept.snapshot.removeprefix(f"{store.root}/"), "ingests/kept.json"} <= needed
