"""What is known of parts that are whole: a receipt for each while others are missing, the manifest in the end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from loanwright.errors import IntegrityFault, NotStored, UsageError
from loanwright.registry.batch.plan import FORMAT, PROGRESS, Part, Plan
from loanwright.storage import Store, canonical_json

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST = "_manifest.json"
"""Underscored, so that whoever reads the place as a parquet data set passes it over."""
_CHUNK = 1 << 23


@dataclass(frozen=True)
class Receipt:
    """A part's file, as it was when it was written."""

    path: str
    sha256: str
    bytes: int
    rows: int


def give_receipt(store: Store, part: Part, receipt: Receipt) -> None:
    """Notes that a part is whole; written after the part itself."""
    store.write(_name(part), canonical_json(asdict(receipt)))


def receipts(store: Store, plan: Plan) -> dict[int, Receipt]:
    """The receipts of the parts whose files still are what was written, by the parts' numbers."""
    noted = {stored.key for stored in store.list(f"{PROGRESS}/")}
    found: dict[int, Receipt] = {}
    for part in plan.parts:
        if _name(part) in noted:
            try:
                receipt = Receipt(**json.loads(store.read(_name(part))))
            except (ValueError, TypeError):
                continue
            if receipt.path == part.name and is_whole(store, receipt):
                found[part.number] = receipt
    return found


def is_whole(store: Store, receipt: Receipt) -> bool:
    """Whether a part's file is there with the bytes that were written."""
    if store.size(receipt.path) != receipt.bytes:
        return False
    digest = hashlib.sha256()
    try:
        with store.open(receipt.path) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except (NotStored, IntegrityFault):
        return False
    return digest.hexdigest() == receipt.sha256


def manifest_of(plan: Plan, schema: pa.Schema, made: Mapping[int, Receipt]) -> dict[str, Any]:
    """The manifest of all parts: nothing in it tells when, where or by how many they were made."""
    return {
        "format": FORMAT,
        "kind": "scores",
        "bundle": plan.bundle,
        "reasons": plan.reasons,
        "columns": [{"name": field.name, "type": str(field.type)} for field in schema],
        "rows": sum(part.rows for part in plan.parts),
        "input": [_identity(file.as_json()) for file in plan.inputs],
        "parts": [
            asdict(made[part.number]) | {"input": plan.inputs[part.file].name, "first_row": part.first}
            for part in plan.parts
        ],
    }


def finish(store: Store, plan: Plan, manifest: Mapping[str, Any]) -> None:
    """Writes the manifest, and then takes away what was only kept on the way to it."""
    store.write(MANIFEST, canonical_json(manifest))
    _clear(store, plan)


def finished(store: Store, plan: Plan) -> dict[int, Receipt] | None:
    """The receipts of parts of a finished output that are still whole; None where there is no manifest.

    Raises:
        UsageError: it was made from something else.
        IntegrityFault: the manifest cannot be read.
    """
    try:
        manifest = json.loads(store.read(MANIFEST))
        same = (manifest["bundle"], manifest["reasons"]) == (plan.bundle, plan.reasons)
        same = same and manifest["input"] == [_identity(file.as_json()) for file in plan.inputs]
        listed = [Receipt(*(entry[key] for key in ("path", "sha256", "bytes", "rows"))) for entry in manifest["parts"]]
    except NotStored:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityFault(
            f"{store.root}/{MANIFEST} is not the manifest of scores ({error})", fix="Score into another place"
        ) from None
    if not same or [one.path for one in listed] != [part.name for part in plan.parts]:
        raise UsageError(
            f"{store.root} holds the scores of other rows, or by another bundle or with other reasons",
            fix="Name another place",
        )
    return {number: receipt for number, receipt in enumerate(listed) if is_whole(store, receipt)}


def _clear(store: Store, plan: Plan) -> None:
    for part in plan.parts:
        store.delete(_name(part))
    store.delete(f"{PROGRESS}/plan.json")
    if (folder := store.local_path(PROGRESS)) is not None:
        with suppress(OSError):  # there is none, or somebody else keeps something in it
            folder.rmdir()


def _identity(file: Mapping[str, Any]) -> dict[str, Any]:
    """What stands of an input file in a manifest: its content, wherever it lies."""
    return {"name": file["name"], "bytes": file["bytes"], "rows": sum(file["groups"]), "footer": file["footer"]}


def _name(part: Part) -> str:
    return f"{PROGRESS}/{part.number:06d}.json"
