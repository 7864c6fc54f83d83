"""Where the CPU seconds of one day more go: `python point_in_time_profile.py SNAPSHOT STORE SCRATCH LIMIT`.

Rows that a group needs are put into a table of the engine before its text runs, so that reading and computing can be
told apart; that is slower than the build itself.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from point_in_time_world import building

from loanwright.features import build
from loanwright.features.computing import groups
from loanwright.features.declared.resolve import ResolvedGroup
from loanwright.features.engines.engine import Engine

COMPARING, LABELS = "comparing the snapshots", "decisions and labels"
READING, COMPUTING = "reading the sources for each group", "planning and running the groups' texts"
REST = "opening, checks, joining, writing"


def profiled(snapshot: str, store: str, scratch: str, limit: str) -> dict[str, float]:
    """CPU seconds by what they were spent on."""
    spent: Counter[str] = Counter()

    def timed(what: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*these: Any, **more: Any) -> Any:
            began = time.process_time()
            found = function(*these, **more)
            if isinstance(found, Iterator):
                found = list(found)
            spent[what] += time.process_time() - began
            return found

        return measured

    narrow = groups.narrow

    def read(engine: Engine, these: list[ResolvedGroup]) -> None:
        narrow(engine, these)
        for group in these:
            for source in group.sources:
                times = {time for time in (source.event_time, source.known_time) if time is not None}
                names = (
                    {*group.read_columns, *times} if source is group.source else {each.name for each in source.columns}
                )
                listed = ", ".join(f'"{name}"' for name in sorted(names))
                engine.make(f"few_{source.name}", f"SELECT {listed} FROM source_{source.name}")
                engine.show(f"source_{source.name}", f"SELECT * FROM few_{source.name}")

    run = building(snapshot, store, scratch, limit)
    began = time.process_time()
    build.standing = timed(COMPARING, build.standing)  # type: ignore[attr-defined]
    build.make_decisions = timed(LABELS, build.make_decisions)  # type: ignore[attr-defined]
    groups.narrow = timed(READING, read)  # type: ignore[attr-defined]
    build.make_groups = timed(COMPUTING, build.make_groups)  # type: ignore[attr-defined]
    run()
    spent[COMPUTING] -= spent[READING]
    spent[REST] = time.process_time() - began - sum(spent.values())
    return dict(spent)


if __name__ == "__main__":
    print(json.dumps(profiled(*sys.argv[1:])))
