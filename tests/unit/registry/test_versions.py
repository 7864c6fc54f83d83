from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loanwright.config.declaration import Model
from loanwright.errors import EnvironmentFault, IntegrityFault
from loanwright.features.table import TrainingTable
from loanwright.registry import versions
from loanwright.registry.bundles import Bundle
from loanwright.registry.client import addressed, connect
from loanwright.registry.lookup import BUNDLE_TAG, DIGEST_TAG, Registered, Version, find_model
from loanwright.registry.promotion import promote
from loanwright.registry.versions import champion, find_version, register
from loanwright.runtime.object_server import ObjectServer
from loanwright.runtime.settings import Settings, environment
from loanwright.storage import open_store, read_manifest
from tests.unit.registry.conftest import WORDS, Parts
from tests.unit.registry.servers import serve_mlflow

Register = Callable[..., Version]


def register_again(tracking_uri: str, run_id: str, bundle_uri: str, scratch: Path, words: Model = WORDS) -> Version:
    """Registers with what the tests do not look at filled in."""
    scratch.mkdir(parents=True, exist_ok=True)
    tags = {"loanwright.outcome": "pass"}
    return register(tracking_uri, words, bundle_uri, run_id=run_id, tags=tags, description="AUC 0.78", scratch=scratch)


@pytest.fixture
def registering(tracking_uri: str, run_id: str, tmp_path: Path) -> Register:
    def go(bundle_uri: str, words: Model = WORDS) -> Version:
        return register_again(tracking_uri, run_id, bundle_uri, tmp_path / "scratch", words)

    return go


def test_a_version_says_where_its_bundle_is(
    registering: Register, tracking_uri: str, run_id: str, bundle_uri: str
) -> None:
    version = registering(bundle_uri)

    digest = read_manifest(bundle_uri).digest
    assert (version.model, version.number, version.digest, version.bundle) == (WORDS.name, 1, digest, bundle_uri)
    assert version.run_id == run_id
    assert version.tags == {DIGEST_TAG: digest, BUNDLE_TAG: bundle_uri, "loanwright.outcome": "pass"}
    assert find_version(tracking_uri, WORDS.name, digest) == version
    assert find_version(tracking_uri, WORDS.name, "0" * 64) is None


def test_registering_makes_a_challenger_and_no_champion(
    registering: Register, tracking_uri: str, bundle_uri: str, other_bundle_uri: str
) -> None:
    registering(bundle_uri)
    second = registering(other_bundle_uri)

    registered = find_model(tracking_uri, WORDS.name)
    assert registered is not None
    assert registered.aliases == {"challenger": 2}
    assert registered.under("challenger") == second
    assert champion(tracking_uri, WORDS.name) is None


def test_one_bundle_has_one_version_ever(
    registering: Register, tracking_uri: str, bundle_uri: str, other_bundle_uri: str
) -> None:
    first = registering(bundle_uri)
    registering(other_bundle_uri)

    assert registering(bundle_uri) == first

    registered = find_model(tracking_uri, WORDS.name)
    assert registered is not None
    assert [version.number for version in registered.versions] == [1, 2]
    assert registered.aliases == {"challenger": 1}


def test_a_second_time_nothing_is_imported_and_nothing_written(
    registering: Register, bundle_uri: str, tracking_uri: str, tmp_path: Path
) -> None:
    registering(bundle_uri)
    database = Path(tracking_uri.removeprefix("sqlite:///"))
    before = database.read_bytes()
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "for name in ('mlflow', 'lightgbm', 'pyarrow', 'numpy'):\n"
        "    sys.modules[name] = None\n"  # now importing it is an error
        "from loanwright.config.declaration import Model\n"
        "from loanwright.registry.versions import register\n"
        f"found = register({tracking_uri!r}, Model(**{WORDS.model_dump()!r}), {bundle_uri!r}, "
        f"run_id='x', tags={{}}, description='', scratch=Path({str(tmp_path)!r}))\n"
        "print(found.number)"
    )

    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=root, check=False)

    assert (done.stdout, done.returncode) == ("1\n", 0), done.stderr
    assert database.read_bytes() == before


def test_models_of_another_name_are_others(registering: Register, bundle_uri: str) -> None:
    registering(bundle_uri)

    assert registering(bundle_uri, WORDS.model_copy(update={"name": "other_loans"})).number == 1


def test_the_models_words_are_the_registrys(registering: Register, tracking_uri: str, bundle_uri: str) -> None:
    registering(bundle_uri)
    client = connect(tracking_uri)
    assert client.get_registered_model(WORDS.name).description == ("Small loans\n\nMade up.\n\nOwner: risk@example.com")
    assert client.get_model_version(WORDS.name, "1").description == "AUC 0.78"


def test_mlflow_serves_the_judged_model_as_text(
    registering: Register, tracking_uri: str, bundle_uri: str, parts: Parts, tmp_path: Path
) -> None:
    registering(bundle_uri)
    connect(tracking_uri)
    import mlflow

    with addressed(tracking_uri):
        folder = Path(
            mlflow.artifacts.download_artifacts(f"models:/{WORDS.name}@challenger", dst_path=str(tmp_path / "download"))
        )
        booster = mlflow.lightgbm.load_model(f"models:/{WORDS.name}@challenger")

    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {name for name in files if "/" not in name} == {
        "MLmodel", "conda.yaml", "model.lgb", "python_env.yaml", "requirements.txt",
    } | (files & {"registered_model_meta"})  # fmt: skip
    assert all(b"\0" not in (folder / name).read_bytes() for name in files), "everything is text"
    assert (folder / "model.lgb").read_bytes() == (folder / "bundle" / "model.txt").read_bytes()
    bundle = Bundle.open(folder / "bundle", tmp_path)
    assert bundle.digest == read_manifest(bundle_uri).digest
    rows = TrainingTable.open(parts.table.uri, tmp_path).read_group(0)
    matrix = bundle.scorer.encoding.matrix(rows)
    assert np.array_equal(booster.predict(matrix, raw_score=True), bundle.scorer.margins(rows))


def test_the_run_shows_the_model_and_the_model_its_version(
    registering: Register, tracking_uri: str, run_id: str, bundle_uri: str
) -> None:
    version = registering(bundle_uri)

    client = connect(tracking_uri)
    (output,) = client.get_run(run_id).outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    assert version.source == f"models:/{output.model_id}"
    assert logged.tags["mlflow.modelVersions"] == f'[{{"name": "{WORDS.name}", "version": 1}}]'
    assert str(logged.status) == "READY"


def test_a_damaged_bundle_is_not_registered(
    registering: Register, tracking_uri: str, bundle_uri: str, tmp_path: Path
) -> None:
    folder = shutil.copytree(Path(bundle_uri).parent, tmp_path / read_manifest(bundle_uri).digest)
    (folder / "reasons.json").write_text("{}")

    with pytest.raises(IntegrityFault, match="its bytes were changed"):
        registering(f"{folder}/manifest.json")
    assert find_model(tracking_uri, WORDS.name) is None


def test_a_run_that_is_not_there_registers_nothing(tracking_uri: str, bundle_uri: str, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="failed to register model 'small_loans': Run with id=gone not found"):
        register_again(tracking_uri, "gone", bundle_uri, tmp_path)
    registered = find_model(tracking_uri, WORDS.name)
    assert registered is None or registered.versions == ()


def test_a_kill_before_the_alias_is_made_good(
    registering: Register, tracking_uri: str, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Stands for a kill."""

    def kill(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("mlflow.MlflowClient.set_registered_model_alias", kill)
        with pytest.raises(Killed):
            registering(bundle_uri)

    assert registering(bundle_uri).number == 1
    registered = find_model(tracking_uri, WORDS.name)
    assert registered is not None
    assert registered.aliases == {"challenger": 1}


def test_who_registers_at_the_same_time_and_later_takes_it_back(
    registering: Register, tracking_uri: str, run_id: str, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = registering(bundle_uri)
    look = versions.find_model
    looks: list[str] = []

    def look_too_early(uri: str, model: str) -> Registered | None:
        looks.append(model)
        return None if len(looks) == 1 else look(uri, model)

    monkeypatch.setattr(versions, "find_model", look_too_early)
    assert registering(bundle_uri) == first

    registered = find_model(tracking_uri, WORDS.name)
    assert registered is not None
    assert registered.versions == (first,)
    assert registered.aliases == {"challenger": 1}
    client = connect(tracking_uri)
    experiment = client.get_run(run_id).info.experiment_id
    assert [model.model_id for model in client.search_logged_models([experiment])] == [
        first.source.removeprefix("models:/")
    ]


def test_an_alias_that_another_made_in_the_same_moment_is_moved(
    registering: Register, tracking_uri: str, bundle_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(tracking_uri)
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    really_set = MlflowClient.set_registered_model_alias
    failed: list[str] = []

    def fail_once(client: MlflowClient, name: str, alias: str, version: str) -> None:
        if not failed:
            failed.append(alias)
            raise MlflowException("UNIQUE constraint failed: registered_model_aliases")
        really_set(client, name, alias, version)

    monkeypatch.setattr(MlflowClient, "set_registered_model_alias", fail_once)
    registering(bundle_uri)

    registered = find_model(tracking_uri, WORDS.name)
    assert registered is not None
    assert (registered.aliases, failed) == ({"challenger": 1}, ["challenger"])


def test_a_champion_without_a_bundle_is_an_error(tracking_uri: str) -> None:
    client = connect(tracking_uri)
    client.create_registered_model(WORDS.name)
    client.create_model_version(WORDS.name, "s3://somewhere/else")
    client.set_registered_model_alias(WORDS.name, "champion", "1")

    with pytest.raises(EnvironmentFault, match="champion of small_loans, version 1, names no bundle"):
        champion(tracking_uri, WORDS.name)


def _race(uri: str, run: str, bundle: str, scratch: Path, barrier: Any, numbers: Any) -> None:
    connect(uri).search_experiments()
    barrier.wait()
    numbers.put(register_again(uri, run, bundle, scratch).number)


@pytest.mark.slow
def test_processes_at_once_leave_one_version(tracking_uri: str, run_id: str, bundle_uri: str, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, numbers = context.Barrier(3), context.Queue()
    workers = [
        context.Process(target=_race, args=(tracking_uri, run_id, bundle_uri, tmp_path / f"{i}", barrier, numbers))
        for i in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(100)

    registered = find_model(tracking_uri, WORDS.name)
    assert registered is not None
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert [version.number for version in registered.versions] == [1]
    assert [numbers.get(timeout=5) for _ in workers] == [1, 1, 1]
    assert registered.aliases == {"challenger": 1}


@pytest.mark.slow
def test_a_server_registers_the_same(tracking_uri: str, bundle_uri: str, tmp_path: Path) -> None:
    with serve_mlflow(tracking_uri, tmp_path) as server:
        client = connect(server)
        run = client.create_run(client.create_experiment(WORDS.name)).info.run_id
        version = register_again(server, run, bundle_uri, tmp_path / "scratch")

        assert register_again(server, run, bundle_uri, tmp_path / "scratch") == version
        registered = find_model(server, WORDS.name)
        assert registered == find_model(tracking_uri, WORDS.name)
        assert registered == Registered(WORDS.name, {"challenger": 1}, (version,))
        assert promote(server, "small_loans@1", tmp_path / "scratch").moved


@pytest.mark.slow
def test_bundle_and_artifacts_may_lie_in_s3(parts: Parts, tracking_uri: str, bundle_uri: str, tmp_path: Path) -> None:
    settings = Settings(
        project=tmp_path, state=tmp_path / "s3", store=None, s3_endpoint=None, s3_port=None, tracking_uri=None
    )
    server = ObjectServer(settings)
    try:
        with environment(dict(os.environ) | server.start()):
            there = replace(parts, store=open_store("s3://loanwright"))
            uri = there.assemble(tmp_path)
            client = connect(tracking_uri)
            experiment = client.create_experiment(WORDS.name, artifact_location="s3://loanwright/mlflow")
            run = client.create_run(experiment).info.run_id
            version = register_again(tracking_uri, run, uri, tmp_path / "scratch")

            assert (version.bundle, version.digest) == (uri, read_manifest(bundle_uri).digest)
            assert promote(tracking_uri, "small_loans@challenger", tmp_path / "scratch").moved
            assert any(stored.key.endswith("/model.lgb") for stored in there.store.list("mlflow/"))
            there.store.write(f"bundles/{version.digest}/reasons.json", b"{}")
            with pytest.raises(IntegrityFault, match=r"reasons\.json is not what .* lists"):
                promote(tracking_uri, "small_loans@challenger", tmp_path / "elsewhere")
    finally:
        server.stop()
