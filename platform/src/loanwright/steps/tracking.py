"""Where this step's run is tracked, from its surroundings and from what KFP says in the environment."""

from __future__ import annotations

import os

from loanwright.registry.tracking import Place
from loanwright.steps.surroundings import Surroundings


def tracking_place(here: Surroundings) -> Place:
    """MLflow's address, and the runs that KFP opened there if it did."""
    return Place(
        tracking_uri=here.tracking_uri,
        pipeline_run=here.run_id,
        artifacts=here.tracking_artifacts,
        injected_run=os.environ.get("MLFLOW_RUN_ID") or None,
        injected_experiment=os.environ.get("MLFLOW_EXPERIMENT_ID") or None,
    )
