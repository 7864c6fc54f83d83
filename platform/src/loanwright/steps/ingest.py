"""Step 1: check the whole declaration, then the sources, and store a snapshot."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from loanwright.config.agreement import check_agreement
from loanwright.config.base import parse_moment
from loanwright.config.reading import parse_sections
from loanwright.data.ingestion import ingest
from loanwright.errors import UsageError
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
        declaration = parse_sections(sections)
        check_agreement(declaration)
        compile_features(declaration.data, declaration.features)
        check_workers(workers)
        ingested = ingest(
            declaration.data,
            here.store,
            cutoff=_cutoff(data_cutoff),
            overrides={name: str(uri) for name, uri in source_overrides.items()},
            cache=here.data_cache,
            now=datetime.now(UTC),
            code_digest=code_digest(),
        )
        result |= {"snapshot": ingested.uri, "rows": ingested.rows, "nothing_to_do": ingested.unchanged}
        return ingested.uri


def check_workers(workers: float) -> None:
    """Refuses what training cannot do yet.

    Raises:
        UsageError: `workers` is not 1.
    """
    if workers != 1:
        raise UsageError(f"workers is {workers:g}, and training runs as one process for now", fix="Leave workers at 1")


def _cutoff(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return parse_moment(text)
    except ValueError as error:
        raise UsageError(f"data_cutoff: {error}") from None
