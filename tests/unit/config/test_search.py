"""The search section: what it may say, that training does not notice it, and how values are put into training."""

from __future__ import annotations

from pathlib import Path

import pytest

from loanwright.config.declaration import SECTIONS
from loanwright.config.learning import Parameters, Training
from loanwright.config.reading import parse_section, read_declaration, search_as_parameter, sections_as_parameters
from loanwright.config.search import Search, Space, declared_values, with_values
from loanwright.config.search_agreement import check_search
from loanwright.errors import DeclarationError
from tests.unit.config.test_reading import SMALLEST, through_a_struct, written

TRAINING = Training(rounds=100, exact=False)
SEARCH = """
search:
  space:
    learning_rate: {low: 0.01, high: 0.2, log: true}
    max_bin: {values: [63, 127, 255]}
  budget: 1h
"""


def refusal(space: str, training: Training = TRAINING) -> str:
    from loanwright.config.documents import read_value

    with pytest.raises(DeclarationError) as caught:
        check_search(parse_section("search", {"space": read_value(space)}, Search), training)
    return str(caught.value)


def test_every_searched_parameter_is_one_that_can_be_declared() -> None:
    assert set(Space.model_fields) - {"rounds"} <= set(Parameters.model_fields)


def test_training_does_not_notice_a_search(tmp_path: Path) -> None:
    without = sections_as_parameters(written(tmp_path, SMALLEST))
    declaration = read_declaration(written(tmp_path, SMALLEST + SEARCH))
    assert sections_as_parameters(declaration) == without
    assert "search" not in SECTIONS
    assert search_as_parameter(read_declaration(written(tmp_path, SMALLEST))) == {}


def test_a_search_survives_the_way_through_kfp(tmp_path: Path) -> None:
    declaration = read_declaration(written(tmp_path, SMALLEST + SEARCH))
    parameter = search_as_parameter(declaration)["search"]
    assert parameter["budget"] == "1h"
    assert parameter["space"]["max_bin"]["values"] == [63, 127, 255]
    again = parse_section("search", through_a_struct(parameter), Search)
    assert again == declaration.search
    assert repr(again.model_dump()) == repr(declaration.search.model_dump() if declaration.search else None)


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ("{}", ": names no parameter to search"),
        ("{learning_rat: {low: 0.1, high: 0.2}}", ".learning_rat: unknown key (did you mean 'learning_rate'?)"),
        ("{learning_rate: {low: 0.1, high: 2}}", ".learning_rate: must be at most 1, not 2.0"),
        ("{learning_rate: {low: 0.2, high: 0.1}}", ".learning_rate: needs low < high, and 0.2 is not below 0.1"),
        ("{learning_rate: {low: 0.1}}", ".learning_rate: needs 'low' and 'high', or 'values'"),
        ("{learning_rate: {low: 0.1, high: 0.2, hihg: 1}}",
         ".learning_rate.hihg: unknown key (did you mean 'high'?)"),
        ("{lambda_l2: {low: 0, high: 9, log: true}}", ".lambda_l2: 'log' needs a low above 0, not 0"),
        ("{lambda_l2: {low: 0, high: 9, values: [1, 2]}}",
         ".lambda_l2: takes a range ('low', 'high', 'log') or 'values', not both"),
        ("{max_bin: {values: [63, 63]}}", ".max_bin: needs at least two 'values', each of them once"),
        ("{num_leaves: {low: 3.5, high: 9}}", ".num_leaves: must be a whole number, not 3.5"),
        ("{num_leaves: {values: [7, seven]}}",
         ".num_leaves.values[1]: must be true or false, or a number, not 'seven'"),
        ("{num_leaves: {values: [4, true]}}", ".num_leaves: must be a whole number, not true"),
        ("{extra_trees: {low: 0, high: 1}}",
         ".extra_trees: is true or false: give it 'values: [false, true]' and no range"),
        ("{bagging_fraction: {low: 0.5, high: 1}}",
         ".bagging_fraction: bagging_fraction does nothing while bagging_freq is 0: set bagging_freq to 1"),
        ("{bagging_fraction: {low: 0.5, high: 1}, bagging_freq: {values: [0, 1]}}",
         ".bagging_fraction: bagging_fraction does nothing while bagging_freq is 0: set bagging_freq to 1"),
    ],
)  # fmt: skip
def test_what_cannot_be_searched_is_told_at_its_place(space: str, said: str) -> None:
    assert refusal(space) == f"search.space{said}"


def test_what_only_some_training_may_have_is_told() -> None:
    said = refusal("{extra_trees: {values: [false, true]}}", Training(rounds=100))
    assert said.startswith("search.space.extra_trees: with extra_trees the trees depend on the number of workers")


def test_values_that_fit_only_together_are_let_pass() -> None:
    search = parse_section(
        "search",
        {"space": {"bagging_fraction": {"low": 0.5, "high": 1}, "bagging_freq": {"low": 1, "high": 5}}},
        Search,
    )
    check_search(search, TRAINING)


def test_rounds_are_searched_only_where_nothing_finds_them() -> None:
    stopping = Training.model_validate({"rounds": 100, "exact": False, "early_stopping": {"patience": 5}})
    assert refusal("{rounds: {low: 10, high: 300}}", stopping) == (
        "search.space.rounds: early stopping finds the number of rounds already: leave it out here, or "
        "training.early_stopping"
    )
    check_search(parse_section("search", {"space": {"rounds": {"low": 10, "high": 300}}}, Search), TRAINING)


def test_a_file_with_a_wrong_search_is_refused_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, f"{SMALLEST}\nsearch:\n  space:\n    num_leaves: {{low: 1, high: 9}}\n")
    with pytest.raises(DeclarationError, match=r":24: search\.space\.num_leaves: must be at least 2, not 1"):
        read_declaration(path)


def test_values_take_the_place_of_declared_ones() -> None:
    changed = Training.model_validate(with_values(TRAINING, {"rounds": 7.0, "num_leaves": 5.0, "extra_trees": True}))
    assert (changed.rounds, changed.parameters.num_leaves, changed.parameters.extra_trees) == (7, 5, True)
    assert changed.parameters.learning_rate == TRAINING.parameters.learning_rate
    space = Space.model_validate({"rounds": {"low": 1, "high": 9}, "num_leaves": {"low": 2, "high": 9}})
    assert declared_values(changed, space) == {"rounds": 7, "num_leaves": 5}
