"""How fast many rows are scored, beside LightGBM's own prediction of a matrix that is in memory already.

    python tests/benchmarks/batch_scoring.py [--rows 2000000] [--rounds 3] [--lines 1 2 3] [--page FOLDER]

Every line is a model of another size. Contenders take turns in one run, and a goal is a ratio within that run. Ours
read parquet and write parquet, calibrate, keep the keys, and are compared with a call that does none of this; imports
and the start of processes are in our time. All must give the same margins, bit for bit. Fewer rows show that all runs,
not what it costs: with `--rows` of less than two million no page is written unless a folder is given.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contenders import Contender, Cost, Goal, Line, kept, medians, told
from pages import machine, table, write_page

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
PAGE = ROOT / "docs" / "benchmarks" / "scoring.md"
FULL = 2_000_000
FEATURES = 60
MODELS = {1: (100, 31), 2: (300, 63), 3: (500, 127)}
"""Line → trees and leaves."""
GOAL = 1.25
"""At most so many times the CPU seconds of LightGBM's own call: 80 % of its rate."""
_OWN = "LightGBM, matrix in memory"
_HEAD = """# Scoring many rows: speed and memory

Written by `make bench-scoring` (`tests/benchmarks/batch_scoring.py`); do not edit by hand. All rows are synthetic.

LightGBM predicts a float64 matrix that is in memory already, on two threads: nothing is read, and nothing written.
`loanwright score` reads parquet, checks it, predicts, calibrates, and writes parquet with the keys, by two processes of
one thread each; that of S3 reads from and writes to the embedded server, whose own work is not counted. pandas is the
usual script: read all, predict, write all. Contenders of one line take turns in one run and stand here with their
medians, and with the most memory of any round (of all processes together). Imports and the start of our processes
are counted for ours, and not for the others. Where the machine has other work, wall seconds suffer most: judge by CPU.

Ours walks rows alike side by side ([why](../score.md#many-rows-into-parts)): here also by itself, on the same matrix.
That saves the more, the fewer features decide. In these rows four of the 60 decide most; where all weigh alike it
saves nothing.

Machine: {machine}.

![CPU seconds and memory of each contender](scoring.svg)
"""
_FOOT = """
## Measure again

```sh
make bench-scoring                                                 # about half an hour
.venv/bin/python tests/benchmarks/batch_scoring.py --lines 2       # one line; the others stay as they are
.venv/bin/python tests/benchmarks/batch_scoring.py --rows 100000   # a minute; prints, and writes no page
```
"""


def main() -> None:
    """Measures the lines, prints each, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=FULL)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lines", type=int, nargs="*", default=list(MODELS), help="none: the page anew")
    parser.add_argument("--page", type=Path, help="where the page goes [docs/benchmarks with all rows, else nowhere]")
    given = parser.parse_args()
    page = given.page / PAGE.name if given.page else PAGE if given.rows >= FULL else None
    lines: dict[int, Line] = {}
    if given.lines:
        with tempfile.TemporaryDirectory(prefix="loanwright-bench-") as name, _rows(Path(name), given.rows) as places:
            for number in given.lines:
                lines[number] = _line(Path(name), places, given.rows, given.rounds, *MODELS[number])
                print(table(number, lines[number]), flush=True)
                _write(page, lines)
    else:
        _write(page, lines)
    missed = [f"line {number}: {goal.says}" for number in lines for goal in lines[number].goals if not goal.met]
    if missed and given.rows >= FULL:
        sys.exit("missed: " + "; ".join(missed))


def _write(page: Path | None, lines: dict[int, Line]) -> None:
    """After each line, so that one that fails later takes none with it."""
    if page:
        write_page(
            page, kept(page, lines), _HEAD.format(machine=machine()), _FOOT, lambda _, name: "loanwright" in name
        )


@contextmanager
def _rows(folder: Path, rows: int) -> Iterator[dict[str, str]]:
    """Where the rows lie: in a folder, and in S3; and how S3 is reached."""
    from loanwright.runtime.object_server import ObjectServer
    from loanwright.runtime.settings import Settings, environment
    from loanwright.storage import open_store
    from tests.builders.tables import publish_table

    publish_table(open_store(str(folder / "rows")), rows=rows, features=FEATURES, categories=4, seed=5)
    files = folder / "rows" / "tables" / "files"
    state = folder / "state"
    settings = Settings(project=state, state=state, store=None, s3_endpoint=None, s3_port=None, tracking_uri=None)
    server = ObjectServer(settings)
    with environment(server.start()):
        try:
            store = open_store("s3://loanwright/rows")
            for file in sorted(files.iterdir()):
                store.upload(file.name, file)
            yield {"folder": str(files), "s3": "s3://loanwright/rows/"}
        finally:
            server.stop()


def _line(folder: Path, places: dict[str, str], rows: int, rounds: int, trees: int, leaves: int) -> Line:
    bundle = _bundle(folder / f"model-{trees}", trees, leaves)
    ways = {
        _OWN: ("predict", places["folder"], ""),
        "loanwright's walk, matrix in memory": ("walk", places["folder"], ""),
        "loanwright score": ("score", places["folder"], str(folder / "scores")),
        "loanwright score, S3 to S3": ("score", places["s3"], "s3://loanwright/scores-{}/"),
        "pandas, all in memory": ("pandas", places["folder"], str(folder / "scores.parquet")),
    }
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    digests: set[str] = set()
    for turn in range(rounds):
        for name, (way, source, target) in ways.items():
            shutil.rmtree(folder / "scores", ignore_errors=True)
            arguments = (way, bundle, source, target.format(f"{trees}-{turn}"), str(folder))
            found = told(Contender(name, "batch_scoring_ways.py", arguments))
            costs[name].append(Cost(found["wall"], found["cpu"], found["peak"]))
            digests.add(found["margins"])
    if len(digests) != 1:
        raise SystemExit(f"the ways gave {len(digests)} different sets of margins")
    found_costs = {name: medians(each) for name, each in costs.items()}
    own, ours = found_costs[_OWN].cpu, found_costs["loanwright score"].cpu
    return Line(
        f"{rows:,} rows of {FEATURES} features, {trees} trees of {leaves} leaves",
        found_costs,
        [Goal("CPU of LightGBM's own call (1.25: 80 % of its rate)", ours / own, GOAL)],
        [f"{rows / ours:,.0f} rows a CPU second; LightGBM alone {rows / own:,.0f}. All margins are equal to the bit."],
        rounds,
    )


def _bundle(folder: Path, trees: int, leaves: int) -> str:
    """The address of a bundle with so many trees, trained on rows of the same kind."""
    from loanwright.config.learning import Calibration, Fractions, Parameters, Split, Training
    from loanwright.registry.bundles import assemble
    from loanwright.storage import open_store, read_manifest
    from loanwright.training.calibrate import calibrate
    from loanwright.training.train import train
    from tests.builders.tables import publish_table

    store = open_store(str(folder))
    made = publish_table(store, rows=60_000, features=FEATURES, categories=4)
    split = Split(method="hash", fractions=Fractions(train=0.8, calibration=0.1, test=0.1))
    booster: Any = train(made, split, Training(rounds=trees, parameters=Parameters(num_leaves=leaves)), store, folder)
    booster = getattr(booster, "uri", booster)
    calibrator = calibrate(made, booster, split, Calibration(method="sigmoid"), store, folder)
    parts = {"table": made, "booster": booster, "calibrator": calibrator}
    manifests = {name: read_manifest(uri) for name, uri in parts.items()}
    return assemble(store, folder, **manifests, reference={}, reasons={}, model_card={})


if __name__ == "__main__":
    main()
