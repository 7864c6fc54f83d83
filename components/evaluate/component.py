"""The model and the test slice in, the evidence and the bundle out."""

from typing import NamedTuple

from kfp import dsl

from components.images import TRAINING


@dsl.component(base_image=TRAINING, install_kfp_package=False)
def evaluate(
    training_table: str,
    booster: str,
    calibrator: str,
    split: dict,
    training: dict,
    evaluation: dict,
    metrics: dsl.Output[dsl.Metrics],
    roc_curve: dsl.Output[dsl.ClassificationMetrics],
) -> NamedTuple("Outputs", [("bundle", str), ("evidence", str)]):
    """Measures the model on the test slice and puts its bundle together."""
    from collections import namedtuple

    from loanwright.steps.evaluate import run

    outcome = run(training_table, booster, calibrator, split, training, evaluation)
    for name, value in outcome.metrics.items():
        metrics.log_metric(name, value)
    roc_curve.log_roc_curve(outcome.roc.fpr, outcome.roc.tpr, outcome.roc.threshold)
    for artifact in (metrics, roc_curve):
        # KFP's local cache takes an output without a file for lost.
        with open(artifact.path, "w") as file:
            file.write("{}")
    return namedtuple("Outputs", ["bundle", "evidence"])(outcome.bundle, outcome.evidence)
