"""The page and the picture of `point_in_time`: what was measured, beside what is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from contenders import Line, kept
from pages import machine, write_page

_HEAD = """# Point-in-time features: speed and memory

Written by `make bench-features` (`tests/benchmarks/point_in_time.py`); do not edit by hand. All rows are synthetic.

Each contender reads parquet and writes parquet, in a process of its own, on two threads. The contenders of one line
take turns in one run, and stand here with their medians and with the most memory of any round. Imports are not counted
as time. Where the machine has other work wall seconds suffer most, CPU seconds less and memory not: judge by all.

Machine: {machine}.

![Seconds of CPU of each contender](point-in-time.svg)
"""
_COMMANDS = """
## Measure again

```sh
make bench-features                                                      # everything, about an hour and a half
.venv/bin/python tests/benchmarks/point_in_time.py --scale 0.02          # some minutes; prints, and writes no page
.venv/bin/python tests/benchmarks/point_in_time.py --lines 5 --sizes 5 50
```

polars and Feast are installed for it in an environment that is thrown away afterwards.
"""


def write(folder: Path, lines: Mapping[int, Line]) -> None:
    """Writes point-in-time.md, .svg and .json: these lines, and those of earlier runs."""
    page = folder / "point-in-time.md"
    write_page(page, kept(page, lines), _HEAD.format(machine=machine()), _COMMANDS, _is_ours)


def _is_ours(number: int, name: str) -> bool:
    return number in (5, 6) or name.startswith("loanwright")
