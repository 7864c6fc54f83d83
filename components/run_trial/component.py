"""One trial in, its result on every fold out."""

from typing import NamedTuple

from kfp import dsl

from components.images import TRAINING


# KFP's local runner hands a task in a loop the loop's item in place of every output of a task outside: so the table's
# and the split's place is in the trial.
@dsl.component(base_image=TRAINING, install_kfp_package=False)
def run_trial(trial: str) -> NamedTuple("Outputs", [("result", str)]):
    """Fits a model for each fold of the train part and measures it on the fold's own rows."""
    from collections import namedtuple

    from loanwright.steps.run_trial import run

    return namedtuple("Outputs", ["result"])(run(trial))
