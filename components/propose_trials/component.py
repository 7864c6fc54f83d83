"""The results of all earlier trials in, the trials of the next generation out."""

from typing import NamedTuple

from kfp import dsl

from components.images import TRAINING


# KFP's local runner finds what a loop goes over only if the output is called Output.
@dsl.component(base_image=TRAINING, install_kfp_package=False)
def propose_trials(
    training_table: str,
    study: str,
    results: list,
    deadline: str,
    generation: int,
    generations: int,
    split: dict,
    training: dict,
    search: dict,
) -> NamedTuple("Outputs", [("Output", list), ("study", str), ("deadline", str)]):
    """Draws the trials of one generation from what all earlier ones found, unless the budget of time is spent."""
    from collections import namedtuple

    from loanwright.steps.propose_trials import run

    proposal = run(training_table, study, results, deadline, generation, generations, split, training, search)
    return namedtuple("Outputs", ["Output", "study", "deadline"])(proposal.trials, proposal.study, proposal.deadline)
