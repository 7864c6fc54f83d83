"""The page of `scale`: what is expected of more rows and workers, beside what others have published."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from pages import machine

BIN_BYTES, BINS, LEAVES = 16, 255, 255
THREADS = 16
KEPT = 0.9
"""Of the speed that twice the threads could bring, what they bring."""
LATENCY, BANDWIDTH = 50e-6, 1.25e9
"""Of a network between machines: seconds a message, bytes a second (10 Gbit/s)."""
WORKERS = (1, 2, 4, 8, 16, 32, 64)
PUBLISHED = {1: 627.8, 2: 311.0, 4: 156.0, 8: 80.0, 16: 42.0}
"""LightGBM's own experiment, docs/Experiments.rst: seconds a tree by machines."""
CASES = {"100M rows, 100 features": (100e6, 100), "1.7B rows, 67 features": (1.7e9, 67)}

_TEXT = Path(__file__).with_suffix(".txt")


def seconds(fit: Any, rows: float, features: int, workers: int) -> tuple[float, float]:
    """A tree's seconds with so many workers, by the model: of the rows, and of the exchange."""
    speed = THREADS * KEPT ** math.log2(THREADS)
    passes = fit.passes[LEAVES]
    alone = rows / workers * (features * passes * fit.per_value + fit.per_row) / speed
    if workers == 1:
        return alone, 0.0
    histogram = BIN_BYTES * BINS * features
    messages = 2 * math.ceil(math.log2(workers)) * (LATENCY + fit.per_split / 2)
    moved = histogram * (workers - 1) / workers * (fit.per_byte + 1 / BANDWIDTH)
    return alone, LEAVES * (messages + moved)


def write_page(folder: Path, fit: Any) -> None:
    """Writes scale.md and scale.svg."""
    tables = ""
    for name, (rows, features) in CASES.items():
        published = PUBLISHED if features == 67 else {}
        tables += f"**{name}**\n\n| workers | rows s | exchange s | tree s | 500 trees | published s |\n"
        tables += "|--:|--:|--:|--:|--:|--:|\n"
        for workers in WORKERS:
            work, exchange = seconds(fit, rows, features, workers)
            total = work + exchange
            known = f"{published[workers]:g}" if workers in published else ""
            tables += f"| {workers} | {work:.2f} | {exchange:.2f} | {total:.2f} | {_span(500 * total)} | {known} |\n"
        tables += "\n"
    one, sixteen = (sum(seconds(fit, 1.7e9, 67, workers)) for workers in (1, 16))
    halves = [n for n in range(2, 2000) if seconds(fit, 100e6, 100, n)[1] >= seconds(fit, 100e6, 100, n)[0]]
    text = _TEXT.read_text(encoding="utf-8").format(
        machine=machine(),
        per_value=fit.per_value * 1e9,
        per_row=fit.per_row * 1e9,
        per_split=fit.per_split * 1e6,
        per_byte=fit.per_byte * 1e9,
        alone_error=fit.alone_error,
        together_error=fit.together_error,
        alone=8,
        passes=", ".join(f"{passes:.1f} for {leaves}" for leaves, passes in fit.passes.items()),
        histogram=BIN_BYTES * BINS * 67 / 1e6,
        leaves=LEAVES,
        threads=THREADS,
        kept=KEPT,
        latency=LATENCY * 1e6,
        tables=tables,
        one=PUBLISHED[1],
        sixteen=PUBLISHED[16],
        shape=PUBLISHED[1] / PUBLISHED[16],
        ours_one=one,
        ours_sixteen=sixteen,
        ours_shape=one / sixteen,
        apart=PUBLISHED[1] / one,
        memory=1.7e9 / 16 * (1.2 * 67 + 100) / 1e9,
        bend=halves[0] if halves else "more than 2,000",
        read=1.7e9 * 67 * 3 / 16 / 100e6,
    )
    (folder / "scale.md").write_text(text, encoding="utf-8")
    _draw(folder / "scale.svg", fit)


def _span(total: float) -> str:
    return f"{total / 3600:.1f} h" if total >= 3600 else f"{total / 60:.1f} min"


def _draw(path: Path, fit: Any) -> None:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "loanwright", "svg.fonttype": "none", "font.size": 8.0}):
        figure = Figure(figsize=(9, 3.2), layout="constrained")
        for axis, (name, (rows, features)) in zip(figure.subplots(1, len(CASES)), CASES.items(), strict=True):
            found = [seconds(fit, rows, features, workers) for workers in WORKERS]
            axis.plot(WORKERS, [sum(each) for each in found], "o-", color="#1f5a94", label="reckoned")
            axis.plot(WORKERS, [found[0][0] / n for n in WORKERS], ":", color="#7a8794", label="N times as fast")
            axis.plot(WORKERS[1:], [each[1] for each in found[1:]], "--", color="#b5651d", label="of it the exchange")
            if features == 67:
                axis.plot(list(PUBLISHED), list(PUBLISHED.values()), "s", color="#444444", label="published")
            axis.set_xscale("log", base=2)
            axis.set_yscale("log")
            axis.set_xticks(WORKERS, [str(n) for n in WORKERS])
            axis.set_xlabel("workers")
            axis.set_ylabel("seconds a tree")
            axis.set_title(name, loc="left", fontsize=8)
            axis.spines[["top", "right"]].set_visible(False)
            axis.legend(frameon=False)
        figure.savefig(path, format="svg", metadata={"Date": None})
