"""How fast features are computed, and in how much memory, beside what else one would take for it.

    python tests/benchmarks/point_in_time.py [--lines 1 2 3 4 5 6] [--scale 1] [--rounds 3] [--sizes 5 10 20 50 107.5]

Lines 1 to 3 are running sums over windows (uniform keys, hot merchants, known times), line 4 latest values, line 5
the features of `pay_later_default` at growing sizes of its world, line 6 one day more of a year. Contenders take turns
in one run and every goal is a ratio within that run. At full scale the results go into docs/benchmarks/, a line that
was measured before stays there until it is measured again; a missed goal ends with 1. A smaller scale shows that all
runs, not what it costs: what every query costs in any case outweighs the rows.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from contenders import Line, environment
from pages import table
from point_in_time_lines import latest, windows
from point_in_time_page import write
from point_in_time_world import daily, growing

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "benchmarks"
RIVALS = ("feast[duckdb]==0.67.0", "polars==2.1.0", "numpy", "pandas", "pyarrow")


def main() -> None:
    """Measures the lines, prints each, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, nargs="*", default=[1, 2, 3, 4, 5, 6], help="none: the page anew")
    parser.add_argument("--scale", type=float, default=1.0, help="of the rows of lines 1 to 4 and 6")
    parser.add_argument("--rounds", type=int, default=3, help="how often each contender runs")
    parser.add_argument(
        "--sizes", type=float, nargs="+", help="line 5, in millions of events [5 10 20 50 107.5 by scale]"
    )
    parser.add_argument("--page", type=Path, help="where the page goes [docs/benchmarks at full scale, else nowhere]")
    given = parser.parse_args()
    sizes = given.sizes or [given.scale * millions for millions in (5, 10, 20, 50, 107.5)]
    page = given.page or (PAGE if given.scale == 1 else None)
    lines: dict[int, Line] = {}

    def found(more: dict[int, Line]) -> None:
        chosen = {number: line for number, line in more.items() if number in given.lines}
        lines.update(chosen)
        for number, line in chosen.items():
            print(table(number, line), flush=True)
        if chosen and page:
            write(page, chosen)

    with tempfile.TemporaryDirectory(prefix="loanwright-bench-") as folder:
        here = Path(folder)
        rivals = environment(here / "rivals", *RIVALS) if {1, 2, 3, 4} & set(given.lines) else here
        if {1, 2, 3} & set(given.lines):
            found(windows(here / "windows", given.scale, given.rounds, rivals))
        if 4 in given.lines:
            found(latest(here / "latest", given.scale, given.rounds, rivals))
        if 6 in given.lines:
            found(daily(here / "daily", given.scale, given.rounds))
        if 5 in given.lines:
            for line in growing(here / "growing", sorted(sizes)):
                found(line)
    if page and not lines:
        write(page, {})
    missed = [f"line {number}: {goal.says}" for number in sorted(lines) for goal in lines[number].goals if not goal.met]
    if missed and given.scale == 1:
        sys.exit("missed: " + "; ".join(missed))


if __name__ == "__main__":
    main()
