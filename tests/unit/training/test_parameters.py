from __future__ import annotations

from loanwright.config.learning import Parameters, Training
from loanwright.training.encoding import EncodedFeature
from loanwright.training.parameters import derive_seed, lightgbm_parameters

UP: EncodedFeature = {"name": "delay", "type": "number", "monotone": "increasing"}
DOWN: EncodedFeature = {"name": "income", "type": "number", "monotone": "decreasing"}
FREE: EncodedFeature = {"name": "purpose", "type": "category", "monotone": None, "categories": ["car"]}


def test_every_seed_comes_from_the_declared_one_and_no_two_are_alike() -> None:
    one = lightgbm_parameters(Training(rounds=1, seed=7), [FREE], 1)
    other = lightgbm_parameters(Training(rounds=1, seed=8), [FREE], 1)
    seeds = [value for name, value in one.items() if "seed" in name]
    assert len(set(seeds)) == len(seeds) == 6
    assert all(one[name] != other[name] for name in one if "seed" in name)


def test_a_seed_fits_into_lightgbms_31_bits_however_large_the_declared_one() -> None:
    assert all(0 <= derive_seed(10**20 + seed, "bins") < 2**31 for seed in range(50))


def test_directions_stand_in_column_order_and_only_where_one_is_declared() -> None:
    training = Training(rounds=1)
    assert lightgbm_parameters(training, [UP, FREE, DOWN], 1)["monotone_constraints"] == [1, 0, -1]
    assert "monotone_constraints" not in lightgbm_parameters(training, [FREE], 1)


def test_declared_parameters_are_handed_on() -> None:
    training = Training(rounds=1, parameters=Parameters(num_leaves=5, lambda_l2=2.5))
    given = lightgbm_parameters(training, [FREE], 3)
    assert (given["num_leaves"], given["lambda_l2"], given["num_threads"]) == (5, 2.5, 3)
