"""Step 1: check the whole declaration, then the sources, and store a snapshot."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from loanwright.config.reading import parse_plain, parse_sections
from loanwright.data.ingestion import ingest
from loanwright.features.sql import compile_features
from loanwright.runtime.identity import code_digest
from loanwright.steps.recording import recorded
from loanwright.steps.surroundings import surroundings


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
            code_digest=code_digest(),
        )
        result |= {"snapshot": ingested.uri, "rows": ingested.rows, "nothing_to_do": ingested.unchanged}
        return ingested.uri
