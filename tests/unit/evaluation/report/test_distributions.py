"""Distributions: the features that count most first, numbers and categories, and drawings of plain numbers alone."""

from __future__ import annotations

import re

from loanwright.evaluation.evidence import FeatureProfile, ValueShare
from loanwright.evaluation.report.distributions import bars, distributions
from tests.builders.evidence import build_bare_evidence, build_evidence


def test_every_feature_has_a_line_the_most_important_first() -> None:
    evidence = build_evidence()
    lines = distributions(evidence)
    assert {one.name for one in lines} == {one.name for one in evidence.profiles}
    assert lines[0].name == max(evidence.importance, key=lambda one: one.mean_abs_shap).feature
    education = next(one for one in lines if one.name == "education")
    assert education.values == "university 47%, graduate school 35% and 2 more"
    assert (education.low, lines[0].values, lines[0].median) == (None, None, 0.25)
    assert distributions(build_bare_evidence()) == []


def test_a_profile_without_importance_comes_last() -> None:
    evidence = build_evidence()
    odd = FeatureProfile(name="odd", rows=3, missing=1, distinct=0)
    lines = distributions(evidence.model_copy(update={"profiles": (odd, *evidence.profiles)}))
    assert lines[-1].name == "odd"
    assert lines[-1].bars == ""


def test_bars_fill_their_box_and_one_unit_can_be_seen() -> None:
    path = bars([1, 0, 100_000])
    assert re.fullmatch(r"[MvhzM0-9 .-]+", path)
    assert path.count("M") == 2
    assert "v-1h" in path
    assert "v-22h" in path
    assert bars([]) == bars([0, 0]) == ""


def test_long_and_strange_values_are_clipped() -> None:
    top = (ValueShare(value="<b>" + "x" * 60, share=0.5), ValueShare(value="\x07", share=0.5))
    evidence = build_evidence().model_copy(
        update={"profiles": (FeatureProfile(name="n", rows=2, missing=0, distinct=2, histogram=(1, 1), top=top),)}
    )
    (line,) = distributions(evidence)
    assert line.values is not None
    assert len(line.values) < 60
    assert "\x07" not in line.values
