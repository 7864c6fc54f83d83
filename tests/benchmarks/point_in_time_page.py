"""The page and the picture of `point_in_time`: what was measured, beside what is wanted."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path

from point_in_time_lines import Line

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
make bench-features                                                      # everything, about half an hour
.venv/bin/python tests/benchmarks/point_in_time.py --scale 0.02          # a minute; prints, and writes no page
.venv/bin/python tests/benchmarks/point_in_time.py --lines 5 --sizes 5 50
```

polars and Feast are installed for it in an environment that is thrown away afterwards.
"""


def machine() -> str:
    """What a reader needs to know of it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}"


def table(number: int, line: Line) -> str:
    """A line as Markdown: costs, goals, notes."""
    rows = [
        f"### {number}. {line.title}",
        "",
        _rounds(line),
        "",
        "| contender | wall s | CPU s | peak MiB |",
        "|---|---:|---:|---:|",
    ]
    rows += [f"| {name} | {cost.wall:.2f} | {cost.cpu:.2f} | {cost.peak:,.0f} |" for name, cost in line.costs.items()]
    rows += ["", "| of | ratio | goal | |", "|---|---:|---:|---|"]
    rows += [
        f"| {goal.says} | {goal.ratio:.2f} | ≤ {goal.most:g} | {'met' if goal.met else '**missed**'} |"
        for goal in line.goals
    ]
    for note in line.notes:
        rows += ["", note]
    return "\n".join(rows) + "\n"


def _rounds(line: Line) -> str:
    return f"{line.rounds} rounds." if line.rounds > 1 else "One round."


def write_page(folder: Path, lines: Mapping[int, Line], described: str) -> None:
    """Writes point-in-time.md and point-in-time.svg."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = "\n".join(table(number, lines[number]) for number in sorted(lines))
    text = f"{_HEAD.format(machine=described)}\n## Lines\n\n{tables}{_COMMANDS}"
    (folder / "point-in-time.md").write_text(text, encoding="utf-8")
    _draw(folder / "point-in-time.svg", lines)


def _draw(path: Path, lines: Mapping[int, Line]) -> None:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    heights = [len(line.costs) for _, line in sorted(lines.items())]
    settings = {"svg.hashsalt": "loanwright", "svg.fonttype": "none", "font.size": 8.0}
    with mpl.rc_context(settings):
        figure = Figure(figsize=(9, 0.24 * sum(heights) + 0.75 * len(heights)), layout="constrained")
        axes = figure.subplots(len(heights), 2, squeeze=False, gridspec_kw={"height_ratios": [h + 1 for h in heights]})
        for (number, line), (left, right) in zip(sorted(lines.items()), axes, strict=True):
            names = list(line.costs)[::-1]
            colours = ["#1f5a94" if _is_ours(number, name) else "#b9c2cc" for name in names]
            for axis, values, what in (
                (left, [line.costs[name].cpu for name in names], "CPU seconds"),
                (right, [line.costs[name].peak for name in names], "peak MiB"),
            ):
                bars = axis.barh(names, values, color=colours)
                axis.bar_label(bars, [f"{value:,.1f}" if axis is left else f"{value:,.0f}" for value in values])
                axis.margins(x=0.15)
                axis.set_title(f"{number}. {what}", loc="left", fontsize=8)
                axis.spines[["top", "right"]].set_visible(False)
            right.set_yticklabels([])
        figure.savefig(path, format="svg", metadata={"Date": None})


def _is_ours(number: int, name: str) -> bool:
    return number in (5, 6) or name.startswith("loanwright")
