"""How fast training is, and in how much memory, beside what else one would take for it.

    python tests/benchmarks/training_speed.py [--lines 1 2 3 4 5] [--scale 1] [--rounds 3]

Line 1: two processes of a thread against one. Line 2: our paths against LightGBM over pandas, XGBoost and scikit-learn,
at equal settings. Line 3: memory over what was held before. Line 4: what segments with checkpoints cost. Line 5: what a
kill costs. Contenders take turns in one run and every goal is a ratio within it. At full scale the results go into a
page of docs/benchmarks; a line that was measured before stays there until it is measured again, in whatever clone.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from contenders import AS_A_STEP, Contender, Cost, Goal, Line, environment, kept, medians, told
from pages import machine, table, write_page
from training_data import Data, make

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "benchmarks" / "training.md"
RIVALS = ("lightgbm==4.7.0", "xgboost==3.0.5", "scikit-learn>=1.9,<2", "pandas<3", "pyarrow>=25,<26")
SEGMENT = 50
_HEAD = """# Training: speed and memory

Written by `make bench-training` (`tests/benchmarks/training_speed.py`); do not edit by hand. All rows are synthetic: 40
features, two of them categories. 63 leaves, 255 bins, learning rate 0.1.

Each contender reads parquet, bins and trains, in a process of its own (ours by workers: with all processes of it). The
contenders of one line take turns in one run, and stand here with their medians and with the most memory of any round.
Imports are not counted as time. CPU seconds count all processes; peak MiB is of the process that holds most.

Machine: {machine}.

![CPU seconds and memory of each contender](training.svg)
"""
_FOOT = """
## Measure again

```sh
make bench-training                                                    # everything, about half an hour
.venv/bin/python tests/benchmarks/training_speed.py --lines 4          # one line; the others stay as they are
.venv/bin/python tests/benchmarks/training_speed.py --scale 0.02       # a minute or two; prints, and writes no page
```

XGBoost and scikit-learn are installed for it in an environment that is thrown away afterwards.
"""
Told = dict[str, list[dict[str, Any]]]


def ours(name: str, data: Data, *, workers: int, threads: int, exact: bool, segment: int, trees: int) -> Contender:
    """One of our ways."""
    how = (str(workers), str(threads), "exact" if exact else "loose", str(segment))
    where = (str(data.store), data.table, str(trees), str(data.test))
    return Contender(name, "training_ours.py", how + where, variables=AS_A_STEP)


def rival(name: str, which: str, data: Data, python: Path, *, threads: int, trees: int) -> Contender:
    """One of the others."""
    arguments = (which, str(data.train), str(data.test), str(trees), str(threads))
    return Contender(name, "training_rivals.py", arguments, python, str(threads))


def turns(contenders: list[Contender], rounds: int) -> Told:
    """All of them in turn, so often: name → what each round told."""
    found: Told = {each.name: [] for each in contenders}
    for _ in range(rounds):
        for each in contenders:
            found[each.name].append(told(each))
            print(f"  {each.name}: {found[each.name][-1]}", flush=True)
    return found


def costs(found: Told) -> dict[str, Cost]:
    """Medians of what was told."""
    return {
        name: medians([Cost(one["wall"], one["cpu"], max(one["peak"], one.get("largest", 0.0))) for one in told_of])
        for name, told_of in found.items()
    }


def ratio(found: Told, what: str, above: str, below: str) -> float:
    """The median of the ratios, round by round."""
    pairs = zip(found[above], found[below], strict=True)
    return statistics.median(one[what] / other[what] for one, other in pairs)


def processes(folder: Path, scale: float, rounds: int) -> Line:
    """Line 1: two processes of a thread each, and one of one."""
    data = make(folder, round(2e6 * scale))
    shared = {"threads": 1, "exact": False, "segment": SEGMENT, "trees": 60}
    two, one = "2 processes, 1 thread each", "1 process, 1 thread"
    found = turns([ours(two, data, workers=2, **shared), ours(one, data, workers=1, **shared)], rounds)
    goal = Goal(f"wall of {one}: 1/1.5 at most", ratio(found, "wall", two, one), 1 / 1.5)
    return Line(f"two processes: {data.rows:,} rows, 60 trees", costs(found), [goal], rounds=rounds)


def rivals(folder: Path, scale: float, rounds: int, python: Path) -> Line:
    """Line 2: our paths and the usual ones."""
    data = make(folder, round(1e6 * scale))
    plain, exact, usual = "loanwright, 2 threads", "loanwright, exact: 2 ranks", "pandas and lgb.train"
    xgboost, sklearn = "XGBoost hist", "scikit-learn HistGradientBoosting"
    trees = 100
    found = turns(
        [
            ours(plain, data, workers=1, threads=2, exact=False, segment=SEGMENT, trees=trees),
            ours(exact, data, workers=1, threads=2, exact=True, segment=SEGMENT, trees=trees),
            rival(usual, "pandas", data, python, threads=2, trees=trees),
            rival(xgboost, "xgboost", data, python, threads=2, trees=trees),
            rival(sklearn, "sklearn", data, python, threads=2, trees=trees),
        ],
        rounds,
    )
    goals = [
        Goal(f"{what} of {other}", ratio(found, what, plain, other), 1.0)
        for other in (usual, xgboost, sklearn)
        for what in ("wall", "cpu")
    ]
    aucs = ", ".join(f"{name} {told_of[0]['auc']:.4f}" for name, told_of in found.items())
    beside = f"The exact path takes {ratio(found, 'wall', exact, plain):.2f} of the plain one's wall seconds."
    title = f"beside others: {data.rows:,} rows, {trees} trees"
    return Line(title, costs(found), goals, [f"AUC on other rows: {aucs}.", beside], rounds)


def memory(folder: Path, scale: float, python: Path) -> Line:
    """Line 3: what is held above what was held before anything was read, in multiples of the raw float32 matrix."""
    every: dict[str, Cost] = {}
    goals: list[Goal] = []
    notes: list[str] = []
    for number, rows in enumerate((2e6, 10e6)):
        data = make(folder / str(number), round(rows * scale))
        size = f"{data.rows / 1e6:.1f}M rows"
        plain, exact, usual = f"loanwright, {size}", f"loanwright, exact: 2 ranks, {size}", f"pandas, {size}"
        contenders = [
            ours(plain, data, workers=1, threads=2, exact=False, segment=SEGMENT, trees=10),
            ours(exact, data, workers=1, threads=2, exact=True, segment=SEGMENT, trees=10),
            rival(usual, "pandas", data, python, threads=2, trees=10),
        ]
        found = turns(contenders, 1)
        every |= costs(found)
        for name in (plain, usual):
            one = found[name][0]
            multiple = (one["peak"] - one["base"]) / data.raw
            if name == usual:
                notes.append(f"{usual}: {multiple:.1f} times its {data.raw:,.0f} MiB of raw float32.")
            else:
                goals.append(Goal(f"{name}: peak over base by raw float32", multiple, 1.3))
        one = found[exact][0]
        # What a rank is before it reads: Python and LightGBM, as the process that started it holds them.
        held = (one["largest"] - one["base"]) / (data.raw / 2)
        goals.append(Goal(f"{exact}: largest rank over base by its half of raw", held, 1.3))
    return Line("memory, 10 trees", every, goals, notes)


def segments(folder: Path, scale: float, rounds: int) -> Line:
    """Line 4: segments with a checkpoint after each, and LightGBM's own training of the very same binned rows."""
    data = make(folder, round(1e6 * scale))
    trees = 200

    def contender(name: str, how: str) -> Contender:
        given = (how, str(SEGMENT), str(data.store), data.table, str(trees), str(data.test))
        return Contender(name, "training_segments.py", given, variables=AS_A_STEP)

    many, plain = f"segments of {SEGMENT}, checkpoints", "lgb.train"
    found = turns([contender(many, "segments"), contender(plain, "plain")], rounds)
    goals = [Goal(f"{what} of {plain}", ratio(found, what, many, plain), 1.03) for what in ("wall", "cpu")]
    aucs = ", ".join(f"{name} {told_of[0]['auc']:.5f}" for name, told_of in found.items())
    notes = ["One thread; reading and binning are the same and are not counted.", f"AUC on other rows: {aucs}."]
    title = f"segments: {data.rows:,} rows, {trees} trees"
    return Line(title, costs(found), goals, notes, rounds)


def kills(folder: Path, scale: float, rounds: int) -> Line:
    """Line 5: a worker killed at some moment, against a training that nobody disturbs."""
    data = make(folder, round(1e6 * scale))
    segment, trees = 25, 150
    rng = random.Random(5)

    def contender(name: str, seconds: float) -> Contender:
        given = (str(seconds), str(segment), str(data.store), data.table, str(trees))
        return Contender(name, "training_kill.py", given, variables=AS_A_STEP)

    undisturbed, killed = "undisturbed", "one of two workers killed"
    found: Told = {undisturbed: [], killed: []}
    shares = []
    for _ in range(rounds):
        plain = told(contender(undisturbed, 0))
        moment = rng.uniform(0.1, 0.9) * plain["wall"]
        hit = told(contender(killed, moment))
        if hit["restarts"] != 1 or hit["booster"] != plain["booster"]:
            raise SystemExit(f"killed after {moment:.1f} s: {hit}, undisturbed: {plain}")
        lost, allowed = hit["wall"] - plain["wall"], plain["segment"] + plain["loading"] + 10
        shares.append(lost / allowed)
        found[undisturbed].append(plain)
        found[killed].append(hit)
        print(f"  killed after {moment:.1f} s: {lost:.1f} s lost of {allowed:.1f} s allowed", flush=True)
    goal = Goal("most seconds lost by a segment, loading the data and 10 s", max(shares), 1.0)
    notes = ["Both make the same booster; the killed one starts again once."]
    return Line(
        f"kills: {data.rows:,} rows, {trees} trees in segments of {segment}", costs(found), [goal], notes, rounds
    )


def main() -> None:
    """Measures the lines, prints each, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, nargs="*", default=[1, 2, 3, 4, 5], help="none: the page anew")
    parser.add_argument("--scale", type=float, default=1.0, help="of the rows")
    parser.add_argument("--rounds", type=int, default=3, help="how often each contender runs")
    given = parser.parse_args()
    lines: dict[int, Line] = {}
    with tempfile.TemporaryDirectory(prefix="loanwright-bench-") as folder:
        here = Path(folder)
        python = environment(here / "rivals", *RIVALS) if {2, 3} & set(given.lines) else here
        ways = {
            1: partial(processes, here / "1", given.scale, given.rounds),
            2: partial(rivals, here / "2", given.scale, given.rounds, python),
            3: partial(memory, here / "3", given.scale, python),
            4: partial(segments, here / "4", given.scale, given.rounds),
            5: partial(kills, here / "5", given.scale, given.rounds),
        }
        for number in given.lines:
            lines[number] = ways[number]()
            print(table(number, lines[number]), flush=True)
            if given.scale == 1:
                _write({number: lines[number]})
    if given.scale == 1 and not lines:
        _write({})
    missed = [f"line {number}: {goal.says}" for number in sorted(lines) for goal in lines[number].goals if not goal.met]
    if missed and given.scale == 1:
        sys.exit("missed: " + "; ".join(missed))


def _write(lines: dict[int, Line]) -> None:
    write_page(PAGE, kept(PAGE, lines), _HEAD.format(machine=machine()), _FOOT, lambda _, name: not _is_rival(name))


def _is_rival(name: str) -> bool:
    return name.startswith(("pandas", "XGBoost", "scikit-learn", "lgb.train"))


if __name__ == "__main__":
    main()
