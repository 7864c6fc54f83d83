"""The LightGBM parameters of a declaration: the declared ones, and those that fix the bytes of the result."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from loanwright.config.learning import Training
from loanwright.training.encoding import EncodedFeature
from loanwright.training.resources import SAMPLE_ROWS

_SEEDS = ("seed", "data_random_seed", "bagging_seed", "feature_fraction_seed", "extra_seed", "objective_seed")
_OURS = ("bagging_fraction", "bagging_freq", "scale_pos_weight")
"""Declared parameters that gradients of our own carry out."""
_DIRECTION = {"increasing": 1, "decreasing": -1, None: 0}
_FIXED: dict[str, Any] = {
    "boosting": "gbdt",
    "deterministic": True,
    # Rows split over threads would be summed in another order for another number of threads; one thread to
    # a column never does. Bundled columns may be split by rows again, and sparse ones cost memory that
    # cannot be reckoned beforehand: so neither.
    "force_col_wise": True,
    "enable_bundle": False,
    "is_enable_sparse": False,
    # The sample that bins are found on is drawn by us; all of it is looked at.
    "bin_construct_sample_cnt": 10 * SAMPLE_ROWS,
    # Which features may split must not depend on that sample.
    "feature_pre_filter": False,
    "verbosity": -1,
}


def derive_seed(seed: int, purpose: str) -> int:
    """A seed for one purpose, from the one declared: 31 bits, as LightGBM's are."""
    return int.from_bytes(hashlib.sha256(f"{purpose}:{seed}".encode()).digest()[:4], "big") >> 1


def lightgbm_parameters(training: Training, features: Sequence[EncodedFeature], threads: int) -> dict[str, Any]:
    """Everything that LightGBM is told, but for the rows. Gradients and the sampling of rows are ours.

    Args:
        training: the declared section.
        features: the encoded features, in column order.
        threads: how many LightGBM may use; no effect on the result.
    """
    parameters = training.parameters.model_dump(exclude=set(_OURS))
    parameters |= _FIXED
    parameters |= {name: derive_seed(training.seed, name) for name in _SEEDS}
    parameters |= {"objective": "none", "num_iterations": training.rounds, "num_threads": threads}
    directions = [_DIRECTION[feature["monotone"]] for feature in features]
    if any(directions):
        parameters["monotone_constraints"] = directions
    return parameters


def declared_values(training: Training) -> dict[str, str]:
    """What a model's text says of the parameters that LightGBM was not told: the declared values."""
    return {name: f"{getattr(training.parameters, name):g}" for name in _OURS} | {"objective": training.objective}
