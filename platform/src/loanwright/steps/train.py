"""Step 3: the booster."""

from __future__ import annotations

import os
import time
from typing import Any

from loanwright.config.learning import Split, Training
from loanwright.config.reading import parse_plain, parse_section
from loanwright.runtime.identity import code_digest
from loanwright.steps.recording import recorded
from loanwright.steps.surroundings import surroundings
from loanwright.storage import read_manifest
from loanwright.training.course import keep_outcome
from loanwright.training.gang.history import Outcome
from loanwright.training.quick_import import import_lightgbm_alone
from loanwright.training.train import train


def run(training_table: str, split: dict[str, Any], training: dict[str, Any], workers: float) -> str:
    """The booster's URI."""
    with recorded("train") as result, surroundings() as here:
        import_lightgbm_alone()
        began = time.monotonic()
        trained = train(
            training_table,
            parse_section("split", split, Split),
            parse_section("training", training, Training),
            here.store,
            here.scratch,
            workers=parse_plain({"workers": workers}).workers,
            code=code_digest(),
            fresh=here.run_id if os.environ.get("LOANWRIGHT_FRESH") else "",
            place=here.run_place,
        )
        outcome = trained.outcome or Outcome(1, round(time.monotonic() - began, 2))
        keep_outcome(here.store, read_manifest(trained.uri, "boosters").digest, here.run_id, outcome)
        result["booster"] = trained.uri
        result["restarts"] = len(outcome.restarts)
        return trained.uri
