"""The bundle's `model_card.json`: what is known of a model, as facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loanwright.config.learning import Split, Training
from loanwright.evaluation.evidence import Evidence

_FEW_POSITIVES = 200
_MOST_NAMED = 12
_MOVED = 0.25


def model_card(evidence: Evidence, table: Mapping[str, Any], split: Split, training: Training) -> dict[str, Any]:
    """Label, unit, rows, split, headline metrics, settings and limits of a model.

    It holds nothing that can change without the model changing: no title, owner or other words of the
    `model` section, no time of day, no run. All numbers are finite.

    Args:
        evidence: what was measured of the model.
        table: the body of the training table's manifest.
        split: the declared rule.
        training: the declared section.
    """
    features = table["features"]
    unmeasured = [one for one in evidence.slices if one.auc.value is None]
    return {
        "label": {"name": evidence.label, "matures_after_seconds": table["label"]["matures_after"]},
        "unit": table["key"],
        "rows": table["rows"],
        "positives": table["positives"],
        "synthetic": table["synthetic"],
        "features": {
            "count": len(features),
            "categories": sum(feature["type"] == "category" for feature in features),
            "monotone": {f["name"]: f["monotone"] for f in features if f["monotone"] is not None},
        },
        "split": dict(evidence.split),
        "parts": [part.model_dump(mode="json") for part in evidence.parts],
        "metrics": {name: metric.model_dump(mode="json") for name, metric in evidence.metrics.items()},
        "confidence": evidence.confidence,
        "slices": {
            "columns": list(dict.fromkeys(one.column for one in evidence.slices)),
            "count": len(evidence.slices),
            "without_auc": len(unmeasured),
        },
        "training": training.model_dump(mode="json"),
        "rounds": evidence.rounds,
        "calibration": evidence.calibration_method,
        "limits": limits(evidence, split, synthetic=table["synthetic"]),
    }


def limits(evidence: Evidence, split: Split, *, synthetic: bool) -> list[str]:
    """What the evidence does not show, one sentence each."""
    found = []
    if synthetic:
        found.append("The rows are made up: nothing here says how the model does on real ones.")
    if split.method == "hash":
        found.append("The split is by hash and not by time: nothing is known of how the model ages.")
    found.append(
        "Only units whose outcome is in the table are measured: "
        "nothing is known of others, such as applicants who were declined."
    )
    found.append(
        "Intervals hold for other test rows of the same kind; they leave out what training again would change."
    )
    if evidence.positives < _FEW_POSITIVES:
        found.append(f"The test part holds no more than {evidence.positives} positives: all figures are rough.")
    if not evidence.slices:
        found.append("No slices are declared: nothing is known of how the model does for one group or another.")
    shifted = sorted((shift for shift in evidence.stability if shift.psi > _MOVED), key=lambda shift: -shift.psi)
    moved = [shift.name for shift in shifted]
    if moved:
        more = f" and {len(moved) - _MOST_NAMED} more" if len(moved) > _MOST_NAMED else ""
        named = ", ".join(moved[:_MOST_NAMED])
        found.append(f"Between train and test these moved by a stability index above {_MOVED}: {named}{more}.")
    return found
