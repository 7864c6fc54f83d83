"""Cross-section checks that the files in `invalid/` do not show, on changed copies of a declaration that agrees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loanwright.config.agreement import check_agreement
from loanwright.config.declaration import Declaration
from loanwright.config.reading import read_declaration
from loanwright.errors import DeclarationError

VALID = Path(__file__).parent / "valid" / "everything.yaml"
Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def everything() -> Declaration:
    return read_declaration(VALID)


def test_a_declaration_that_agrees_is_accepted(everything: Declaration) -> None:
    check_agreement(everything)


def column(sections: dict[str, Any], source: int, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(c for c in sections["data"]["sources"][source]["columns"] if c["name"] == name)
    return found


def change(path: str, value: object) -> Change:
    """Sets what a dotted path leads to."""

    def apply(sections: dict[str, Any]) -> None:
        *way, last = path.split(".")
        target: Any = sections
        for part in way:
            target = target[int(part) if isinstance(target, list) else part]
        target[last] = value

    return apply


def retype(source: int, name: str, **changes: object) -> Change:
    return lambda sections: column(sections, source, name).update({"values": None, "min": None, "max": None} | changes)


def both(*changes: Change) -> Change:
    def apply(sections: dict[str, Any]) -> None:
        for each in changes:
            each(sections)

    return apply


CASES: dict[str, tuple[Change, str]] = {
    "an event's source is there": (
        change("data.label.event.source", "arrear"),
        "data.label.event.source: there is no source 'arrear' (did you mean 'arrears'?)",
    ),
    "an event's key is there": (
        change("data.label.event.key", "applied_at"),
        "data.label.event.key: source 'arrears' has no column 'applied_at' (did you mean 'applied_as'?)",
    ),
    "an event's key is of the unit's type": (
        change("data.label.event.key", "customer"),
        "data.label.event.key: 'customer' is of type 'integer', and the unit's 'application_id' 'text'",
    ),
    "events happen at a time": (
        change("data.label.event.source", "customers"),
        "2 problems in the declaration:\n"
        "  data.label.event.key: source 'customers' has no column 'applied_as'\n"
        "  data.label.event.source: source 'customers' has no event_time, so nothing happens in it",
    ),
    "a source's key is declared": (
        change("data.sources.2.key", ["customer"]),
        "data.sources[2].key[0]: source 'customers' has no column 'customer' (did you mean 'customer_id'?)",
    ),
    "a source's key is no fraction": (
        retype(2, "customer_id", type="number"),
        "data.sources[2].key[0]: 'customer_id' is of type 'number', which names no row",
    ),
    "a source's event time is declared": (
        change("data.sources.1.event_time", "days"),
        "data.sources[1].event_time: source 'arrears' has no column 'days' (did you mean 'day'?)",
    ),
    "a known time is a time": (
        change("data.sources.0.known_time", "amount"),
        "data.sources[0].known_time: 'amount' is of type 'integer', and must be a 'time'",
    ),
    "a unit's key is no time": (
        retype(0, "application_id", type="time"),
        "data.unit.key: 'application_id' is of type 'time': a unit's key is an integer or a text",
    ),
    "a time is no slice": (
        retype(0, "decided_at", slice=True),
        "data.sources[0].columns[2].slice: 'decided_at' is a time, and times are no slices",
    ),
    "a number is sliced in bands": (
        both(retype(0, "rate", slice=True), change("evaluation.slices", [{"column": "rate"}])),
        "evaluation.slices[0]: 'rate' is a number: give the edges of its bands",
    ),
    "a group's key is of the unit's type": (
        change("features.groups.2.unit_key", "application_id"),
        "features.groups[2].key: 'customer' is of type 'integer', and the unit's 'application_id' 'text'",
    ),
    "a group's key is no number": (
        change("features.groups.2.key", "cured"),
        "features.groups[2].key: 'cured' is of type 'boolean': a key is an integer or a text",
    ),
    "the unit has the column to join with": (
        change("features.groups.2.unit_key", "customer"),
        "features.groups[2].unit_key: source 'applications' has no column 'customer' (did you mean 'customer_id'?)",
    ),
    "a time is no feature": (
        change("features.groups.2.features.0.column", "day"),
        "features.groups[2].features[0].column: feature 'worst': 'day' is of type 'time', "
        "and a time is no feature: use 'seconds_since_last', or 'count' in a window",
    ),
    "what has an order needs times": (
        change("features.groups.3.features.0.aggregate", "last"),
        "features.groups[3].features[0].aggregate: feature 'segment': 'last' needs a source with an event_time, "
        "and 'customers' has none",
    ),
    "a hidden feature is not monotone": (
        change("features.groups.2.features.8.monotone", "increasing"),
        "features.groups[2].features[8].monotone: 'least' is hidden from the model, which cannot be monotone in it",
    ),
    "a hidden feature is no reason": (
        change("evaluation.reasons", {"least": "x"}),
        "evaluation.reasons.least: 'least' is hidden from the model and can be no reason",
    ),
    "a hidden feature is given to no baseline": (
        change("evaluation.baselines", [{"name": "simple", "features": ["least"]}]),
        "evaluation.baselines[0].features[0]: 'least' is hidden from the model",
    ),
    "a baseline's features exist": (
        change("evaluation.baselines", [{"name": "simple", "features": ["wurst"]}]),
        "evaluation.baselines[0].features[0]: 'wurst' is no feature (did you mean 'worst'?)",
    ),
    "one moment has no months": (
        both(
            change("data.decision_time", {"constant": "2020-01-01T00:00:00Z"}),
            change("split", {"method": "hash", "fractions": {"train": 0.6, "calibration": 0.2, "test": 0.2}}),
            change("evaluation.slices", [{"column": "decision_time"}]),
            change("training.weights", {}),
        ),
        "evaluation.slices[0].column: all decisions are taken at one moment, so there are no months to slice by",
    ),
    "no decision is older than another": (
        both(
            change("data.decision_time", {"constant": "2026-01-01T00:00:00Z"}),
            change("split", {"method": "hash", "fractions": {"train": 0.6, "calibration": 0.2, "test": 0.2}}),
            change("evaluation.slices", []),
            change("training.weights", {"half_life": "90d"}),
        ),
        "training.weights.half_life: all decisions are taken at one moment, so none is older than another",
    ),
    "months have no edges": (
        change("evaluation.slices", [{"column": "decision_time", "edges": [1]}]),
        "evaluation.slices[0].edges: 'decision_time' is sliced by month: edges are for numbers",
    ),
    "a derived feature's name is not reserved": (
        change("features.derived.0.name", "label"),
        "features.derived[0].name: 'label' is a column that the training table has itself",
    ),
    "the label is a column that is always known": (
        change("data.label", {"name": "x", "column": "rate", "matures_after": "1d"}),
        "2 problems in the declaration:\n"
        "  data.label.column: 'rate' may be null, and an outcome that is not known is no label\n"
        "  features.groups[1].features[1].column: feature 'last_rate' reads 'rate', which is the label",
    ),
    "the label is no time": (
        change("data.label", {"name": "x", "column": "stored_at", "matures_after": "1d"}),
        "data.label.column: 'stored_at' is a time: a label is a column with a value for 'it happened'",
    ),
    "the label is not the key": (
        change("data.label", {"name": "x", "column": "application_id", "positive": "a", "matures_after": "1d"}),
        "data.label.column: 'application_id' is the unit's key",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_does_not_agree_is_told(case: str, everything: Declaration) -> None:
    apply, said = CASES[case]
    sections = everything.model_dump(mode="json")
    apply(sections)
    changed = Declaration.model_validate(sections)
    with pytest.raises(DeclarationError) as caught:
        check_agreement(changed)
    assert str(caught.value) == said


@pytest.mark.parametrize("aggregate", ["sum", "mean", "min", "max", "std", "trend"])
@pytest.mark.parametrize("kind", ["text", "category", "time"])
def test_only_numbers_add_up(aggregate: str, kind: str, everything: Declaration) -> None:
    sections = everything.model_dump(mode="json")
    sections["features"]["groups"][2]["features"] = [{"name": "x", "aggregate": aggregate, "column": "kind"}]
    del sections["features"]["groups"][4:]
    sections["features"].update(derived=[], hidden=[])
    sections["evaluation"]["reasons"] = {}
    column(sections, 1, "kind")["type"] = kind
    with pytest.raises(
        DeclarationError, match=f"^features.groups.2..features.0..column: feature 'x': 'kind' is of type '{kind}'"
    ):
        check_agreement(Declaration.model_validate(sections))


@pytest.mark.parametrize(("test_from", "agrees"), [("2024-02-05T00:00:00Z", False), ("2024-02-05T00:00:01Z", True)])
def test_calibration_needs_more_room_than_the_label_takes(
    test_from: str, agrees: bool, everything: Declaration
) -> None:
    sections = everything.model_dump(mode="json")
    sections["split"].update(calibration_from="2023-01-01T00:00:00Z", test_from=test_from)
    changed = Declaration.model_validate(sections)  # the label matures after 400 days
    if agrees:
        check_agreement(changed)
    else:
        with pytest.raises(DeclarationError, match=r"^split\.test_from: leaves no rows to calibrate on"):
            check_agreement(changed)
