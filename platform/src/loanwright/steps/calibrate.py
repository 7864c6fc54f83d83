"""Step 4: the calibrator."""

from __future__ import annotations

from typing import Any

from loanwright.config.learning import Calibration, Split
from loanwright.config.reading import parse_section
from loanwright.steps.recording import recorded
from loanwright.steps.surroundings import surroundings
from loanwright.training.calibrate import calibrate
from loanwright.training.quick_import import import_lightgbm_alone


def run(training_table: str, booster: str, split: dict[str, Any], calibration: dict[str, Any]) -> str:
    """The calibrator's URI."""
    with recorded("calibrate") as result, surroundings() as here:
        import_lightgbm_alone()
        uri = calibrate(
            training_table,
            booster,
            parse_section("split", split, Split),
            parse_section("calibration", calibration, Calibration),
            here.store,
            here.scratch,
        )
        result["calibrator"] = uri
        return uri
