"""How long training takes past this machine, reckoned from what a round costs here: writes docs/scale.md.

    python tests/benchmarks/scale.py [--repeats 3] [--quick]

A round's seconds on one thread are fitted to what it does with rows; what two ranks on the loopback take beyond that,
to the splits it agrees on and the bytes of histograms it exchanges. The page sets both together for more workers.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scale_page import write_page

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BIN_BYTES = 16
"""Of a histogram's bin: a sum of gradients and one of hessians, both doubles."""
GRID = [(rows, features, leaves) for rows in (250_000, 1_000_000) for features in (20, 60) for leaves in (31, 255)]
EXCHANGED = [(features, leaves) for features in (16, 64, 256) for leaves in (31, 127)]
EXCHANGED_ROWS, BINS, ROUNDS = 20_000, 255, 12


@dataclass(frozen=True)
class Fit:
    """What a round costs, in seconds; each with the largest relative error over what was measured."""

    per_value: float
    """Of one thread, for one value added to a histogram."""
    per_row: float
    """Of one thread, for one row in a round: gradient, partition, score."""
    per_split: float
    """Of two ranks on the loopback, for one split agreed on: two exchanges without their bytes."""
    per_byte: float
    """Of two ranks on the loopback, for one byte of a histogram: sent, added up, searched."""
    alone_error: float
    together_error: float
    passes: dict[int, float]
    """Leaves → how often a round passes over the rows."""


def measured(ranks: int, rows: int, features: int, leaves: int, repeats: int) -> tuple[float, float]:
    """Median seconds of a round (the first two left out), and passes over the rows."""
    found, passes = [], 0.0
    for _ in range(repeats):
        ports = free_ports(ranks)
        command = [sys.executable, str(HERE / "scale_rank.py")]
        shape = [str(each) for each in (rows, features, leaves, BINS, ROUNDS, *ports)]
        started = [
            subprocess.Popen([*command, str(rank), *shape], stdout=subprocess.PIPE, text=True) for rank in range(ranks)
        ]
        told = [json.loads(process.communicate()[0].splitlines()[-1]) for process in started]
        found.append(statistics.median(max(times) for times in zip(*(each["seconds"] for each in told), strict=True)))
        passes = told[0]["passes"]
    return min(found), passes


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on now."""
    taken = [socket.socket() for _ in range(count)]
    for each in taken:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in taken]
    for each in taken:
        each.close()
    return ports


def fitted(repeats: int, quick: bool) -> Fit:
    """Measures and fits."""
    shapes, wanted, passes = [], [], {}
    for rows, features, leaves in GRID[:4] if quick else GRID:
        seconds, passed = measured(1, rows, features, leaves, repeats)
        shapes.append((rows * features * passed, rows))
        wanted.append(seconds)
        passes[leaves] = passed
        print(
            f"  1 rank, {rows:,} by {features}, {leaves} leaves: {seconds * 1e3:.1f} ms, {passed:.2f} passes",
            flush=True,
        )
    alone, alone_error = _least_squares(shapes, wanted)
    shapes, wanted = [], []
    for features, leaves in EXCHANGED[:4] if quick else EXCHANGED:
        without, _ = measured(1, EXCHANGED_ROWS, features, leaves, repeats)
        seconds, _ = measured(2, EXCHANGED_ROWS, features, leaves, repeats)
        shapes.append((leaves, leaves * BIN_BYTES * BINS * features))
        wanted.append(max(seconds - without, 1e-6))
        print(f"  2 ranks, {features} features, {leaves} leaves: {wanted[-1] * 1e3:.1f} ms more than one", flush=True)
    together, together_error = _least_squares(shapes, wanted)
    return Fit(*alone, *together, alone_error, together_error, passes)


def _least_squares(shapes: list[tuple[float, float]], wanted: list[float]) -> tuple[tuple[float, float], float]:
    """Of relative errors, so that small and large count alike; no cost is below 0."""
    matrix, seconds = np.array(shapes, dtype=float), np.array(wanted)
    relative = matrix / seconds[:, None]
    found, *_ = np.linalg.lstsq(relative, np.ones(len(wanted)), rcond=None)
    if (found < 0).any():
        kept = int(np.argmax(found))
        found = np.zeros(2)
        found[kept] = float((relative[:, kept].sum()) / (relative[:, kept] ** 2).sum())
    return (float(found[0]), float(found[1])), float(np.abs(relative @ found - 1).max())


def main() -> None:
    """Measures, prints, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="of each measurement; the quickest counts")
    parser.add_argument("--quick", action="store_true", help="half of the grid; prints, and writes no page")
    given = parser.parse_args()
    fit = fitted(given.repeats, given.quick)
    print(fit)
    if not given.quick:
        write_page(ROOT / "docs", fit)


if __name__ == "__main__":
    main()
