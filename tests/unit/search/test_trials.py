"""Trials and results as manifests: equal content has one name, and a study knows no order of its results."""

from __future__ import annotations

from pathlib import Path

import pytest

from loanwright.errors import IntegrityFault
from loanwright.search.trials import Trial, publish_study, read_result, study_results
from loanwright.storage import Store, open_store, read_manifest
from tests.unit.search.searches import SPLIT, TRAINING, a_result


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


def a_trial(number: int = 1) -> Trial:
    return Trial(number, {"num_leaves": 7 + number}, "t" * 64, SPLIT, TRAINING, "auc", 4)


def test_a_trial_is_read_as_it_was_written(store: Store) -> None:
    uri = a_trial().publish(store)
    assert Trial.read(uri) == a_trial()
    assert a_trial().publish(store) == uri
    assert a_trial(2).publish(store) != uri


def test_a_result_is_read_as_it_was_written_and_leads_back(store: Store) -> None:
    trial = a_trial().publish(store)
    for result in (a_result(1, 0.7, 0.8, 0.75, 0.7), a_result(1, failed="fold 2: nothing")):
        manifest = read_manifest(result.publish(store, trial), "results")
        assert read_result(manifest) == result
        assert manifest.body["trial"] == read_manifest(trial).digest
        assert manifest.body["table"] == "t" * 64


def test_mean_and_spread() -> None:
    result = a_result(1, 0.7, 0.8, 0.75, 0.75)
    assert result.mean == pytest.approx(0.75)
    assert result.spread == pytest.approx(0.0408248)
    assert (a_result(1, failed="x").mean, a_result(1, failed="x").spread) == (None, None)


def test_a_study_grows_by_generations_whatever_the_order_within(store: Store) -> None:
    uris = [a_result(n, 0.7, 0.8, 0.7).publish(store, a_trial(n).publish(store)) for n in range(6)]
    first = publish_study(store, "", uris[:3])
    assert publish_study(store, "", uris[2::-1]) == first
    whole = publish_study(store, first, [uris[5], "", uris[3], uris[4]])
    assert [one.uri for one in study_results(store, whole)] == uris
    assert publish_study(store, whole, [""]) == whole
    assert study_results(store, "") == []


def test_two_results_of_one_trial_that_differ_are_refused(store: Store) -> None:
    trial = a_trial().publish(store)
    one, other = (a_result(1, value, 0.7, 0.7).publish(store, trial) for value in (0.7, 0.8))
    with pytest.raises(IntegrityFault, match="are both of trial 1, and differ"):
        publish_study(store, publish_study(store, "", [one]), [other])
