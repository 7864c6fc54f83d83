"""What running as a pipeline costs: a whole local run against the same library calls in one plain script.

The rows are those of Give Me Some Credit, repeated with noise until a run takes minutes (synthetic, for
timing only). Both sides start without any result to reuse, read the same parquet file, use an S3 server of
the same kind, and end with a registered version. They are run in turn, and compared pair by pair.

    python tests/benchmarks/pipeline_tax.py [--copies 16] [--pairs 2]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
MODEL = "delinquency"
GOAL = 1.25
SETTINGS = ("training.rounds=500", "training.early_stopping=null", "gates.rules=[]")
"""A fixed amount of work: noise around repeated rows never stops early."""

PLAIN = """
import json, sys, time
from datetime import UTC, datetime
from pathlib import Path

from loanwright.config.reading import parse_sections, sections_as_parameters
from loanwright.data.ingestion import ingest
from loanwright.evaluation.evidence import Evidence
from loanwright.evaluation.gates import judge
from loanwright.evaluation.measure import evidence_of
from loanwright.evaluation.model_card import model_card
from loanwright.evaluation.report.render import render
from loanwright.evaluation.subject import Subject
from loanwright.features.build import build_training_table
from loanwright.registry.bundles import assemble
from loanwright.registry.tracking import Place, record_verdict
from loanwright.registry.versions import champion, register
from loanwright.runtime.object_server import ObjectServer
from loanwright.runtime.overrides import apply_overrides
from loanwright.runtime.settings import Settings, environment
from loanwright.storage import open_store, read_manifest
from loanwright.training.calibrate import calibrate
from loanwright.training.train import train

root, rows, scratch = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
settings = Settings.read(start=root)
sections = sections_as_parameters(root / "pipelines" / "delinquency" / "model.yaml")
changed = apply_overrides(sections, sys.argv[4:])
d = parse_sections({name: changed[name] for name in sections})
seconds = {}
clock = time.monotonic()

def lap(step):
    global clock
    seconds[step] = round(time.monotonic() - clock, 2)
    clock = time.monotonic()

with environment(settings.variables() | ObjectServer(settings).start()):
    store = open_store("s3://loanwright")
    snapshot = ingest(d.data, store, cutoff=None, overrides={d.data.sources[0].name: rows}, cache=scratch,
                      now=datetime.now(UTC), code_digest="plain").uri
    lap("ingest")
    table = build_training_table(snapshot, d.data, d.features, store, scratch)
    lap("build_features")
    booster = train(table, d.split, d.training, store, scratch).uri
    lap("train")
    calibrator = calibrate(table, booster, d.split, d.calibration, store, scratch)
    lap("calibrate")
    subject = Subject.open(table, booster, calibrator, d.split, scratch)
    evidence = evidence_of(subject, d.evaluation, d.training)
    made = read_manifest(table)
    bundle = assemble(store, scratch, table=made, booster=read_manifest(booster),
                      calibrator=read_manifest(calibrator), reference=subject.reference,
                      reasons=d.evaluation.reasons, model_card=model_card(evidence, made.body, d.split, d.training))
    lap("evaluate")
    uri, judgement = settings.registry_uri, judge(evidence, d.gates, None)
    report = render(evidence, judgement, d.model, {})
    run_id = record_verdict(Place(uri, "plain"), model=d.model.name, declaration=d.model_dump(mode="json"),
                            snapshot=read_manifest(snapshot), table=made, bundle=read_manifest(bundle),
                            evidence=evidence, judgement=judgement, report=report, tags={})
    lap("gate")
    register(uri, d.model, bundle, run_id=run_id, tags={}, description="", scratch=scratch)
    lap("register")
    print(json.dumps({"steps": seconds, "digest": read_manifest(bundle).digest}))
"""


def main() -> None:
    """Runs the pairs and prints the ratio, and where the rest of the time goes."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--copies", type=int, default=16, help="how often the 150,000 rows are repeated")
    options.add_argument("--pairs", type=int, default=2)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="pipeline-tax-") as name:
        rows = Path(name) / "rows.parquet"
        print(f"{write_rows(rows, given.copies):,} rows (synthetic: repeated with noise)", flush=True)
        ratios = []
        for number in range(given.pairs):
            pipeline = _pipeline(Path(name) / f"pipeline-{number}", rows)
            plain = _plain(Path(name) / f"plain-{number}", rows)
            ratios.append(pipeline["seconds"] / plain["seconds"])
            if pipeline["digest"] != plain["digest"]:
                sys.exit(f"the two made different bundles: {pipeline['digest']} and {plain['digest']}")
            _show(pipeline, plain)
        print(f"\npipeline / plain: {statistics.median(ratios):.3f} (goal: at most {GOAL})")


def write_rows(path: Path, copies: int) -> int:
    """The public rows, repeated with noise on every number that is no count; how many."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from loanwright.data.public import read_public

    cache = Path(os.environ.get("LOANWRIGHT_STATE") or ROOT / ".loanwright") / "data"
    one = read_public("public://give_me_some_credit/applicants", cache)
    draw = np.random.default_rng(11)
    with pq.ParquetWriter(path, one.schema) as writer:
        for copy in range(copies):
            columns = []
            for field, column in zip(one.schema, one.columns, strict=True):
                if field.name == "applicant_id":
                    values = pa.array(np.arange(1, one.num_rows + 1) + copy * one.num_rows, field.type)
                elif pa.types.is_floating(field.type):
                    noise = np.exp(draw.normal(0, 0.05, one.num_rows))
                    values = pa.array(column.to_numpy() * noise, field.type, from_pandas=True)
                else:
                    values = column
                columns.append(values)
            writer.write_table(pa.Table.from_arrays(columns, schema=one.schema))
    return one.num_rows * copies


def _pipeline(state: Path, rows: Path) -> dict[str, Any]:
    command = [
        Path(sys.executable).with_name("loanwright"), "run", MODEL,
        *(word for setting in (f"source_overrides.applicants={rows}", *SETTINGS) for word in ("--set", setting)),
    ]  # fmt: skip
    seconds = _timed(command, state)
    summary = json.loads(next(state.glob("runs/*/summary.json")).read_text())
    _stop(state)
    steps = {step: how["seconds"] for step, how in summary["steps"].items()}
    return {"seconds": seconds, "steps": steps, "digest": summary["bundle_digest"]}


def _plain(state: Path, rows: Path) -> dict[str, Any]:
    scratch = state / "plain"
    scratch.mkdir(parents=True)
    out = state / "out.json"
    seconds = _timed([sys.executable, "-c", PLAIN, str(ROOT), str(rows), str(scratch), *SETTINGS], state, out)
    _stop(state)
    return {"seconds": seconds, **json.loads(out.read_text().splitlines()[-1])}


def _timed(command: list[Any], state: Path, out: Path | None = None) -> float:
    state.mkdir(parents=True, exist_ok=True)
    environ = {**os.environ, "LOANWRIGHT_STATE": str(state), "PYTHONDONTWRITEBYTECODE": ""}
    with (out or state / "out.txt").open("w") as file:
        began = time.monotonic()
        subprocess.run(command, cwd=ROOT, env=environ, stdout=file, check=True)
        return time.monotonic() - began


def _stop(state: Path) -> None:
    command = [Path(sys.executable).with_name("loanwright"), "stop"]
    subprocess.run(
        command, cwd=ROOT, env={**os.environ, "LOANWRIGHT_STATE": str(state)}, check=True, capture_output=True
    )
    shutil.rmtree(state / "s3")


def _show(pipeline: dict[str, Any], plain: dict[str, Any]) -> None:
    print(f"\n{'step':16}{'pipeline':>10}{'plain':>10}{'more':>10}")
    for step, seconds in plain["steps"].items():
        own = pipeline["steps"].get(step) or 0.0
        print(f"{step:16}{own:10.1f}{seconds:10.1f}{own - seconds:10.1f}")
    within = sum(seconds or 0.0 for seconds in pipeline["steps"].values())
    between, script = pipeline["seconds"] - within, plain["seconds"] - sum(plain["steps"].values())
    print(f"{'around them':16}{between:10.1f}{script:10.1f}{between - script:10.1f}")
    print(f"{'all':16}{pipeline['seconds']:10.1f}{plain['seconds']:10.1f}", flush=True)


if __name__ == "__main__":
    main()
