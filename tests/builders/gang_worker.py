"""A worker of a gang with work that anybody can check, and with faults to order; started as a process of its own.

    python gang_worker.py FOLDER [FAULT …]

Each rank adds its rank and the round's number to a sum that all agree on, round after round, with a checkpoint in
FOLDER after every fifth. A fault is `rank:round:how[:attempts]`: it happens to that rank at that round, in the first
attempts only (1 unless said otherwise).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

from loanwright.errors import DataError
from loanwright.training.gang.errors import NetworkLost
from loanwright.training.gang.membership import Member, take_part

ROUNDS, SEGMENT = 20, 5


def result() -> dict[str, int]:
    """What two undisturbed workers leave behind."""
    return {"round": ROUNDS, "sum": sum(number + rank for number in range(ROUNDS) for rank in range(2))}


def work(me: Member, folder: Path, faults: list[list[str]]) -> None:
    """The worker's body."""
    kept = folder / "checkpoint.json"
    state = me.circle.share(json.loads(kept.read_text()) if kept.exists() and me.rank == 0 else {"round": 0, "sum": 0})
    for number in range(state["round"], ROUNDS):
        for rank, at, how, *attempts in faults:
            if int(rank) == me.rank and int(at) == number and me.attempt <= int(*attempts or "1"):
                break_down(how)
        parts = me.circle.gather(number + me.rank)
        state = me.circle.share({"round": number + 1, "sum": state["sum"] + sum(parts or ())})
        me.beat(state="training", round=number + 1, rounds=ROUNDS, metric=("sum", float(state["sum"])))
        if (number + 1) % SEGMENT == 0:
            if me.rank == 0:
                temporary = kept.with_suffix(".part")
                temporary.write_text(json.dumps(state))
                temporary.replace(kept)
            me.segment_done(number + 1)
            if me.circle.any(me.stopping):
                me.stop()
    if me.rank == 0:
        (folder / "result.json").write_text(json.dumps(state))


def break_down(how: str) -> None:
    """Lets something bad happen to this process."""
    if how.startswith("SIG"):
        os.kill(os.getpid(), signal.Signals[how])
        time.sleep(0.1)
    elif how.startswith("exit"):
        os._exit(int(how.removeprefix("exit")))
    elif how == "spin":
        while True:
            pass
    elif how == "slow":
        time.sleep(2)
    elif how == "wait":
        time.sleep(3600)
    elif how == "data":
        raise DataError("the rows are wrong", fix="Correct them")
    elif how == "network":
        raise NetworkLost("Binding port failed")
    elif how == "bug":
        raise KeyError("nothing of that name")
    else:
        raise ValueError(how)


if __name__ == "__main__":
    take_part(lambda me: work(me, Path(sys.argv[1]), [fault.split(":") for fault in sys.argv[2:]]))
