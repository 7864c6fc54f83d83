"""What the sections of a declaration must agree on: every name that one uses, another declares, and fits.

The conditions and expressions that features are filtered by and derived with are checked where they
are compiled, by the `features` layer.
"""

from __future__ import annotations

from collections.abc import Iterator

from loanwright.config.data import Data, Label, holds
from loanwright.config.declaration import Declaration
from loanwright.config.feature_agreement import feature_disagreements
from loanwright.config.judgement import MONTH
from loanwright.config.lookups import KEY_TYPES, key_problems, no_column, no_source, time_problems
from loanwright.config.problems import Location, Problem, refuse
from loanwright.config.search_agreement import search_problems
from loanwright.errors import near


def check_agreement(declaration: Declaration) -> None:
    """Refuses a declaration whose sections do not fit each other.

    Raises:
        DeclarationError: with the dotted path of everything that does not fit.
    """
    if problems := list(disagreements(declaration)):
        refuse(problems)


def disagreements(declaration: Declaration) -> Iterator[Problem]:
    """Everything that does not fit. What depends on a name that is not there is not looked at."""
    problems = [*_sources(declaration.data), *_unit(declaration.data)]
    yield from problems
    if problems:
        return
    yield from _decision_time(declaration.data)
    yield from _label(declaration.data)
    yield from feature_disagreements(declaration.data, declaration.features)
    yield from _split(declaration)
    yield from _weights(declaration)
    yield from _evaluation(declaration)
    if declaration.search is not None:
        yield from search_problems(declaration.search, declaration.training)


def _sources(data: Data) -> Iterator[Problem]:
    for position, source in enumerate(data.sources):
        where: Location = ("data", "sources", position)
        for at, key in enumerate(source.key):
            column = source.column(key)
            if column is None:
                yield no_column((*where, "key", at), source, key)
            elif column.type not in (*KEY_TYPES, "time"):
                yield Problem((*where, "key", at), f"{key!r} is of type {column.type!r}, which names no row")
            elif column.nullable:
                yield Problem((*where, "key", at), f"{key!r} may be null, and a key may not")
        for role in ("event_time", "known_time"):
            name = getattr(source, role)
            if name is not None:
                yield from time_problems((*where, role), source, name)
        if source.max_age is not None and source.known is None:
            yield Problem((*where, "max_age"), f"source {source.name!r} has no event_time to tell its age by")
        for at, column in enumerate(source.columns):
            if column.slice and source.name != data.unit.source and data.source(data.unit.source) is not None:
                problem = f"only columns of the unit's source, {data.unit.source!r}, can be slices"
                yield Problem((*where, "columns", at, "slice"), problem)
            elif column.slice and column.type == "time":
                yield Problem((*where, "columns", at, "slice"), f"{column.name!r} is a time, and times are no slices")


def _unit(data: Data) -> Iterator[Problem]:
    source = data.source(data.unit.source)
    if source is None:
        yield no_source(("data", "unit", "source"), data, data.unit.source)
        return
    where = ("data", "unit", "key")
    key = source.column(data.unit.key)
    if key is None:
        yield no_column(where, source, data.unit.key)
    elif key.type not in KEY_TYPES:
        yield Problem(where, f"{key.name!r} is of type {key.type!r}: a unit's key is an integer or a text")
    elif source.key != (key.name,):
        yield Problem(
            where,
            f"one row of {source.name!r} is one decision, so {key.name!r} must be that source's only key, "
            f"which is {', '.join(map(repr, source.key))}",
        )


def _decision_time(data: Data) -> Iterator[Problem]:
    if data.decision_time.column is not None:
        yield from time_problems(("data", "decision_time", "column"), data.unit_source, data.decision_time.column)


def _label(data: Data) -> Iterator[Problem]:
    label, where = data.label, ("data", "label")
    if label.event is not None:
        yield from _label_event(data, label)
        return
    name = label.column or ""
    column = data.unit_source.column(name)
    if column is None:
        yield no_column((*where, "column"), data.unit_source, name)
    elif name == data.unit.key:
        yield Problem((*where, "column"), f"{name!r} is the unit's key")
    elif column.type == "time":
        yield Problem((*where, "column"), f"{name!r} is a time: a label is a column with a value for 'it happened'")
    elif column.nullable:
        yield Problem((*where, "column"), f"{name!r} may be null, and an outcome that is not known is no label")
    elif not holds(column.type, label.positive):
        problem = f"{name!r} is of type {column.type!r} and can never be {label.positive!r}"
        yield Problem((*where, "positive"), problem)
    elif column.values is not None and label.positive not in column.values:
        problem = f"{label.positive!r} is none of the values of {name!r}: {', '.join(map(repr, column.values))}"
        yield Problem((*where, "positive"), problem)


def _label_event(data: Data, label: Label) -> Iterator[Problem]:
    where, event = ("data", "label", "event"), label.event
    if event is None:
        return
    source = data.source(event.source)
    if source is None:
        yield no_source((*where, "source"), data, event.source)
        return
    if (unit_key := data.unit_source.column(data.unit.key)) is not None:
        yield from key_problems((*where, "key"), source, event.key, unit_key)
    if source.event_time is None:
        yield Problem((*where, "source"), f"source {source.name!r} has no event_time, so nothing happens in it")
    if event.within > label.matures_after:
        problem = "is longer than matures_after: an outcome is not final before its window ends"
        yield Problem((*where, "within"), problem)


def _split(declaration: Declaration) -> Iterator[Problem]:
    split, data = declaration.split, declaration.data
    if split.method != "time":
        return
    if data.decision_time.constant is not None:
        problem = "all decisions are taken at one moment, so they cannot be split by time: use 'hash'"
        yield Problem(("split", "method"), problem)
    elif split.calibration_from is not None and split.test_from is not None:
        room = (split.test_from - split.calibration_from).total_seconds()
        if room <= data.label.matures_after:
            problem = (
                "leaves no rows to calibrate on: it must be later than calibration_from by more than matures_after"
            )
            yield Problem(("split", "test_from"), problem)


def _weights(declaration: Declaration) -> Iterator[Problem]:
    if declaration.training.weights.half_life is not None and declaration.data.decision_time.constant is not None:
        problem = "all decisions are taken at one moment, so none is older than another"
        yield Problem(("training", "weights", "half_life"), problem)


def _evaluation(declaration: Declaration) -> Iterator[Problem]:
    unit_source = declaration.data.unit_source
    carried = {column.name: column for column in unit_source.columns if column.slice}
    hidden = declaration.features.hidden
    visible = [name for name in declaration.features.names() if name not in hidden]
    for position, part in enumerate(declaration.evaluation.slices):
        where: Location = ("evaluation", "slices", position)
        column = carried.get(part.column)
        if part.column == MONTH:
            if declaration.data.decision_time.constant is not None:
                problem = "all decisions are taken at one moment, so there are no months to slice by"
                yield Problem((*where, "column"), problem)
            elif part.edges:
                yield Problem((*where, "edges"), f"{MONTH!r} is sliced by month: edges are for numbers")
        elif column is None and part.column not in visible:
            declared = unit_source.column(part.column) is not None
            problem = (
                f"column {part.column!r} is not carried beside the features: give it 'slice: true'"
                if declared
                else f"{part.column!r} is no carried column and no feature{near(part.column, [*carried, *visible])}"
            )
            yield Problem((*where, "column"), problem)
        elif column is not None and part.edges and column.type not in ("integer", "number"):
            yield Problem((*where, "edges"), f"{part.column!r} is of type {column.type!r}: edges are for numbers")
        elif column is not None and column.type == "number" and not part.edges:
            yield Problem(where, f"{part.column!r} is a number: give the edges of its bands")
    for position, baseline in enumerate(declaration.evaluation.baselines):
        for at, name in enumerate(baseline.features):
            if name not in visible:
                problem = "is hidden from the model" if name in hidden else "is no feature"
                where = ("evaluation", "baselines", position, "features", at)
                yield Problem(where, f"{name!r} {problem}{near(name, visible)}")
    for name in declaration.evaluation.reasons:
        if name not in visible:
            problem = "is hidden from the model and can be no reason" if name in hidden else "is no feature"
            yield Problem(("evaluation", "reasons", name), f"{name!r} {problem}{near(name, visible)}")
