"""What is shown of a training: the curve that belongs to the model, the times and restarts that belong to a run."""

from __future__ import annotations

import pytest

from loanwright.evaluation.report.figures_training import curve, pace
from loanwright.evaluation.report.render import render
from loanwright.training.gang.history import Outcome
from tests.builders.course import build_course
from tests.builders.evidence import build_bare_evidence, build_judgement, build_lineage, build_model
from tests.unit.evaluation.report.test_figures import texts, words
from tests.unit.evaluation.report.test_render import Page


def test_the_curve_marks_the_round_that_the_model_ends_with() -> None:
    course = build_course()
    svg = curve(course)
    assert words(svg).startswith("AUC after each of 230 rounds, from 0.7215; the best is 0.7795 after round 190")
    assert "round 190: 0.7795" in texts(svg)
    assert svg == curve(course)


@pytest.mark.parametrize("best", [1, 2, 230])
def test_a_best_round_at_either_end_is_within_the_figure(best: int) -> None:
    assert f"round {best}: " in " ".join(texts(curve(build_course(best=best))))


def test_a_metric_that_falls_and_one_that_stands_still() -> None:
    falling = build_course(metric="binary_logloss", validation=(0.6, 0.5, 0.45, 0.46), rounds=4, best_round=3)
    assert "Log loss on the rows held out of train" in texts(curve(falling))
    assert curve(build_course(validation=(0.5, 0.5, 0.5), rounds=3, best_round=1)) is not None


def test_without_held_rows_there_is_no_curve_and_without_a_run_no_pace() -> None:
    assert curve(None) is None
    assert curve(build_course(validation=())) is None
    assert pace(None) is None
    assert pace(build_course(outcome=None)) is None
    assert pace(build_course(outcome=Outcome(1, 3.0))) is None


def test_the_pace_is_the_mean_of_all_rounds_and_says_where_it_started_again() -> None:
    svg = pace(build_course())
    assert words(svg) == "About 64 ms a round; all started again once."
    assert "started again" in texts(svg)


def _words(**changes: object) -> str:
    evidence = build_bare_evidence()
    course = build_course(**changes)
    return Page(render(evidence, build_judgement(evidence), build_model(), build_lineage(), course=course)).words


def test_the_section_says_who_trained_it_and_why_it_started_again() -> None:
    said = _words()
    assert "230 fitted, 190 kept" in said
    assert "Trained by run tiny-1" in said
    assert "1 9.4 s 100 worker 1 was killed by SIGKILL" in said


def test_the_section_says_what_is_not_known() -> None:
    said = _words(outcome=None, run="", validation=(), metric="")
    assert "Not known: they are kept by the run that trained it" in said
    assert "No rows were held out of train" in said
    assert "Restarts" not in said
