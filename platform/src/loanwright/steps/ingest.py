"""Step 1: check the whole declaration, then the sources, and store a snapshot."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from loanwright.config.reading import parse_plain, parse_sections
from loanwright.data.ingestion import Ingested, ingest
from loanwright.features.texts.sql import compile_features
from loanwright.runtime.identity import reuse_digest
from loanwright.runtime.records import write_json
from loanwright.steps.recording import recorded
from loanwright.steps.surroundings import Surroundings, surroundings
from loanwright.storage import canonical_json

_VALIDATION = "validation.json"


def run(sections: dict[str, Any], data_cutoff: str, source_overrides: dict[str, Any], workers: float) -> str:
    """The snapshot's URI.

    Raises:
        UserError: the declaration, a parameter or the data is wrong.
    """
    with recorded("ingest") as result, surroundings() as here:
        plain = parse_plain({"data_cutoff": data_cutoff, "source_overrides": source_overrides, "workers": workers})
        declaration = parse_sections(sections)
        compile_features(declaration.data, declaration.features)
        ingested = ingest(
            declaration.data,
            here.store,
            cutoff=plain.cutoff,
            overrides=plain.source_overrides,
            cache=here.data_cache,
            now=datetime.now(UTC),
            code_digest=reuse_digest(),
        )
        result |= {
            "snapshot": ingested.uri,
            "rows": ingested.rows,
            "validation": _hand_over(here, ingested),
            "nothing_to_do": ingested.unchanged,
        }
        return ingested.uri


def _hand_over(here: Surroundings, ingested: Ingested) -> str:
    """Stores the validation report beside the run, with a copy in the run's own folder on this machine."""
    report = {"snapshot": ingested.uri, "rows": ingested.rows, "checks": ingested.validation}
    place = here.run_store()
    place.write(_VALIDATION, canonical_json(report))
    if here.run_folder is not None:
        write_json(here.run_folder / _VALIDATION, report)
    return f"{place.root}/{_VALIDATION}"
