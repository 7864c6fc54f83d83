"""Step 7: a registered version, unless a gate blocked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from loanwright.config.declaration import Model
from loanwright.config.reading import parse_section
from loanwright.errors import GateBlocked, IntegrityFault
from loanwright.registry.lookup import CHALLENGER, VERDICT_TAG, find_model
from loanwright.runtime.identity import code_digest
from loanwright.steps.recording import recorded
from loanwright.steps.surroundings import surroundings
from loanwright.storage import Manifest, read_manifest


@dataclass(frozen=True)
class Outcome:
    """The registered version (empty if none was to be), and what KFP shows of it."""

    version: str
    facts: dict[str, str]


def run(bundle: str, verdict: str, model: dict[str, Any], register_model: bool) -> Outcome:
    """Registers the bundle as challenger, once.

    Raises:
        GateBlocked: the verdict is a block; nothing is registered.
    """
    with recorded("register") as result, surroundings() as here:
        words = parse_section("model", model, Model)
        made, judged = read_manifest(bundle, "bundles"), read_manifest(verdict, "verdicts")
        if judged.body["bundle"] != made.digest:
            raise IntegrityFault(f"{verdict} is not about {bundle}")
        _refuse_blocked(judged)
        facts = {"model": words.name, "bundle": bundle, "bundle_digest": made.digest}
        registered = find_model(here.tracking_uri, words.name)
        known = registered.of_bundle(made.digest) if registered else None
        is_challenger = registered is not None and known is not None and registered.under(CHALLENGER) == known
        result |= {"nothing_to_do": is_challenger and register_model, "not_asked": not register_model}
        if not register_model:
            return Outcome("", facts)
        from loanwright.registry.versions import register

        version = register(
            here.tracking_uri,
            words,
            bundle,
            run_id=judged.body["mlflow_run"],
            tags={
                "loanwright.code": code_digest(),
                VERDICT_TAG: verdict,
                "loanwright.snapshot": made.body["snapshot"],
                "loanwright.synthetic": str(made.body["synthetic"]).lower(),
                **here.change_tags(),
            },
            description=f"{words.title}. {words.description}",
            scratch=here.scratch,
        )
        result["registry_version"] = str(version.number)
        return Outcome(str(version.number), facts | {"version": str(version.number)})


def _refuse_blocked(verdict: Manifest) -> None:
    if verdict.body["outcome"] != "block":
        return
    blocking = [gate for gate in verdict.body["gates"] if gate["verdict"] == "block"]
    names = ", ".join(gate["name"] for gate in blocking)
    reasons = " ".join(gate["message"].rstrip(".") + "." for gate in blocking)
    raise GateBlocked(f"blocked by {names}, nothing was registered. {reasons} Read the report")
