"""How a training might have gone: made up, for what only has to be shown."""

from __future__ import annotations

import math
from typing import Any

from loanwright.training.course import Course
from loanwright.training.gang.history import Outcome, Restart, Segment


def build_course(rounds: int = 230, best: int = 190, **changes: Any) -> Course:
    """A training of two workers, of which one was killed once."""
    curve = [0.72 + 0.06 * (1 - math.exp(-n / 40)) - 4e-7 * max(0, n - best) ** 2 for n in range(1, rounds + 1)]
    segments = (
        Segment(1, 1, 50, 2.0, 5.0),
        Segment(1, 50, 100, 5.0, 8.2),
        Segment(2, 101, 150, 14.0, 16.9),
        Segment(2, 150, 200, 16.9, 20.0),
        Segment(2, 200, 230, 20.0, 22.4),
    )
    restart = Restart(1, "worker 1 was killed by SIGKILL", 9.37, 100)
    whole = {
        "metric": "auc",
        "validation": tuple(curve),
        "rounds": rounds,
        "best_round": best,
        "run": "tiny-1",
        "outcome": Outcome(2, 24.5, (restart,), segments),
    }
    return Course(**{**whole, **changes})
