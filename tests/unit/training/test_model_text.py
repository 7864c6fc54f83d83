"""Texts of equal models are equal, whatever machine and settings trained them."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from loanwright.errors import IntegrityFault
from loanwright.training.model_text import normalise

X = np.random.default_rng(0).normal(size=(300, 3))
Y = (X[:, 0] > 0).astype(float)


def trained(**settings: object) -> str:
    parameters = {"objective": "binary", "verbosity": -1, "deterministic": True, "force_col_wise": True, **settings}
    return str(lgb.train(parameters, lgb.Dataset(X, Y), 3).model_to_string())


def test_settings_of_the_machine_leave_no_trace() -> None:
    here, there = trained(num_threads=1), trained(num_threads=2, local_listen_port=13579, time_out=7, verbosity=-2)
    assert here != there
    assert normalise(here) == normalise(there)


def test_machine_names_leave_no_trace() -> None:
    text = trained()
    named = text.replace("[machines: ]", "[machines: 10.0.0.7:12400]").replace("[num_machines: 1]", "[num_machines: 2]")
    assert named != text
    assert normalise(named) == normalise(text)


def test_what_decides_the_model_stays() -> None:
    assert normalise(trained(learning_rate=0.1)) != normalise(trained(learning_rate=0.2))
    assert "[learning_rate: 0.2]" in normalise(trained(learning_rate=0.2))


def test_the_text_loads_and_predicts_as_before() -> None:
    text = trained(num_threads=2)
    before, after = (lgb.Booster(model_str=some).predict(X) for some in (text, normalise(text)))
    assert before.tolist() == after.tolist()


@pytest.mark.parametrize("broken", [lambda t: t[:-30], lambda t: t[10:], lambda t: t.split("\nparameters:")[0]])
def test_half_a_text_is_refused(broken: object) -> None:
    assert callable(broken)
    with pytest.raises(IntegrityFault, match="is not whole"):
        normalise(broken(trained()))


def test_a_model_made_from_pandas_is_refused() -> None:
    with pytest.raises(IntegrityFault, match="is not whole"):
        normalise(trained().replace("pandas_categorical:null", 'pandas_categorical:[["a","b"]]'))
