"""The model of the synthetic lender: what its declaration promises, and that other models can share its features."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from loanwright.config.aggregates import AGGREGATES
from loanwright.config.declaration import Declaration
from loanwright.config.features import DerivedFeature, Feature
from loanwright.config.reading import sections_as_parameters
from loanwright.data.world.schema import TABLES
from loanwright.runtime.checking import check_declaration

PIPELINES = Path(__file__).parents[2] / "pipelines"
FOLDER = PIPELINES / "pay_later_default"
UNSEEN = {"truth", "probability", "shocked", "fraud", "outcome_known"}


@pytest.fixture(scope="module")
def declaration() -> Declaration:
    return check_declaration(FOLDER)


@pytest.fixture(scope="module")
def features(declaration: Declaration) -> list[Feature | DerivedFeature]:
    grouped = [feature for group in declaration.features.groups for feature in group.every]
    return [*grouped, *declaration.features.derived]


def test_it_has_at_least_eighty_features_over_six_sources(declaration: Declaration) -> None:
    given = [name for name in declaration.features.names() if name not in declaration.features.hidden]
    assert len(given) >= 80
    hidden = set(declaration.features.hidden)
    seen = {group.source for group in declaration.features.groups if {one.name for one in group.every} - hidden}
    assert len(seen) >= 6


def test_every_feature_is_described(features: list[Feature | DerivedFeature]) -> None:
    assert [one.name for one in features if not one.description.endswith(".")] == []


def test_every_feature_that_is_given_has_words_for_an_applicant(declaration: Declaration) -> None:
    given = {name for name in declaration.features.names() if name not in declaration.features.hidden}
    assert set(declaration.evaluation.reasons) == given


def test_what_is_no_matter_of_credit_is_hidden(
    declaration: Declaration, features: list[Feature | DerivedFeature]
) -> None:
    barred = {one.name for one in features if not one.credit}
    assert {"birth_year", "region", "device_late_7"} <= barred <= set(declaration.features.hidden)
    assert declaration.features.purpose == "credit"


def test_every_word_of_the_declarations_is_used(declaration: Declaration) -> None:
    groups = declaration.features.groups
    used = {feature.aggregate for group in groups for feature in group.features}
    assert used == set(AGGREGATES)
    every = [feature for group in groups for feature in group.features]
    assert any(feature.offset for feature in every)
    assert any(feature.windows for feature in every)
    assert any(group.via for group in groups)
    assert any(group.outcome for group in groups)
    assert any(len(group.keys) == 2 for group in groups)


def test_an_outcome_matures_when_the_label_does(declaration: Declaration) -> None:
    label = declaration.data.label
    assert label.event is not None
    (outcome,) = [group.outcome for group in declaration.features.groups if group.outcome is not None]
    assert (outcome.filter, outcome.within, outcome.matures_after) == (
        label.event.filter,
        label.event.within,
        label.matures_after,
    )


def test_its_sources_are_the_worlds_tables_and_known_when_they_were_known(declaration: Declaration) -> None:
    for source in declaration.data.sources:
        table = TABLES[source.name]
        assert source.uri == f"world://{source.name}"
        assert (source.key, source.event_time, source.known_time) == ((table.key,), table.event_time, "known_at")
        assert {column.name for column in source.columns} <= set(table.columns)
        assert UNSEEN.isdisjoint(column.name for column in source.columns)


def test_the_policys_opinion_is_barred(declaration: Declaration) -> None:
    for name in ("approval_reason", "approval_probability"):
        column = declaration.data.unit_source.column(name)
        assert column is not None
        assert column.barred


def test_all_sections_together_take_less_than_a_step_can_be_handed() -> None:
    sections = sections_as_parameters(FOLDER / "model.yaml")
    assert sum(len(json.dumps(section)) for section in sections.values()) < 60_000


def test_another_model_can_include_the_shared_files(tmp_path: Path) -> None:
    shared = sorted((PIPELINES / "features").glob("*.yaml"))
    assert len(shared) >= 3
    raw: dict[str, Any] = yaml.safe_load((FOLDER / "model.yaml").read_text())
    raw["model"]["name"] = "checkout_fraud"
    raw["features"] = {"include": [f"../features/{path.name}" for path in shared], "purpose": "other"}
    raw["evaluation"] = {}
    for path in shared:
        copy = tmp_path / "pipelines" / "features" / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text())
    folder = tmp_path / "pipelines" / "checkout_fraud"
    folder.mkdir()
    (folder / "model.yaml").write_text(yaml.safe_dump(raw))
    (tmp_path / "pyproject.toml").touch()
    other = check_declaration(folder)
    given = set(other.features.names()) - set(other.features.hidden)
    assert {"device_late_7", "device_customers", "contact_changes_14d", "since_checkout_here"} <= given
