"""What is drawn depends on the declaration and the results alone, and goes where the results are good."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys

import pytest

from loanwright.config.search import Value
from loanwright.errors import DeclarationError
from loanwright.search.drawing import Ground, next_trials
from loanwright.search.trials import FoldResult, Result, Trial
from tests.unit.search.searches import SPACE, SPLIT, TRAINING, a_ground, a_search

SCRIPT = """
import json
from tests.unit.search.searches import a_ground
from tests.unit.search.test_drawing import searched
print(json.dumps([trial.values for trial in searched(a_ground())]))
"""


def measured(trial: Trial) -> Result:
    """A made-up metric with its best at a learning rate of 0.1 and 15 leaves."""
    rate, leaves = float(trial.values["learning_rate"]), int(trial.values["num_leaves"])
    value = 0.8 - abs(rate - 0.1) - abs(leaves - 15) / 100
    return Result(trial.number, trial.values, tuple(FoldResult(value + at / 1000, 5, 80, 20) for at in range(4)))


def searched(ground: Ground) -> list[Trial]:
    trials: list[Trial] = []
    results: list[Result] = []
    for generation in range(ground.search.generations):
        drawn = next_trials(ground, results, generation)
        trials += drawn
        results += [measured(trial) for trial in drawn]
    return trials


def test_the_first_trial_is_the_declared_training_and_numbers_count_on() -> None:
    trials = searched(a_ground())
    assert [trial.number for trial in trials] == list(range(18))
    assert trials[0].training == TRAINING
    assert trials[0].values == {
        "learning_rate": 0.1, "num_leaves": 7, "feature_fraction": 1.0, "max_bin": 255, "extra_trees": False,
    }  # fmt: skip
    assert all(trial.training.seed == TRAINING.seed for trial in trials), "trials differ by their values alone"


def test_the_order_in_which_trials_end_changes_nothing() -> None:
    ground = a_ground()
    results = [measured(trial) for trial in next_trials(ground, [], 0)]
    expected = next_trials(ground, results, 1)
    for seed in range(5):
        random.Random(seed).shuffle(results)
        assert next_trials(ground, results, 1) == expected


def test_another_process_draws_the_same() -> None:
    mine = json.dumps([trial.values for trial in searched(a_ground())])
    for seed in ("1", "2"):
        ended = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert ended.stdout.strip() == mine


def test_another_seed_draws_others() -> None:
    assert searched(a_ground(seed=1))[1:] != searched(a_ground())[1:]


def test_more_generations_begin_with_the_same_trials() -> None:
    assert searched(a_ground(generations=5))[:18] == [Trial(**vars(one)) for one in searched(a_ground())], (
        "a budget only decides how many are run"
    )


def test_values_lie_in_the_space_and_are_such_as_people_write() -> None:
    for trial in searched(a_ground())[1:]:
        for name, value in trial.values.items():
            dimension = SPACE[name]
            if "values" in dimension:
                assert value in dimension["values"]
            else:
                assert dimension["low"] <= value <= dimension["high"]
            assert len(f"{float(value):.10g}".replace("0.", "").lstrip("0")) <= 4
        assert isinstance(trial.values["num_leaves"], int)
        assert isinstance(trial.values["max_bin"], int)
        assert trial.training.parameters.learning_rate == trial.values["learning_rate"]


def test_drawing_goes_where_results_are_good() -> None:
    trials = searched(a_ground(generations=8, trials_per_generation=8))

    def distance(some: list[Trial]) -> float:
        return sum(abs(float(one.values["learning_rate"]) - 0.1) for one in some) / len(some)

    assert distance(trials[-16:]) < 0.6 * distance(trials[1:17])


def test_less_is_better_of_a_loss() -> None:
    def losing(ground: Ground) -> list[Trial]:
        results: list[Result] = []
        trials: list[Trial] = []
        for generation in range(8):
            trials = next_trials(ground, results, generation)
            results += [
                Result(one.number, one.values, (FoldResult(float(one.values["learning_rate"]), 1, 80, 20),) * 4)
                for one in trials
            ]
        return trials

    low, high = (
        sum(float(one.values["learning_rate"]) for one in losing(a_ground(metric=metric)))
        for metric in ("brier", "auc")
    )
    assert low < high


def test_declared_values_outside_the_space_are_tried_first_and_mislead_nobody() -> None:
    search = a_search(space={"learning_rate": {"low": 0.2, "high": 0.3}}, trials_per_generation=3)
    ground = Ground("t" * 64, SPLIT, TRAINING, search)
    first = next_trials(ground, [], 0)
    assert first[0].values == {"learning_rate": 0.1}
    results = [Result(one.number, one.values, (FoldResult(0.7, 1, 80, 20),) * 4) for one in first]
    assert all(0.2 <= float(one.values["learning_rate"]) <= 0.3 for one in next_trials(ground, results, 1))


def test_failed_trials_are_no_result_and_are_not_drawn_again() -> None:
    ground = a_ground()
    first = next_trials(ground, [], 0)
    results = [measured(first[0]), *(Result(one.number, one.values, (), "nothing to tell apart") for one in first[1:])]
    second = next_trials(ground, results, 1)
    tried = [one.values for one in first]
    assert len(second) == 6
    assert not any(one.values in tried for one in second)


def test_nothing_is_tried_twice_and_a_small_space_comes_to_its_end() -> None:
    space: dict[str, dict[str, list[Value]]] = {
        "max_bin": {"values": [31.0, 63.0, 255.0]},
        "extra_trees": {"values": [False, True]},
    }
    ground = Ground("t" * 64, SPLIT, TRAINING, a_search(space=space, trials_per_generation=4))
    trials: list[Trial] = []
    for generation in range(3):
        results = [Result(one.number, one.values, (FoldResult(0.7, 1, 80, 20),) * 4) for one in trials]
        trials += next_trials(ground, results, generation)
    values = [tuple(one.values.values()) for one in trials]
    assert len(values) == len(set(values)) == 6
    assert [one.number for one in trials] == [0, 1, 2, 3, 4, 5]


def test_three_values_that_do_not_go_together_are_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from loanwright.search import drawing

    monkeypatch.setattr(drawing, "with_values", lambda training, _: training.model_dump(mode="json") | {"rounds": 0})
    with pytest.raises(
        DeclarationError, match=r"search\.space allows .* and training does not: .*Narrow search\.space"
    ):
        next_trials(a_ground(), [], 0)
