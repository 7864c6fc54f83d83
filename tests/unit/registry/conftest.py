"""A migrated MLflow database to copy, and small bundles made by the library's own steps."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from loanwright.config.declaration import Model
from loanwright.config.learning import Calibration, Fractions, Parameters, Split, Training
from loanwright.registry.bundles import assemble
from loanwright.registry.client import connect, initialise
from loanwright.storage import Manifest, Store, open_store, read_manifest
from loanwright.training.calibrate import calibrate
from loanwright.training.train import train
from tests.builders.tables import publish_table

SPLIT = Split(method="hash", fractions=Fractions(train=0.6, calibration=0.2, test=0.2))
WORDS = Model(name="small_loans", title="Small loans", description="Made up.", owner="risk@example.com")


@dataclass(frozen=True)
class Parts:
    """What a bundle is put together from."""

    store: Store
    table: Manifest
    booster: Manifest
    calibrator: Manifest

    def assemble(self, scratch: Path, **card: str) -> str:
        """The URI of a bundle of these parts; another card makes another bundle."""
        return assemble(
            self.store,
            scratch,
            table=self.table,
            booster=self.booster,
            calibrator=self.calibrator,
            reference={"score": {"edges": [0.1, 0.2], "shares": [0.5, 0.3, 0.2]}, "features": {}},
            reasons={"number_0": "Too much of it"},
            model_card={"label": "default", **card},
        )


@pytest.fixture(scope="session")
def make_parts(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Parts]:
    """Parts of a model trained for so many rounds."""

    def make(rounds: int) -> Parts:
        folder = tmp_path_factory.mktemp("parts")
        store = open_store(str(folder / "store"))
        table = publish_table(store, rows=1500)
        training = Training(rounds=rounds, exact=False, parameters=Parameters(learning_rate=0.2, num_leaves=7))
        booster = train(table, SPLIT, training, store, folder, threads=1).uri
        calibrator = calibrate(table, booster, SPLIT, Calibration(method="sigmoid"), store, folder)
        return Parts(store, read_manifest(table), read_manifest(booster), read_manifest(calibrator))

    return make


@pytest.fixture(scope="session")
def parts(make_parts: Callable[[int], Parts]) -> Parts:
    return make_parts(12)


@pytest.fixture(scope="session")
def bundle_uri(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> str:
    return parts.assemble(tmp_path_factory.mktemp("assemble"))


@pytest.fixture(scope="session")
def other_bundle_uri(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> str:
    return parts.assemble(tmp_path_factory.mktemp("assemble"), note="another")


@pytest.fixture
def bundle_folder(bundle_uri: str, tmp_path: Path) -> Path:
    """A downloaded bundle, to be damaged."""
    return shutil.copytree(Path(bundle_uri).parent, tmp_path / "download")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow database, made once: its migrations take seconds."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    initialise(f"sqlite:///{path}")
    return path


@pytest.fixture
def tracking_uri(migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A fresh registry, and a working folder in which nothing may appear."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_WORKSPACE", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.delenv(name, raising=False)
    database = tmp_path / "state folder" / "mlflow.db"
    database.parent.mkdir()
    shutil.copyfile(migrated, database)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    yield f"sqlite:///{database}"
    assert list(here.iterdir()) == []


@pytest.fixture
def run_id(tracking_uri: str, tmp_path: Path) -> str:
    """An MLflow run to register from."""
    client = connect(tracking_uri)
    experiment = client.create_experiment(WORDS.name, artifact_location=str(tmp_path / "artifacts" / WORDS.name))
    return str(client.create_run(experiment).info.run_id)
