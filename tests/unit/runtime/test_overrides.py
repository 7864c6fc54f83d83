"""`--set` reaches every place of a declaration, and says what is wrong otherwise."""

from __future__ import annotations

import pytest

from loanwright.errors import UsageError
from loanwright.runtime.overrides import apply_overrides

PARAMETERS = {
    "training": {"rounds": 100, "parameters": {"learning_rate": 0.1}},
    "gates": {"rules": [{"name": "auc_floor", "metric": "auc", "min": 0.7}]},
}


def test_values_are_read_as_yaml_and_the_defaults_filled_in() -> None:
    changed = apply_overrides(PARAMETERS, ["training.rounds=7", "register_model=false", "workers=2"])
    assert changed["training"]["rounds"] == 7
    assert changed["register_model"] is False
    assert (changed["data_cutoff"], changed["source_overrides"]) == ("", {})
    assert PARAMETERS["training"]["rounds"] == 100


@pytest.mark.parametrize(
    ("text", "value"), [("1e-3", 0.001), ("2005-10-02", "2005-10-02"), ("yes", "yes"), ("12:30", "12:30")]
)
def test_a_value_means_what_it_means_in_a_declaration(text: str, value: object) -> None:
    assert apply_overrides(PARAMETERS, [f"training.rounds={text}"])["training"]["rounds"] == value


def test_a_part_that_rested_on_its_default_can_be_set() -> None:
    changed = apply_overrides(PARAMETERS, ["training.early_stopping.patience=5"])
    assert changed["training"]["early_stopping"] == {"patience": 5}


def test_null_takes_a_value_back_to_its_default() -> None:
    for nothing in ("null", ""):
        assert "parameters" not in apply_overrides(PARAMETERS, [f"training.parameters={nothing}"])["training"]


def test_a_named_thing_in_a_list_is_addressed_by_name_or_position() -> None:
    for place in ("auc_floor", "0"):
        changed = apply_overrides(PARAMETERS, [f"gates.rules.{place}.min=0.9"])
        assert changed["gates"]["rules"][0]["min"] == 0.9


def test_times_and_addresses_stay_text() -> None:
    changed = apply_overrides(PARAMETERS, ["data_cutoff=2026-01-01T00:00:00Z", "source_overrides.a=s3://b/c: d"])
    assert changed["data_cutoff"] == "2026-01-01T00:00:00Z"
    assert changed["source_overrides"] == {"a": "s3://b/c: d"}


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("training.rounds", "--set 'training.rounds' is not of the form name=value"),
        ("=3", "--set '=3' is not of the form name=value"),
        ("trainign.rounds=3", "--set trainign.rounds: there is no parameter 'trainign' (did you mean 'training'?)"),
        ("worker=3", "--set worker: there is no parameter 'worker' (did you mean 'workers'?)"),
        (
            "gates.rules.auc_flor.min=1",
            "--set gates.rules.auc_flor.min: nothing is named 'auc_flor' there (did you mean 'auc_floor'?)",
        ),
        ("gates.rules.4.min=1", "--set gates.rules.4.min: nothing is named '4' there"),
        ("training.rounds=[1", "--set training.rounds: '[1' is no plain YAML value. Quote it"),
        ("training.rounds=!!int 1", "--set training.rounds: '!!int 1' is no plain YAML value. Quote it"),
        ("source_overrides.a:pg://u:pw@h/d", "--set '…@h/d' is not of the form name=value"),
        ("source_overrides={a: {pg://u:pw@h", "--set source_overrides: '…@h' is no plain YAML value. Quote it"),
        ("training.rounds.x.y=1", "--set training.rounds.x.y: there is no parameter 'x'"),
    ],
)
def test_a_wrong_assignment_is_one_clear_error(assignment: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        apply_overrides(PARAMETERS, [assignment])
    assert str(caught.value) == message
