"""The deal of rows into parts. It goes by the rows alone, so whoever scores a part writes the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from loanwright.errors import IntegrityFault, UsageError
from loanwright.registry.batch.inputs import InputFile, Inputs
from loanwright.storage import Store, canonical_json

FORMAT = 1
PROGRESS = "_progress"
"""Below the output: the plan, and a receipt for each part that is whole; gone when all is done."""
_NAME = f"{PROGRESS}/plan.json"


@dataclass(frozen=True)
class Part:
    """Consecutive rows of one file."""

    number: int
    file: int
    first: int
    rows: int

    @property
    def name(self) -> str:
        """Of the file that its scores go to."""
        return f"part-{self.number:06d}.parquet"


@dataclass(frozen=True)
class Plan:
    """What is to be scored, with what, into which parts."""

    bundle: str
    """The bundle's digest."""
    reasons: int
    inputs: tuple[InputFile, ...]
    parts: tuple[Part, ...]

    def as_json(self) -> dict[str, Any]:
        """The plan as it is kept while it is worked on."""
        return {
            "format": FORMAT,
            "bundle": self.bundle,
            "reasons": self.reasons,
            "input": [file.as_json() for file in self.inputs],
            "parts": [asdict(part) for part in self.parts],
        }


def make_plan(bundle: str, reasons: int, inputs: Inputs, part_rows: int) -> Plan:
    """Deals every file's rows into parts of about `part_rows`, at the ends of row groups.

    Where reason codes are asked for, which take far longer than reading, row groups are cut as well. A file
    without rows has no part.
    """
    parts: list[Part] = []
    for number, file in enumerate(inputs.files):
        first = 0
        for rows in _deal(file.groups, part_rows, cut=reasons > 0):
            parts.append(Part(len(parts), number, first, rows))
            first += rows
    return Plan(bundle, reasons, inputs.files, tuple(parts))


def _deal(groups: tuple[int, ...], part_rows: int, *, cut: bool) -> Iterator[int]:
    if cut:
        for first in range(0, total := sum(groups), part_rows):
            yield min(part_rows, total - first)
        return
    held = 0
    for rows in groups:
        if held and held + rows > part_rows:
            yield held
            held = 0
        held += rows
    if held:
        yield held


def settle_plan(store: Store, plan: Plan) -> None:
    """Makes the plan that of the output, or finds that it already is.

    Raises:
        UsageError: the output holds something else, or is being made from something else.
        IntegrityFault: the plan there cannot be read.
    """
    data = canonical_json(plan.as_json())
    found = next(store.list(), None)
    if found is not None and store.size(_NAME) is None:
        raise UsageError(
            f"{store.root} holds {found.key} and no scores begun by this command", fix="Name an empty place"
        )
    if store.create(_NAME, data):
        return
    begun = store.read(_NAME)
    if begun != data:
        raise UsageError(
            f"{store.root} was begun with {_difference(begun, plan.as_json(), store.root)}", fix="Name another place"
        )


def _difference(begun: bytes, wanted: dict[str, Any], root: str) -> str:
    try:
        there = json.loads(begun)
        kept, found = {file["name"]: file for file in there["input"]}, wanted["input"]
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityFault(f"{root}/{_NAME} cannot be read ({error})", fix="Score into another place") from None
    if there["bundle"] != wanted["bundle"]:
        return f"bundle {there['bundle'][:12]}…, and this is {wanted['bundle'][:12]}…"
    if there["reasons"] != wanted["reasons"]:
        return f"{there['reasons']} reasons, and {wanted['reasons']} are asked for"
    changed = [file["name"] for file in found if kept.get(file["name"]) != file]
    if changed or len(kept) != len(found):
        return f"other rows: {changed[0]} is new or was changed" if changed else "more files than there are now"
    return "the same rows by another version of Loanwright, which deals them otherwise"
