"""The champion, scored on the challenger's test rows."""

from __future__ import annotations

from loanwright.config.judgement import Bootstrap, ChampionRule
from loanwright.errors import DataError
from loanwright.evaluation.comparison import Comparison, compare
from loanwright.evaluation.subject import Subject
from loanwright.training.scorer import Scorer


def compare_with_champion(
    subject: Subject, champion: Scorer, rule: ChampionRule, bootstrap: Bootstrap, *, version: str = ""
) -> Comparison:
    """The paired difference on the test rows; `incomparable`, with the reason, if the champion cannot score them.

    The split says which rows were kept from the challenger. A champion that was trained under another
    split may have learnt from some of them, which speaks in its favour: the challenger then has to beat
    more than it should, never less.

    Args:
        subject: the challenger.
        champion: today's champion, as it scores.
        rule: names the metric.
        bootstrap: resamples, confidence and seed.
        version: the champion's registered version.
    """
    try:
        theirs = champion.probabilities(subject.test)
    except DataError as error:
        return Comparison(outcome="incomparable", metric=rule.metric, version=version, reason=error.problem)
    return compare(subject.scores, theirs, subject.labels, rule.metric, bootstrap, version=version)
