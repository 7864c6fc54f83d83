"""The challenger beside today's champion, on the same test rows."""

from __future__ import annotations

from pathlib import Path

from loanwright.config.declaration import Declaration
from loanwright.errors import IntegrityFault, NotStored
from loanwright.evaluation.champion import compare_with_champion
from loanwright.evaluation.comparison import Comparison
from loanwright.evaluation.subject import Subject
from loanwright.registry.bundles import Bundle
from loanwright.registry.lookup import Version
from loanwright.storage import Manifest


def compare(
    root: str, table_uri: str, bundle: Manifest, champion: Version | None, declaration: Declaration, scratch: Path
) -> Comparison | None:
    """How the bundle stands to the champion; None if there is none.

    Args:
        root: the artifact store's address.
        table_uri: the training table that the bundle was made from.
        bundle: the challenger.
        champion: today's champion.
        declaration: its split, gates and evaluation say how to compare.
        scratch: a folder for temporary files.

    Raises:
        IntegrityFault: something of the challenger is not what was written.
    """
    if champion is None:
        return None
    rule, version = declaration.gates.champion, str(champion.number)
    if champion.digest == bundle.digest:
        return Comparison(outcome="unchanged", metric=rule.metric, version=version)
    try:
        scorer = Bundle.open(champion.bundle, scratch).scorer
    except (NotStored, IntegrityFault) as error:
        reason = f"the champion's bundle cannot be read: {error.problem}"
        return Comparison(outcome="incomparable", metric=rule.metric, version=version, reason=reason)
    booster, calibrator = (f"{root}/{kind}s/{bundle.body[kind]}/manifest.json" for kind in ("booster", "calibrator"))
    subject = Subject.open(table_uri, booster, calibrator, declaration.split, scratch)
    return compare_with_champion(subject, scorer, rule, declaration.evaluation.bootstrap, version=version)
