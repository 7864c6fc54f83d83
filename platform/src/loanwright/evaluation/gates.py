"""The policy: may this model be registered? Every gate, its verdict, and why, in one sentence each.

A rule compares the metric's *point value* with its bounds: it is the best single estimate, and a policy
that asked for the interval's end would block small test slices for being small. The interval is shown
beside it. The champion rule is about noise, so there the interval decides: the challenger is worse when
the whole interval of the paired difference lies beyond the tolerance on the worse side.
"""

from __future__ import annotations

from typing import Literal

from loanwright.config.base import Many, Section
from loanwright.config.judgement import ChampionRule, Gates, Metric, Rule
from loanwright.evaluation.comparison import LOSSES, Comparison
from loanwright.evaluation.evidence import Evidence, Interval, Number

Verdict = Literal["pass", "warn", "block"]
CHAMPION_GATE = "champion"
METRIC_WORDS: dict[Metric, str] = {
    "auc": "AUC",
    "average_precision": "average precision",
    "ks": "KS",
    "brier": "Brier score",
    "log_loss": "log loss",
    "expected_calibration_error": "expected calibration error",
    "calibration_slope": "calibration slope",
    "mean_prediction_ratio": "ratio of mean prediction to observed rate",
}
_SEVERITY: dict[Verdict, int] = {"pass": 0, "warn": 1, "block": 2}


class GateResult(Section):
    """One gate's verdict with what it was decided on.

    For the champion gate, `value`, `low` and `high` are challenger minus champion; all None where
    nothing was measured."""

    name: str
    verdict: Verdict
    metric: str
    value: Number | None
    low: Number | None
    high: Number | None
    bound: str
    """What the gate asks for, in words: `at least 0.75`, `from 0.8 to 1.25`."""
    message: str
    """One sentence for a person."""


class Judgement(Section):
    """All verdicts; the outcome is the worst of them."""

    outcome: Verdict
    results: Many[GateResult]


def judge(evidence: Evidence, gates: Gates, comparison: Comparison | None) -> Judgement:
    """Every gate's verdict, the rules in declared order and the champion last.

    Args:
        evidence: what was measured on the test slice.
        gates: the declared policy.
        comparison: with the champion, on the same rows; None if there is no champion.
    """
    results = [_rule(rule, evidence) for rule in gates.rules]
    results.append(_champion(gates.champion, comparison))
    return Judgement(outcome=max((r.verdict for r in results), key=_SEVERITY.__getitem__), results=tuple(results))


def _rule(rule: Rule, evidence: Evidence) -> GateResult:
    measured = evidence.metrics.get(rule.metric, Interval(value=None, low=None, high=None))
    words = _capital(METRIC_WORDS[rule.metric])
    verdict: Verdict
    if measured.value is None:
        # no evidence is not evidence that all is well, whatever a failure would have cost
        verdict, message = "block", f"{words} is not defined on this test slice, so this gate cannot be passed."
    else:
        shown = f"{words} is {_number(measured.value)}{_between(measured, evidence.confidence)}"
        if rule.min is not None and measured.value < rule.min:
            verdict, message = rule.on_fail, f"{shown}, below the {rule.min:g} that is asked for."
        elif rule.max is not None and measured.value > rule.max:
            verdict, message = rule.on_fail, f"{shown}, above the {rule.max:g} that is allowed."
        else:
            verdict, message = "pass", f"{shown}; {_bound(rule)} is asked for."
    return _result(rule.name, verdict, rule.metric, measured, _bound(rule), message)


def _champion(rule: ChampionRule, comparison: Comparison | None) -> GateResult:
    nothing = Interval(value=None, low=None, high=None)
    bound = "not worse beyond noise" + (f" and a tolerance of {rule.tolerance:g}" if rule.tolerance else "")
    verdict: Verdict = "pass"
    measured, message = nothing, "There is no champion yet, so there is nothing to be worse than."
    if comparison is not None:
        champion = f"the champion{f' (version {comparison.version})' if comparison.version else ''}"
        if comparison.outcome == "unchanged":
            message = f"This model is {champion} itself, unchanged."
        elif comparison.outcome == "incomparable":
            verdict = rule.on_incomparable
            message = f"{_capital(champion)} cannot be scored on these rows: {comparison.reason}."
        else:
            measured = comparison.difference
            verdict, message = _difference(rule, comparison, champion)
    return _result(CHAMPION_GATE, verdict, rule.metric, measured, bound, message)


def _difference(rule: ChampionRule, comparison: Comparison, champion: str) -> tuple[Verdict, str]:
    words, difference = METRIC_WORDS[rule.metric], comparison.difference
    if difference.value is None or difference.low is None or difference.high is None:
        return "block", f"The difference in {words} from {champion} is not defined on this test slice."
    best = -difference.low if rule.metric in LOSSES else difference.high
    shown = (
        f"{_capital(words)} is {_number(abs(difference.value))} {'higher' if difference.value >= 0 else 'lower'} than "
        f"that of {champion} on the same {comparison.rows:,} rows{_between(difference, comparison.confidence)}"
    )
    if best < -rule.tolerance:
        return rule.on_fail, f"{shown}: worse beyond noise{' and tolerance' if rule.tolerance else ''}."
    return "pass", f"{shown}: not worse beyond noise."


def _bound(rule: Rule) -> str:
    if rule.min is not None and rule.max is not None:
        return f"from {rule.min:g} to {rule.max:g}"
    return f"at least {rule.min:g}" if rule.min is not None else f"at most {rule.max:g}"


def _between(interval: Interval, confidence: float) -> str:
    if interval.low is None or interval.high is None:
        return ""
    return f" ({100 * confidence:g}% interval {_number(interval.low)} to {_number(interval.high)})"


def _number(value: float) -> str:
    return f"{value:.4f}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _result(name: str, verdict: Verdict, metric: str, shown: Interval, bound: str, message: str) -> GateResult:
    return GateResult(
        name=name,
        verdict=verdict,
        metric=metric,
        value=shown.value,
        low=shown.low,
        high=shown.high,
        bound=bound,
        message=message,
    )
