"""The evidence, the policy and today's champion in, the verdict and the report out."""

from typing import NamedTuple

from components.images import TRAINING
from kfp import dsl


@dsl.component(base_image=TRAINING, install_kfp_package=False)
def gate(
    training_table: str,
    bundle: str,
    evidence: str,
    split: dict,
    evaluation: dict,
    model: dict,
    gates: dict,
    report: dsl.Output[dsl.HTML],
) -> NamedTuple("Outputs", [("verdict", str)]):
    """Judges the evidence, writes the report and the tracked run; never fails on a verdict."""
    from collections import namedtuple

    from loanwright.steps.gate import run

    outcome = run(training_table, bundle, evidence, split, evaluation, model, gates)
    with open(report.path, "w", encoding="utf-8") as file:
        file.write(outcome.report)
    return namedtuple("Outputs", ["verdict"])(outcome.verdict)
