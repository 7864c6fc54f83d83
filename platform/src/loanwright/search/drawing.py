"""Which trials come next: Optuna's sampler over a study that is built anew from the finished results.

What is drawn depends on the declaration and on the results by their numbers, and on nothing else: not on the order
in which they came, nor on who ran them. No database is shared, and a killed search draws the same again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from loanwright.config.learning import Parameters, Split, Training
from loanwright.config.search import Dimension, Search, Value, declared_values, with_values
from loanwright.errors import DeclarationError
from loanwright.evaluation.comparison import LOSSES
from loanwright.search.trials import Result, Trial
from loanwright.training.parameters import derive_seed

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

_DIGITS = 4
"""Of a drawn fraction: what is tried is what a person would write down."""
_RANDOM = 10
"""So many trials are drawn at random, or all of the first generation, before results guide the drawing."""
_REDRAWN = 20
"""How often a trial is drawn anew that was drawn before; then all there is may have been tried."""


@dataclass(frozen=True)
class Ground:
    """What a search stands on: the training table's digest, and the declared sections."""

    table: str
    split: Split
    training: Training
    search: Search

    def trial(self, number: int, training: Training) -> Trial:
        """The trial of that number and training section."""
        values = declared_values(training, self.search.space)
        return Trial(number, values, self.table, self.split, training, self.search.metric, self.search.folds)


def next_trials(ground: Ground, results: Sequence[Result], generation: int) -> list[Trial]:
    """The trials of one generation, by number; fewer, or none, where all combinations have been tried.

    Method: Tree-structured Parzen estimator, multivariate, with the generation's own earlier trials taken for poor
    ones so that later ones keep away (Bergstra et al. 2011; Watanabe 2023).

    Args:
        ground: what is searched; its own training section is the first generation's first trial.
        results: of all generations before, in any order.
        generation: its number, from 0.

    Raises:
        DeclarationError: a combination was drawn that the training section may not have.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    search, training = ground.search, ground.training
    space = {name: _distribution(name, one) for name, one in search.space.dimensions.items()}
    study = optuna.create_study(direction="minimize" if search.metric in LOSSES else "maximize")
    for result in sorted(results, key=lambda one: one.number):
        _tell(study, result, space)
    tried = [declared_values(training, search.space), *(result.values for result in results)]
    first = generation * search.trials_per_generation
    drawn = [ground.trial(0, training)] if generation == 0 else []
    for number in range(first + len(drawn), first + search.trials_per_generation):
        values = _draw(study, space, search, number, tried)
        if values is None:
            break
        tried.append(values)
        drawn.append(ground.trial(number, _as_training(training, values)))
    return drawn


def _draw(
    study: optuna.Study,
    space: dict[str, BaseDistribution],
    search: Search,
    number: int,
    tried: Sequence[dict[str, Value]],
) -> dict[str, Value] | None:
    """Values that were not tried yet; None if none are found."""
    import optuna

    for attempt in range(_REDRAWN):
        study.sampler = optuna.samplers.TPESampler(
            seed=derive_seed(search.seed, f"trial {number}, attempt {attempt}"),
            n_startup_trials=max(_RANDOM, search.trials_per_generation),
            multivariate=True,
            constant_liar=True,
        )
        trial = study.ask(space)
        values = {name: _rounded(trial.params[name], search.space.dimensions[name]) for name in space}
        if values not in tried:
            return values
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    return None


def _distribution(name: str, dimension: Dimension) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if dimension.low is None or dimension.high is None:
        return CategoricalDistribution(dimension.values)
    if _is_whole(name):
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _is_whole(name: str) -> bool:
    return name == "rounds" or Parameters.model_fields[name].annotation is int


def _rounded(value: Value, dimension: Dimension) -> Value:
    if dimension.low is None or dimension.high is None or isinstance(value, int) or value == 0:
        return value
    # From the width of a linear range, so that what lies near 0 in it is not written to the last decimal.
    size = abs(value) if dimension.log else max(abs(dimension.low), abs(dimension.high))
    rounded = round(value, _DIGITS - 1 - math.floor(math.log10(size)))
    return min(max(rounded, dimension.low), dimension.high)


def _tell(study: optuna.Study, result: Result, space: dict[str, BaseDistribution]) -> None:
    """Adds what a trial came to, unless it lies outside the space, as the declared values may."""
    import optuna

    inside = all(_contains(space[name], result.values[name]) for name in space)
    mean = result.mean
    if inside and mean is not None:
        study.add_trial(optuna.trial.create_trial(params=result.values, distributions=space, value=mean))


def _contains(distribution: BaseDistribution, value: Value) -> bool:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(distribution, IntDistribution | FloatDistribution):
        return distribution.low <= value <= distribution.high
    return isinstance(distribution, CategoricalDistribution) and value in distribution.choices


def _as_training(training: Training, values: dict[str, Value]) -> Training:
    try:
        return Training.model_validate(with_values(training, values))
    except ValidationError as error:
        shown = ", ".join(f"{name} {value}" for name, value in values.items())
        raise DeclarationError(
            f"search.space allows {shown}, and training does not: {error.errors()[0]['msg']}",
            fix="Narrow search.space",
        ) from None
