"""The results of all trials in, the outcome and the report out."""

from typing import NamedTuple

from kfp import dsl

from components.images import TRAINING


@dsl.component(base_image=TRAINING, install_kfp_package=False)
def conclude_search(
    training_table: str,
    study: str,
    results: list,
    model: dict,
    split: dict,
    training: dict,
    search: dict,
    run_id: str,
    report: dsl.Output[dsl.HTML],
) -> NamedTuple("Outputs", [("outcome", str)]):
    """Holds the best trial against the declared training, writes the report and the tracked runs."""
    from collections import namedtuple

    from loanwright.steps.conclude_search import run

    sections = {"model": model, "split": split, "training": training, "search": search}
    conclusion = run(training_table, study, results, sections, run_id)
    with open(report.path, "w", encoding="utf-8") as file:
        file.write(conclusion.report)
    return namedtuple("Outputs", ["outcome"])(conclusion.outcome)
