"""The evidence, the policy and today's champion in, the verdict and the report out."""

from typing import NamedTuple

from kfp import dsl

from components.images import TRAINING


@dsl.component(base_image=TRAINING, install_kfp_package=False)
def gate(
    training_table: str,
    bundle: str,
    evidence: str,
    model: dict,
    data: dict,
    features: dict,
    split: dict,
    training: dict,
    calibration: dict,
    evaluation: dict,
    gates: dict,
    run_id: str,
    report: dsl.Output[dsl.HTML],
) -> NamedTuple("Outputs", [("verdict", str)]):
    """Judges the evidence, writes the report and the tracked run; never fails on a verdict."""
    from collections import namedtuple

    from loanwright.steps.gate import run

    sections = {
        "model": model,
        "data": data,
        "features": features,
        "split": split,
        "training": training,
        "calibration": calibration,
        "evaluation": evaluation,
        "gates": gates,
    }
    outcome = run(training_table, bundle, evidence, sections, run_id)
    with open(report.path, "w", encoding="utf-8") as file:
        file.write(outcome.report)
    return namedtuple("Outputs", ["verdict"])(outcome.verdict)
