"""What a kill costs a training by two workers, in `training_speed`.

    python training_kill.py SECONDS SEGMENT STORE TABLE ROUNDS

So many seconds after the first worker is seen, one of them is killed by SIGKILL; 0: none. It prints what training cost,
how often all started again, the seconds of the longest segment, and those before the first round of the first attempt.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from pathlib import Path

from clock import measured
from training_data import SPLIT
from training_rivals import LEAST_HESSIAN, LEAVES, RATE

from loanwright.config.learning import Parameters, Training
from loanwright.errors import IntegrityFault
from loanwright.storage import open_store
from loanwright.training.train import Trained, train


def kill_after(seconds: float) -> None:
    """Kills the last worker that was started, so long after it was seen."""
    import psutil

    me = psutil.Process()
    while True:
        workers = [each for each in me.children(recursive=True) if "loanwright.training.worker" in each.cmdline()]
        if len(workers) > 1:
            break
        time.sleep(0.05)
    time.sleep(seconds)
    workers[-1].kill()


def main() -> None:
    """Trains, kills, and tells."""
    seconds, segment = float(sys.argv[1]), int(sys.argv[2])
    store, table, rounds = open_store(sys.argv[3]), sys.argv[4], int(sys.argv[5])
    parameters = Parameters(num_leaves=LEAVES, learning_rate=RATE, min_sum_hessian_in_leaf=LEAST_HESSIAN)
    training = Training(rounds=rounds, segment=segment, parameters=parameters)
    found: list[Trained] = []
    if seconds:
        threading.Thread(target=kill_after, args=(seconds,), daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        fresh = str(time.monotonic_ns())  # nothing is gone on from that an earlier round left

        def work() -> None:
            found.append(train(table, SPLIT, training, store, Path(folder), workers=2, fresh=fresh))

        def then() -> dict[str, float | str]:
            outcome = found[0].outcome
            if outcome is None:
                raise IntegrityFault("two workers trained, and nothing tells of it")
            first = outcome.segments[0]
            longest = max(one.ended - one.began for one in outcome.segments)
            return {
                "booster": found[0].uri,
                "restarts": len(outcome.restarts),
                "segment": longest,
                "loading": first.began,
            }

        measured(work, then)


if __name__ == "__main__":
    main()
