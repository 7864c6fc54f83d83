"""Pages and pictures of benchmarks: what was measured, beside what is wanted."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from pathlib import Path

from contenders import Line


def machine() -> str:
    """What a reader needs to know of it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}"


def table(number: int, line: Line) -> str:
    """A line as Markdown: costs, goals, notes."""
    rows = [
        f"### {number}. {line.title}",
        "",
        f"{line.rounds} rounds." if line.rounds > 1 else "One round.",
        "",
        "| contender | wall s | CPU s | peak MiB |",
        "|---|---:|---:|---:|",
    ]
    rows += [f"| {name} | {cost.wall:.2f} | {cost.cpu:.2f} | {cost.peak:,.0f} |" for name, cost in line.costs.items()]
    if line.goals:
        rows += ["", "| of | ratio | goal | |", "|---|---:|---:|---|"]
    rows += [
        f"| {goal.says} | {goal.ratio:.2f} | ≤ {goal.most:g} | {'met' if goal.met else '**missed**'} |"
        for goal in line.goals
    ]
    for note in line.notes:
        rows += ["", note]
    return "\n".join(rows) + "\n"


def write_page(page: Path, lines: Mapping[int, Line], head: str, foot: str, ours: Callable[[int, str], bool]) -> None:
    """Writes the page, and beside it the picture of CPU seconds and memory, an SVG of the same name.

    Args:
        page: the Markdown file.
        lines: number → what was found.
        head: what stands before the lines.
        foot: what stands behind them.
        ours: whether a line's contender is drawn as ours.
    """
    page.parent.mkdir(parents=True, exist_ok=True)
    tables = "\n".join(table(number, lines[number]) for number in sorted(lines))
    page.write_text(f"{head}\n## Lines\n\n{tables}{foot}", encoding="utf-8")
    _draw(page.with_suffix(".svg"), lines, ours)


def _draw(path: Path, lines: Mapping[int, Line], ours: Callable[[int, str], bool]) -> None:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    heights = [len(line.costs) for _, line in sorted(lines.items())]
    settings = {"svg.hashsalt": "loanwright", "svg.fonttype": "none", "font.size": 8.0}
    with mpl.rc_context(settings):
        figure = Figure(figsize=(9, 0.24 * sum(heights) + 0.75 * len(heights)), layout="constrained")
        axes = figure.subplots(len(heights), 2, squeeze=False, gridspec_kw={"height_ratios": [h + 1 for h in heights]})
        for (number, line), (left, right) in zip(sorted(lines.items()), axes, strict=True):
            names = list(line.costs)[::-1]
            colours = ["#1f5a94" if ours(number, name) else "#b9c2cc" for name in names]
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
