"""The search report: self-contained, the same bytes for the same results, and true about what is proposed."""

from __future__ import annotations

import re
from typing import Any

from loanwright.config.declaration import Model
from loanwright.config.search import Dimension
from loanwright.search.outcome import judge_results
from loanwright.search.report.figures import reach
from loanwright.search.report.render import headline, render, why
from loanwright.search.trials import FoldResult, Result
from tests.unit.search.searches import a_search

WORDS = Model(name="tiny", title="Tiny <b>", description="Made up.", owner="tests")
DECLARED = {"learning_rate": 0.1, "num_leaves": 7, "feature_fraction": 1.0, "max_bin": 255, "extra_trees": False}


def a_trial(number: int, shifts: tuple[float, ...], **values: Any) -> Result:
    folds = tuple(FoldResult(0.7 + at / 50 + shift, 10, 400, 100) for at, shift in enumerate(shifts))
    return Result(number, DECLARED | values, folds)


def results(*gain: float) -> list[Result]:
    """Trial 0, one that is better by the gain in each fold, one that is worse, and one that failed."""
    gains = gain * 4 if len(gain) == 1 else gain
    failed = Result(3, DECLARED | {"num_leaves": 31}, (), "fold 1: nothing to <tell> apart")
    better = a_trial(1, gains, learning_rate=0.05, extra_trees=True)
    return [a_trial(0, (0.0,) * 4), better, a_trial(2, (-0.1,) * 4, max_bin=31), failed]


def page(found: list[Result], **changes: Any) -> str:
    options: dict[str, Any] = {"synthetic": False, "by_time": False, "stops": False} | changes
    outcome = judge_results(found, "auc")
    return render(outcome, found, model=WORDS, search=a_search(), lineage={"Run": "r-1"}, **options)


def test_a_proposal_stands_with_its_values_and_pictures() -> None:
    html = page(results(0.02))
    assert "Better parameters found" in html
    assert re.search(r"learning_<wbr>rate</th><td class=\"n\">0.1</td><td class=\"n\"><b>0.05</b>", html)
    assert html.count('<svg class="plot"') == 2 + 5
    assert "loanwright search tiny --apply" in html
    change = html.split('id="change"')[1].split("</section>")[0]
    assert "num_<wbr>leaves" not in change, "what does not change is not proposed"


def test_without_a_gain_nothing_is_proposed() -> None:
    found = results(-0.01)
    html = page(found)
    assert "Nothing better found" in html
    assert "The declared parameters stay." in html
    assert "--apply" not in html
    assert why(judge_results(found, "auc")) == "No trial has a better mean AUC than the declared parameters."


def test_a_gain_that_the_folds_spread_explains_is_told_apart() -> None:
    found = results(0.1, -0.08, 0.05, -0.05)
    assert headline(judge_results(found, "auc")) == "Nothing surely better found"
    assert "Nothing is proposed" in page(found)


def test_a_gain_too_small_to_print_does_not_read_as_none() -> None:
    said = why(judge_results(results(0.00009, -0.00008, 0.00008, -0.00008), "auc"))
    assert "better than the declared parameters by less than 0.0001, and" in said


def test_what_the_columns_mean_stays_where_it_is_when_a_wide_table_is_scrolled() -> None:
    assert re.search(r"</table>\s*</div>\s*<p class=\"small\">Spread is", page(results(0.02)))


def test_it_needs_nothing_else_and_is_the_same_bytes_again() -> None:
    html = page(results(0.02))
    assert html == page(results(0.02))
    assert not re.search(r"(src|href)=[\"'](?!#)", html)
    assert "Tiny &lt;b&gt;" in html
    assert "nothing to &lt;tell&gt; apart" in html


def test_made_up_rows_and_folds_in_time_are_named() -> None:
    html = page(results(0.02), synthetic=True, by_time=True, stops=True)
    assert "Synthetic data." in html
    assert "Folds follow each other in time" in html
    assert "Rows held out for early stopping are not counted" in html
    assert "Synthetic data." not in page(results(0.02))


def test_an_axis_shows_the_declared_range_and_what_was_tried_outside_it() -> None:
    in_tenths = Dimension(low=0.2, high=0.8)
    assert reach([0.4, 0.5], in_tenths, float) == (0.2, 0.8)
    assert reach([0.1, 0.5], in_tenths, float) == (0.1, 0.8), "the declared parameters may lie outside"
    assert reach([0.0, 1.0], Dimension(low=0.01, high=10, log=True), float) == (0.01, 10), (
        "a logarithm of 0 has no place"
    )
