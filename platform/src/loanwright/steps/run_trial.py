"""Search, step 2 of a generation: one trial, over all folds."""

from __future__ import annotations

import logging
import time

from loanwright.errors import LoanwrightError
from loanwright.features.table import TrainingTable
from loanwright.search.trials import NOTHING, Trial, record_name, seconds_key
from loanwright.steps.recording import recorded
from loanwright.steps.surroundings import surroundings
from loanwright.storage import Store, canonical_json
from loanwright.training.quick_import import import_lightgbm_alone

_log = logging.getLogger("loanwright")


def run(trial: str) -> str:
    """The result's URI; an empty text where there is nothing to try."""
    if trial == NOTHING:
        return NOTHING
    with recorded(record_name(trial)) as result, surroundings() as here:
        import_lightgbm_alone()
        from loanwright.search.running import run_trial

        began = time.monotonic()
        tried = Trial.read(trial)
        result["number"] = tried.number
        table = TrainingTable.open(f"{here.store.root}/tables/{tried.table}.json", here.scratch)
        found = run_trial(table, tried, side_by_side=here.trials_at_once)
        uri = found.publish(here.store, trial)
        _note_seconds(here.store, uri, time.monotonic() - began)
        result |= {"result": uri, "value": found.mean, "failed": found.failed}
        return uri


def _note_seconds(store: Store, uri: str, seconds: float) -> None:
    try:
        store.write(seconds_key(uri), canonical_json({"seconds": round(seconds, 2)}))
    except LoanwrightError as error:
        _log.info("how long the trial took could not be noted: %s", error)
