"""A generation is drawn whole or not begun: the clock and the declared number decide which, and nothing else."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loanwright.search.trials import NOTHING, Trial, publish_study
from loanwright.steps.propose_trials import Proposal, run
from loanwright.storage import Store, open_store
from tests.builders.tables import publish_table
from tests.unit.search.searches import SPLIT, TRAINING, a_result, a_search

PAST, FUTURE = "2020-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00"


@pytest.fixture(autouse=True)
def own_words() -> Iterator[None]:
    """A step gives its process's words a form of their own; tests after these want theirs back."""
    logger = logging.getLogger("loanwright")
    before = logger.handlers[:], logger.propagate, logger.level
    yield
    logger.handlers[:], logger.propagate, level = before
    logger.setLevel(level)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("LOANWRIGHT_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("LOANWRIGHT_TRACKING_URI", "http://nowhere")
    monkeypatch.setenv("LOANWRIGHT_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("LOANWRIGHT_RUN_ID", "run-1")
    return open_store(str(tmp_path / "store"))


def propose(
    store: Store, generation: int, *, results: list[str] | None = None, deadline: str = "", **changes: Any
) -> Proposal:
    search = a_search(**changes).model_dump(mode="json", exclude_none=True)
    sections = [one.model_dump(mode="json", exclude_none=True) for one in (SPLIT, TRAINING)]
    table = publish_table(store, rows=50)
    return run(table, publish_study(store, "", []), results or [], deadline, generation, 3.0, *sections, search)


def test_a_budget_gives_a_deadline_once_and_the_first_generation_always(store: Store) -> None:
    first = propose(store, 0, budget="1s")
    assert len(first.trials) == 6
    assert first.deadline > "2026"
    assert propose(store, 0).deadline == ""
    assert propose(store, 1, deadline=FUTURE, budget="1s").deadline == FUTURE


def test_after_the_deadline_no_generation_is_begun(store: Store) -> None:
    late = propose(store, 1, deadline=PAST, budget="1s")
    assert late.trials == [NOTHING]
    in_time = propose(store, 1, deadline=FUTURE, budget="1s")
    assert in_time.trials == propose(store, 1).trials, "the clock never changes which trials are in one"


def test_fewer_generations_may_be_asked_for_and_no_more(store: Store) -> None:
    assert propose(store, 2, generations=2).trials == [NOTHING]
    with pytest.raises(SystemExit) as ended:
        propose(store, 0, generations=4)
    assert ended.value.code == 2


def test_results_are_kept_even_where_nothing_more_is_tried(store: Store) -> None:
    trial = Trial.read(propose(store, 0).trials[0])
    result = a_result(0, 0.7, 0.7, 0.7, parameters=trial.values).publish(store, trial.publish(store))
    late = propose(store, 1, results=[result], deadline=PAST)
    assert late.study == publish_study(store, "", [result])
