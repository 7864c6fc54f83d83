"""Search, step 1 of a generation: what to try next, from all that came before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from loanwright.config.learning import Split, Training
from loanwright.config.reading import parse_section
from loanwright.config.search import Search
from loanwright.config.search_agreement import check_search
from loanwright.errors import DeclarationError
from loanwright.search.trials import NOTHING, publish_study, read_result, study_results
from loanwright.steps.recording import recorded
from loanwright.steps.surroundings import surroundings
from loanwright.storage import read_manifest


@dataclass(frozen=True)
class Proposal:
    """What the step hands on.

    Attributes:
        trials: URIs, or the one item NOTHING.
        study: URI of all results so far.
        deadline: ISO 8601, from which on no generation is begun; empty for none.
    """

    trials: list[str]
    study: str
    deadline: str


def run(
    training_table: str,
    study: str,
    results: list[str],
    deadline: str,
    generation: float,
    generations: float,
    split: dict[str, Any],
    training: dict[str, Any],
    search: dict[str, Any],
) -> Proposal:
    """Draws the trials of one generation, unless the time is up.

    Args:
        training_table: URI of the table that trials are run on.
        study: the one that the generation before was drawn from; empty in the first.
        results: what the generation before came to.
        deadline: as the first generation gave it.
        generation: its number, from 0.
        generations: how many the pipeline was compiled for.
        split: the declared section.
        training: the declared section.
        search: the declared section.

    Raises:
        DeclarationError: the search does not fit the training section, or is for more generations than were compiled.
    """
    number = int(generation)
    with recorded(f"propose_{number + 1}") as result, surroundings() as here:
        declared = parse_section("training", training, Training)
        wanted = parse_section("search", search, Search)
        check_search(wanted, declared)
        _check_length(wanted, int(generations))
        now = datetime.now(UTC)
        if number == 0 and wanted.budget is not None:
            deadline = (now + timedelta(seconds=wanted.budget)).isoformat()
        late = bool(deadline) and now >= datetime.fromisoformat(deadline) and number > 0
        known = publish_study(here.store, study, results)
        uris: list[str] = []
        if number < wanted.generations and not late:
            from loanwright.search.drawing import Ground, next_trials

            found = [read_result(one) for one in study_results(here.store, known)]
            table = read_manifest(training_table, "tables").digest
            trials = next_trials(Ground(table, parse_section("split", split, Split), declared, wanted), found, number)
            uris = [trial.publish(here.store) for trial in trials]
            result["first"] = trials[0].number if trials else None
        result |= {"study": known, "trials": uris, "out_of_time": late}
        return Proposal(uris or [NOTHING], known, deadline)


def _check_length(search: Search, compiled: int) -> None:
    if search.generations > compiled:
        raise DeclarationError(
            f"search.generations is {search.generations}, and this pipeline was compiled for {compiled}",
            fix="Declare it in model.yaml and run make generate",
        )
