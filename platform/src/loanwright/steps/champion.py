"""The challenger beside today's champion, on the same test rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from loanwright.config.declaration import Declaration
from loanwright.errors import EnvironmentFault, IntegrityFault, NotStored
from loanwright.evaluation.champion import compare_with_champion
from loanwright.evaluation.comparison import Comparison
from loanwright.evaluation.evidence import Evidence
from loanwright.evaluation.measure import evidence_of
from loanwright.evaluation.subject import Subject
from loanwright.registry.bundles import Bundle
from loanwright.registry.lookup import Version
from loanwright.storage import Manifest
from loanwright.training.quick_import import import_lightgbm_alone


@dataclass(frozen=True)
class Standing:
    """How a bundle stands to the champion, and what was measured of the champion on the same rows."""

    comparison: Comparison | None
    champion: Evidence | None = None
    lasting: bool = True
    """Whether the next run may rely on it: not where the champion's bundle could not be read this time."""


def stand(
    root: str, table_uri: str, bundle: Manifest, champion: Version | None, declaration: Declaration, scratch: Path
) -> Standing:
    """Holds the bundle against the champion; nothing is compared if there is none, or it is this very bundle.

    Args:
        root: the artifact store's address.
        table_uri: the training table that the bundle was made from.
        bundle: the challenger.
        champion: today's champion.
        declaration: its split, gates and evaluation say how to compare.
        scratch: a folder for temporary files.

    Raises:
        IntegrityFault: something of the challenger is not what was written.
        StorageFault: the artifact store refuses or cannot be reached.
    """
    if champion is None:
        return Standing(None)
    rule, version = declaration.gates.champion, str(champion.number)
    if champion.digest == bundle.digest:
        return Standing(Comparison(outcome="unchanged", metric=rule.metric, version=version))
    import_lightgbm_alone()
    try:
        scorer = Bundle.open(champion.bundle, scratch).scorer
    except EnvironmentFault as error:
        if not isinstance(error, NotStored | IntegrityFault) and champion.bundle.startswith(f"{root}/"):
            raise  # this run's own store does not answer; another one, of an earlier setting, need not
        reason = f"the champion's bundle cannot be read: {error.problem}"
        compared = Comparison(outcome="incomparable", metric=rule.metric, version=version, reason=reason)
        return Standing(compared, lasting=False)
    booster, calibrator = (f"{root}/{kind}s/{bundle.body[kind]}/manifest.json" for kind in ("booster", "calibrator"))
    subject = Subject.open(table_uri, booster, calibrator, declaration.split, scratch)
    compared = compare_with_champion(subject, scorer, rule, declaration.evaluation.bootstrap, version=version)
    if compared.outcome != "measured":
        return Standing(compared)
    return Standing(compared, evidence_of(replace(subject, scorer=scorer), declaration.evaluation))
