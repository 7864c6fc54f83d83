"""How fast a world is made, and in how much memory: events (rows of all tables) a second, for growing sizes.

Every size is made in a process of its own, with one worker and with two; peak memory is the sum of the peaks of the
process and its largest worker times the workers, so it is never told too low.

    python tests/benchmarks/world_rate.py [--customers 6000 60000] [--goal 500000]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

MAKE = """
import json, resource, sys, time
from pathlib import Path
from loanwright.data.world.generation import generate
if __name__ == "__main__":
    folder, customers, processes = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    began = time.monotonic()
    made = generate(folder, customers=customers, seed=1, processes=processes)
    seconds = time.monotonic() - began
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    size = sum(file.bytes for file in made.files) / 1e6
    print(json.dumps([made.events, seconds, own + processes * worker, size]))
"""


def measure(customers: int, processes: int) -> tuple[int, float, float, float]:
    """Events, seconds, peak MiB and megabytes on disk of one world."""
    with tempfile.TemporaryDirectory(prefix="loanwright-rate-") as folder:
        script = Path(folder) / "make.py"
        script.write_text(MAKE)
        command = [sys.executable, str(script), folder, str(customers), str(processes)]
        ended = subprocess.run(command, check=True, capture_output=True, text=True)
        events, seconds, peak, size = json.loads(ended.stdout)
        return events, seconds, peak, size


def main() -> None:
    """Prints one line for each size and number of workers; fails below the goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, nargs="+", default=[6_000, 60_000])
    parser.add_argument("--goal", type=int, default=500_000, help="events a second of the largest, with two workers")
    given = parser.parse_args()
    print("| customers | workers | events | seconds | events/s | peak MiB | MB on disk |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    missed = []
    for customers in given.customers:
        for workers in (1, 2):
            events, seconds, peak, size = measure(customers, workers)
            rate = events / seconds
            print(
                f"| {customers:,} | {workers} | {events:,} | {seconds:.1f} | {rate:,.0f} | {peak:,.0f} | {size:,.0f} |",
                flush=True,
            )
            if workers == 2 and customers == max(given.customers) and rate < given.goal:
                missed.append(f"{customers:,} customers: {rate:,.0f} events/s, the goal is {given.goal:,}")
    if missed:
        sys.exit("\n".join(missed))


if __name__ == "__main__":
    main()
