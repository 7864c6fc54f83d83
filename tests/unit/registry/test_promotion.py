from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from loanwright.errors import IntegrityFault, UsageError
from loanwright.registry import promotion
from loanwright.registry.client import connect, sqlite_path
from loanwright.registry.lookup import BUNDLE_TAG, DIGEST_TAG, Version, find_model
from loanwright.registry.promotion import open_version, promote, resolve
from loanwright.registry.versions import champion
from loanwright.storage import read_manifest
from tests.unit.registry.conftest import WORDS
from tests.unit.registry.test_versions import register_again


@pytest.fixture
def moved_bundle(bundle_uri: str, tmp_path: Path) -> Path:
    """The bundle in a place of the test's own."""
    return shutil.copytree(Path(bundle_uri).parent, tmp_path / "store" / read_manifest(bundle_uri).digest)


@pytest.fixture
def first(tracking_uri: str, run_id: str, moved_bundle: Path, tmp_path: Path) -> Version:
    return register_again(tracking_uri, run_id, f"{moved_bundle}/manifest.json", tmp_path / "scratch")


@pytest.fixture
def second(first: Version, tracking_uri: str, run_id: str, other_bundle_uri: str, tmp_path: Path) -> Version:
    return register_again(tracking_uri, run_id, other_bundle_uri, tmp_path / "scratch")


@pytest.fixture
def listed(tracking_uri: str) -> None:
    """A registry with two versions, for whoever only looks."""
    client = connect(tracking_uri)
    client.create_registered_model(WORDS.name)
    for number in (1, 2):
        client.create_model_version(WORDS.name, "s3://somewhere", tags={DIGEST_TAG: f"d{number}"})
    client.set_registered_model_alias(WORDS.name, "challenger", "2")


def test_promotion_moves_the_champion_and_says_from_where(
    tracking_uri: str, first: Version, second: Version, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    done = promote(tracking_uri, "small_loans@1", tmp_path)
    assert (done.version, done.replaced, done.moved) == (first, None, True)
    done = promote(tracking_uri, "small_loans@challenger", tmp_path)
    assert (done.version, done.replaced, done.moved) == (second, 1, True)

    now = champion(tracking_uri, WORDS.name)
    assert now is not None
    assert now.number == 2
    assert now.tags["loanwright.replaced"] == "1"
    assert now.tags["loanwright.promoted"].endswith("Z")
    registered = find_model(tracking_uri, WORDS.name)
    assert registered is not None
    assert registered.aliases == {"champion": 2, "challenger": 2}
    assert capfd.readouterr() == ("", ""), "one file is no progress to show"


@pytest.mark.usefixtures("first")
def test_promoting_the_champion_again_changes_nothing(tracking_uri: str, tmp_path: Path) -> None:
    promote(tracking_uri, "small_loans@1", tmp_path)
    database = sqlite_path(tracking_uri)
    assert database is not None
    before = database.read_bytes()

    done = promote(tracking_uri, "small_loans@champion", tmp_path)

    assert (done.replaced, done.moved) == (1, False)
    assert database.read_bytes() == before


@pytest.mark.usefixtures("first")
def test_a_damaged_bundle_is_not_promoted(tracking_uri: str, moved_bundle: Path, tmp_path: Path) -> None:
    (moved_bundle / "calibrator.json").write_text('{"method":"none"}')

    with pytest.raises(IntegrityFault, match=r"calibrator\.json is not what"):
        promote(tracking_uri, "small_loans@1", tmp_path)
    assert champion(tracking_uri, WORDS.name) is None


@pytest.mark.usefixtures("first")
def test_a_changed_copy_in_mlflow_is_not_promoted(tracking_uri: str, tmp_path: Path) -> None:
    (copy,) = (tmp_path / "artifacts").rglob("model.lgb")
    copy.write_text(copy.read_text().replace("leaf_value=", "leaf_value=1", 1))

    with pytest.raises(IntegrityFault, match="MLflow's copy of version 1 of small_loans is not the bundle's model"):
        promote(tracking_uri, "small_loans@1", tmp_path / "scratch")
    assert champion(tracking_uri, WORDS.name) is None


def test_a_version_whose_bundle_was_exchanged_is_not_promoted(
    tracking_uri: str, first: Version, other_bundle_uri: str, tmp_path: Path
) -> None:
    connect(tracking_uri).set_model_version_tag(WORDS.name, str(first.number), BUNDLE_TAG, other_bundle_uri)

    with pytest.raises(IntegrityFault, match=r"version 1 of small_loans was registered for bundle"):
        promote(tracking_uri, "small_loans@1", tmp_path)
    assert champion(tracking_uri, WORDS.name) is None


@pytest.mark.usefixtures("first")
def test_a_version_that_was_not_registered_by_a_run_is_refused(tracking_uri: str, tmp_path: Path) -> None:
    connect(tracking_uri).create_model_version(WORDS.name, "s3://somewhere/else")

    with pytest.raises(UsageError, match="version 2 of small_loans names no bundle"):
        promote(tracking_uri, "small_loans@2", tmp_path)


@pytest.mark.usefixtures("listed")
def test_references_name_versions_by_alias_or_number(tracking_uri: str) -> None:
    assert resolve(tracking_uri, "small_loans@1").digest == "d1"
    assert resolve(tracking_uri, "small_loans@challenger").digest == "d2"


@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("small_loans", "'small_loans' names no version of a model. Write MODEL@ALIAS or MODEL@VERSION"),
        ("@1", "'@1' names no version"),
        ("small_loans@", "'small_loans@' names no version"),
        ("small_loan@1", r"no model 'small_loan' is registered \(did you mean 'small_loans'\?\)"),
        ("x' or '1@1", "no model \"x' or '1\" is registered"),
        ("small_loans@3", "has no version '3'. It has versions 1, 2 and aliases challenger"),
        ("small_loans@challanger", r"has no alias 'challanger' \(did you mean 'challenger'\?\)"),
        ("small_loans@²", "has no alias '²'"),
        ("small_loans@1@2", "has no alias '1@2'"),
    ],
)
def test_what_does_not_exist_is_a_usage_error_with_the_near_name(
    tracking_uri: str, reference: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        resolve(tracking_uri, reference)


def test_a_model_without_versions_is_not_registered(tracking_uri: str) -> None:
    connect(tracking_uri).create_registered_model(WORDS.name)

    with pytest.raises(UsageError, match="no model 'small_loans' is registered"):
        resolve(tracking_uri, "small_loans@1")


def test_an_unknown_model_is_unknown_even_if_no_near_name_can_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing_answers(tracking_uri: str) -> list[str]:
        raise promotion.EnvironmentFault("MLflow does not answer")

    monkeypatch.setattr(promotion, "model_names", nothing_answers)
    with pytest.raises(UsageError, match="no model 'loans' is registered"):
        resolve(f"sqlite:///{tmp_path}/none.db", "loans@1")


def test_the_bundle_of_a_version_opens_verified(tracking_uri: str, first: Version, tmp_path: Path) -> None:
    assert open_version(first, tmp_path).digest == first.tags[DIGEST_TAG]
