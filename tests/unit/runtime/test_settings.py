"""The surroundings of a command, and what of the inherited environment reaches the steps."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loanwright.errors import EnvironmentFault, UsageError
from loanwright.runtime.settings import Settings, environment

INHERITED = {
    "AWS_ACCESS_KEY_ID": "theirs",
    "AWS_PROFILE": "production",
    "MLFLOW_TRACKING_URI": "http://production",
    "PYTHONOPTIMIZE": "2",
    "PYTHONWARNINGS": "error",
    "HOME": "/home/me",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pyproject.toml").touch()
    return tmp_path


def test_the_embedded_default_takes_nothing_inherited(project: Path) -> None:
    settings = Settings.read(INHERITED, project)
    variables = settings.variables(INHERITED)
    assert {name for name in variables if name.startswith(("AWS_", "MLFLOW_"))} == set()
    assert not {"PYTHONOPTIMIZE", "PYTHONWARNINGS"} & variables.keys(), "libraries break by these"
    assert variables["LOANWRIGHT_TRACKING_URI"] == f"sqlite:///{project}/.loanwright/mlflow/mlflow.db"
    assert variables["HOME"] == "/home/me"


def test_inherited_credentials_count_with_an_outside_store(project: Path) -> None:
    outside = INHERITED | {"LOANWRIGHT_STORE": "s3://team/models", "LOANWRIGHT_S3_ENDPOINT": "http://minio:9000"}
    variables = Settings.read(outside, project).variables(outside)
    assert variables["AWS_ACCESS_KEY_ID"] == "theirs"
    assert variables["LOANWRIGHT_STORE"] == "s3://team/models"
    assert variables["LOANWRIGHT_S3_ENDPOINT"] == "http://minio:9000"
    assert "MLFLOW_TRACKING_URI" not in variables


def test_inherited_mlflow_variables_count_with_an_outside_registry(project: Path) -> None:
    outside = INHERITED | {"LOANWRIGHT_TRACKING_URI": "http://mlflow:5000"}
    variables = Settings.read(outside, project).variables(outside)
    assert variables["MLFLOW_TRACKING_URI"] == "http://production"
    assert variables["LOANWRIGHT_TRACKING_URI"] == "http://mlflow:5000"
    assert "AWS_PROFILE" not in variables


def test_the_state_folder_can_be_moved(project: Path, tmp_path: Path) -> None:
    settings = Settings.read({"LOANWRIGHT_STATE": str(tmp_path / "elsewhere")}, project / "pipelines")
    assert settings.state == tmp_path / "elsewhere"
    assert settings.project == project


def test_outside_a_project_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not inside a Loanwright project"):
        Settings.read({}, tmp_path)


def test_a_port_that_is_none_is_refused(project: Path) -> None:
    with pytest.raises(UsageError, match="LOANWRIGHT_S3_PORT is 'eighty'"):
        Settings.read({"LOANWRIGHT_S3_PORT": "eighty"}, project)


def test_an_unwritable_state_folder_is_said(project: Path) -> None:
    (project / "file").touch()
    with pytest.raises(EnvironmentFault, match=r"the state folder .*file/state cannot be written to: Not a directory"):
        Settings.read({"LOANWRIGHT_STATE": str(project / "file" / "state")}, project)


def test_the_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEFORE", "1")
    with environment({"INSIDE": "1"}):
        assert dict(os.environ) == {"INSIDE": "1"}
    assert os.environ["BEFORE"] == "1"
    assert "INSIDE" not in os.environ


@pytest.mark.parametrize("name", ["feature%2Fbranch", "what?"])
def test_a_path_that_is_no_address_of_a_database_is_refused(project: Path, name: str) -> None:
    where = {"LOANWRIGHT_STATE": str(project / name)}
    with pytest.raises(UsageError, match=r"has a '%' or '\?' in its path.+Set LOANWRIGHT_STATE"):
        Settings.read(where, project)
    assert not (project / name).exists()
    assert Settings.read(where | {"LOANWRIGHT_TRACKING_URI": "http://mlflow:5000"}, project).state == project / name


def test_a_path_that_the_embedded_server_would_split_is_refused(project: Path) -> None:
    where = {"LOANWRIGHT_STATE": str(project / "Smith, Anna")}
    with pytest.raises(UsageError, match=r"has a ',' in its path.+Set LOANWRIGHT_STATE"):
        Settings.read(where, project)
    assert Settings.read(where | {"LOANWRIGHT_STORE": "store"}, project).state == project / "Smith, Anna"


@pytest.mark.parametrize("address", ["s3://", "s3:///prefix", "s3:/bucket", "gs://bucket/prefix", "http://host/x"])
def test_a_store_that_is_neither_s3_nor_a_folder_is_refused(project: Path, address: str) -> None:
    with pytest.raises(UsageError, match=r"LOANWRIGHT_STORE is .+, neither s3://bucket/prefix nor a folder"):
        Settings.read({"LOANWRIGHT_STORE": address}, project)


@pytest.mark.parametrize("address", ["a b/it's", "file:///data/a b", "/data/a:b", "c:d"])
def test_a_folder_is_a_store_whatever_its_name(project: Path, address: str) -> None:
    store = Settings.read({"LOANWRIGHT_STORE": address}, project).store
    assert store is not None
    assert store.startswith("/")


def test_the_feature_engine_is_handed_on_to_the_steps(project: Path) -> None:
    assert Settings.read({}, project).variables({})["LOANWRIGHT_FEATURE_ENGINE"] == "duckdb"
    chosen = {"LOANWRIGHT_FEATURE_ENGINE": "spark"}
    assert Settings.read(chosen, project).variables(chosen)["LOANWRIGHT_FEATURE_ENGINE"] == "spark"
    with pytest.raises(UsageError, match="'sparc', neither duckdb nor spark"):
        Settings.read({"LOANWRIGHT_FEATURE_ENGINE": "sparc"}, project)


def test_features_may_be_computed_in_shards(project):
    assert Settings.read({}, project).variables({})["LOANWRIGHT_FEATURE_SHARDS"] == ""
    dealt = Settings.read({"LOANWRIGHT_FEATURE_SHARDS": "8"}, project)
    assert dealt.variables({})["LOANWRIGHT_FEATURE_SHARDS"] == "8"
    for wrong in ("0", "two", "-1", "5000"):
        with pytest.raises(UsageError, match=f"LOANWRIGHT_FEATURE_SHARDS is '{wrong}', not a number of shards"):
            Settings.read({"LOANWRIGHT_FEATURE_SHARDS": wrong}, project)
