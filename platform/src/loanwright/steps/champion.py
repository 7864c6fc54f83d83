"""The challenger beside today's champion, on the same test rows."""

from __future__ import annotations

from pathlib import Path

from loanwright.config.judgement import ChampionRule, Evaluation
from loanwright.config.learning import Split
from loanwright.errors import DataError, IntegrityFault, NotStored
from loanwright.evaluation.comparison import Comparison, compare
from loanwright.evaluation.subject import TEST
from loanwright.features.table import TrainingTable
from loanwright.registry.bundles import Bundle
from loanwright.registry.lookup import Version


def compare_with(
    champion: Version,
    bundle_uri: str,
    table_uri: str,
    *,
    split: Split,
    evaluation: Evaluation,
    rule: ChampionRule,
    scratch: Path,
) -> Comparison:
    """The paired difference of the rule's metric; `incomparable` if the champion cannot score these rows.

    Raises:
        IntegrityFault: the challenger's bundle is not what its digest promises.
    """
    version = str(champion.number)
    challenger = Bundle.open(bundle_uri, scratch)
    if champion.digest == challenger.digest:
        return Comparison(outcome="unchanged", metric=rule.metric, version=version)
    table = TrainingTable.open(table_uri, scratch)
    keys = table.keys()
    chosen = table.part(split, keys) == TEST
    rows = table.read(chosen)
    try:
        scores = Bundle.open(champion.bundle, scratch).scorer.probabilities(rows)
    except DataError as error:
        return _incomparable(rule, version, f"the champion needs columns that this table does not have: {error.problem}")
    except (NotStored, IntegrityFault) as error:
        return _incomparable(rule, version, f"the champion's bundle cannot be read: {error.problem}")
    return compare(
        challenger.scorer.probabilities(rows),
        scores,
        keys.label[chosen],
        rule.metric,
        evaluation.bootstrap,
        version=version,
    )


def _incomparable(rule: ChampionRule, version: str, reason: str) -> Comparison:
    return Comparison(outcome="incomparable", metric=rule.metric, version=version, reason=reason)
