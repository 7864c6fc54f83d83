"""What `search` must agree on with `training`: every value that may be tried is one that may be declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations, product

from pydantic import ValidationError

from loanwright.config.complaints import complaints
from loanwright.config.learning import Parameters, Training
from loanwright.config.problems import Location, Problem, refuse
from loanwright.config.search import Dimension, Search, Value, with_values

_SPACE: Location = ("search", "space")


def check_search(search: Search, training: Training) -> None:
    """Refuses a search among values that `training` may not have.

    Raises:
        DeclarationError: with the place of everything that does not fit.
    """
    if problems := list(search_problems(search, training)):
        refuse(problems)


def search_problems(search: Search, training: Training) -> Iterator[Problem]:
    """Everything in a search that does not fit the training section."""
    dimensions = search.space.dimensions
    if "rounds" in dimensions and training.early_stopping is not None:
        yield Problem(
            (*_SPACE, "rounds"),
            "early stopping finds the number of rounds already: leave it out here, or training.early_stopping",
        )
    alone = [problem for name, one in dimensions.items() for problem in _of_one(name, one, training)]
    yield from alone
    if alone:
        return
    yield from _together(dimensions, training)


def _of_one(name: str, dimension: Dimension, training: Training) -> Iterator[Problem]:
    """What is wrong with a parameter's values, whatever the others are."""
    where = (*_SPACE, name)
    kind = int if name == "rounds" else Parameters.model_fields[name].annotation
    if kind is bool and not dimension.values:
        yield Problem(where, "is true or false: give it 'values: [false, true]' and no range")
        return
    for end in _ends(dimension):
        for problem in _refusals(training, {name: end}):
            if problem.where[-1:] == (name,):
                yield Problem(where, problem.text)
                return


def _together(dimensions: Mapping[str, Dimension], training: Training) -> Iterator[Problem]:
    """What two parameters may not be at once, each looked at as far out as it goes, the others at their last value."""
    last = {name: _ends(dimension)[-1] for name, dimension in dimensions.items()}
    names = list(dimensions)
    for one, other in [*((name, name) for name in names), *combinations(names, 2)]:
        for first, second in product(_ends(dimensions[one]), _ends(dimensions[other])):
            refusals = _refusals(training, last | {one: first, other: second})
            if refusals:
                yield Problem((*_SPACE, one), "; ".join(problem.text for problem in refusals))
                return


def _ends(dimension: Dimension) -> tuple[Value, ...]:
    if dimension.low is None or dimension.high is None:
        return dimension.values
    return (dimension.low, dimension.high)


def _refusals(training: Training, values: Mapping[str, Value]) -> list[Problem]:
    """What `training` has against these values."""
    document = with_values(training, values)
    try:
        Training.model_validate(document)
    except ValidationError as error:
        return complaints(error, Training, document)
    return []
