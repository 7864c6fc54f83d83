"""The bundle and the verdict in, a registered version out; fails on a block."""

from typing import NamedTuple

from kfp import dsl

from components.images import TRAINING


@dsl.component(base_image=TRAINING, install_kfp_package=False)
def register(
    bundle: str,
    verdict: str,
    model: dict,
    register_model: bool,
    registered_model: dsl.Output[dsl.Model],
) -> NamedTuple("Outputs", [("version", str)]):
    """Registers the bundle as the model's challenger, once, unless a gate blocked it."""
    from collections import namedtuple

    from loanwright.steps.register import run

    outcome = run(bundle, verdict, model, register_model)
    registered_model.metadata.update(outcome.facts)
    return namedtuple("Outputs", ["version"])(outcome.version)
