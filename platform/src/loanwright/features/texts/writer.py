"""Writing one unit: what its features need is asked for once, computed together, and put together again."""

from __future__ import annotations

from collections.abc import Callable

from loanwright.features.definition.decay import decay_table
from loanwright.features.definition.sketch import linear_counting
from loanwright.features.language.text import nested, select
from loanwright.features.texts.counted import Counted
from loanwright.features.texts.cover import Extreme, Latest, cover_parts
from loanwright.features.texts.edges import Distinct, edges_parts, late_parts
from loanwright.features.texts.history import Grown, Newest, grown_part, newest_part
from loanwright.features.texts.moments import ADDING
from loanwright.features.texts.running import Total, running_part, summed
from loanwright.features.texts.unit import EVER, Unit
from loanwright.features.texts.visible import MICROSECONDS


class UnitWriter:
    """The parts of a query that compute a unit's features.

    After `parts`, `joined` names those that are joined by decision, `columns` are what is read of them, and
    `results` the features made of that.
    """

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.joined: list[str] = []
        self.columns: list[str] = []
        self.results: dict[str, str] = {}
        self._rows: dict[str, str] = {}
        self._totals: dict[Total, str] = {}
        self._newest: dict[Newest, str] = {}
        self._grown: dict[Grown, str] = {}
        self._distinct: dict[Distinct, str] = {}
        self._extremes: dict[Extreme, str] = {}
        self._latest: dict[str, Latest] = {}
        for of in unit.features:
            self.results[of.feature.name] = self._write(of)

    def _write(self, of: Counted) -> str:
        aggregate = of.feature.aggregate
        if aggregate in ADDING:
            return self._adding(of)
        if aggregate == "distinct":
            return self._distinct_count(of)
        if aggregate in ("last_mean", "streak"):
            return self._latest_rows(of)
        return self._extreme(of)

    # What the rows carry, and what is asked of them.

    def _row(self, condition: str, sql: str, otherwise: str = "") -> str:
        """The name of a column of the unit's rows."""
        text = f"CASE WHEN {condition} THEN {sql}{otherwise} END"
        return self._rows.setdefault(text, f"lw_x{len(self._rows) + 1}_{self.unit.number}")

    def _total(self, total: Total) -> str:
        return self._totals.setdefault(total, f"lw_t{len(self._totals) + 1}_{self.unit.number}")

    def _grows(self, call: str, column: str) -> str:
        return self._grown.setdefault(Grown(call, column), f"lw_g{len(self._grown) + 1}_{self.unit.number}")

    def _of_newest(self, of: Counted, sql: str) -> str:
        """The name of a value of the newest row that counts for the feature."""
        keys = tuple(self._row(of.condition, key) for key in self.unit.keys)
        newest = Newest(self._row(of.condition, sql), keys)
        return self._newest.setdefault(newest, f"lw_n{len(self._newest) + 1}_{self.unit.number}")

    # The methods.

    def _adding(self, of: Counted) -> str:
        unit, moments = self.unit, ADDING[of.feature.aggregate]
        weights: tuple[int, ...] = ()
        if of.feature.half_life is not None:
            intervals = (of.feature.window or 0) // of.feature.step
            weights = decay_table(of.feature.step, of.feature.half_life, intervals)
        names = []
        for term in moments.terms(of, unit.dialect):
            column = self._row(of.condition, term, " ELSE 0")
            names.append(self._total(Total(column, unit.window(of), weights)))
        return moments.result(of, names, unit.dialect)

    def _distinct_count(self, of: Counted) -> str:
        cells, dialect = of.feature.sketch, self.unit.dialect
        value = of.value if cells is None else dialect.cell(of.value, cells)
        count = Distinct(self._row(of.condition, value), self.unit.window(of))
        name = self._distinct.setdefault(count, f"lw_d{len(self._distinct) + 1}_{self.unit.number}")
        if cells is None:
            return f"CAST({name} AS DOUBLE)"
        thousandths = [round(estimate * 1000) for estimate in linear_counting(cells)]
        return f"CAST({dialect.entry(thousandths, f'{name} + 1')} AS DOUBLE) / 1000"

    def _latest_rows(self, of: Counted) -> str:
        streak = of.feature.aggregate == "streak"
        value = f"CASE WHEN {of.matches} THEN 1 ELSE 0 END" if streak else of.whole
        column = self._row(of.condition, value)
        name = f"lw_l{len(self._latest) + 1}_{self.unit.number}"
        made = (
            {name: "coalesce(min(CASE WHEN lw_value = 0 THEN lw_place END) - 1, count(*))"}
            if streak
            else {f"{name}_sum": "sum(lw_value)", f"{name}_rows": "count(*)"}
        )
        self._latest[name] = Latest(column, "lw_seq", of.feature.rows or 1, self.unit.window(of), made)
        if streak:
            return name
        dialect = self.unit.dialect
        return f"{dialect.double(f'{name}_sum')} / nullif({dialect.double(f'({name}_rows * {of.scale})')}, 0)"

    def _extreme(self, of: Counted) -> str:
        methods: dict[str, Callable[[Counted], str]] = {
            "min": self._least, "max": self._least, "first": self._placed, "last": self._placed,
            "as_of": self._placed, "seconds_since_first": self._since, "seconds_since_last": self._since,
        }  # fmt: skip
        return methods[of.feature.aggregate](of)

    def _ask(self, extreme: Extreme) -> str:
        return self._extremes.setdefault(extreme, f"lw_e{len(self._extremes) + 1}_{self.unit.number}")

    @property
    def _of_history(self) -> bool:
        """Whether what has come before tells it all: rows are known when they happen, for ever."""
        return not self.unit.rows.dated

    def _least(self, of: Counted) -> str:
        column, window = self._row(of.condition, of.value), self.unit.window(of)
        if self._of_history and window == EVER:
            return self._grows(of.feature.aggregate, column)
        return self._ask(Extreme(of.feature.aggregate, column, window))

    def _since(self, of: Counted) -> str:
        last, window = of.feature.aggregate == "seconds_since_last", self.unit.window(of)
        if self._of_history and last:
            event = self._of_newest(of, "lw_event")
            seconds = f"CAST(lw_at - {event} AS DOUBLE) / {MICROSECONDS}"
            return f"CASE WHEN {self._in_window(of)} THEN {seconds} END" if window != EVER else seconds
        column = self._row(of.condition, "lw_event")
        if self._of_history and window == EVER:
            event = self._grows("min", column)
        else:
            event = self._ask(Extreme("max" if last else "min", column, window))
        return f"CAST(lw_at - {event} AS DOUBLE) / {MICROSECONDS}"

    def _in_window(self, of: Counted) -> str:
        """Whether the newest row that counts for the feature is in its window."""
        return f"{self._of_newest(of, 'lw_event')} >= {self.unit.moment} - {self.unit.window(of)}"

    def _placed(self, of: Counted) -> str:
        last, window = of.feature.aggregate != "first", self.unit.window(of)
        if self._of_history and last:
            return self._newest_value(of)
        value = self._row(of.condition, of.value)
        if self._of_history and window == EVER:
            return self._grows("first", value)
        name = self._ask(Extreme("last" if last else "first", value, window, "lw_seq"))
        if of.feature.aggregate != "as_of":
            return name
        seq = self._row(of.condition, "lw_seq")
        present = self._row(f"{of.condition} AND {of.value} IS NOT NULL", "lw_seq")
        newest, newest_present = (self._ask(Extreme("max", each, window)) for each in (seq, present))
        return f"CASE WHEN {newest} = {newest_present} THEN {name} END"

    def _newest_value(self, of: Counted) -> str:
        conditions = [self._in_window(of)] if self.unit.window(of) != EVER else []
        if of.feature.aggregate == "as_of" and of.nullable:
            # The last value there is may be of a row before the newest.
            conditions.append(f"{self._of_newest(of, f'CASE WHEN {of.value} IS NULL THEN 0 ELSE 1 END')} = 1")
        value = self._of_newest(of, of.value)
        return f"CASE WHEN {' AND '.join(conditions)} THEN {value} END" if conditions else value

    @property
    def whole(self) -> list[str]:
        """The parts that have every decision."""
        named = [self.unit.part(kind) for kind in ("newest", "grown", "running")]
        return [part for part in named if part in self.joined] if self.unit.dialect.runs_on else []

    @property
    def timed(self) -> list[str]:
        """Those of them that tell the decisions' times."""
        return [part for part in self.whole if part != self.unit.part("running")]

    def parts(self) -> dict[str, str]:
        """The unit's common table expressions, in the order in which they may be read."""
        unit = self.unit
        parts = {unit.part("unit"): self._rows_part()}
        totals = {name: total for total, name in self._totals.items()}
        distinct = {name: count for count, name in self._distinct.items()}
        extremes = {name: extreme for extreme, name in self._extremes.items()}
        newest = {name: value for value, name in self._newest.items()}
        grown = {name: extreme for extreme, name in self._grown.items()}
        if totals:
            wide = {name for sql, name in self._rows.items() if unit.dialect.is_wide(sql)}
            parts |= late_parts(unit, summed(totals)) if unit.rows.dated else {}
            parts[unit.part("running")] = running_part(unit, totals, wide)
            self.joined.append(unit.part("running"))
        if newest:
            parts[unit.part("newest")] = newest_part(unit, newest)
        if grown:
            parts[unit.part("grown")] = grown_part(unit, grown)
        for kind, names in (("newest", newest), ("grown", grown)):
            self.joined += [unit.part(kind)] if names else []
            self.columns += [f"{unit.part(kind)}.{name}" for name in names]
        edges = edges_parts(unit, totals, distinct)
        parts |= edges
        self.joined += [unit.part("edges")] if edges else []
        self.columns += [f"{self._whole_total(name)} AS {name}" for name in totals]
        self.columns += [f"coalesce({unit.part('edges')}.{name}, 0) AS {name}" for name in distinct]
        if extremes or self._latest:
            parts |= cover_parts(unit, extremes, self._latest)
            self.joined += [unit.part("cover")] if extremes else []
            self.columns += [f"{unit.part('cover')}.{name}" for name in extremes]
            for name, latest in self._latest.items():
                self.joined.append(unit.part(name))
                self.columns += [f"{unit.part(name)}.{made}" for made in latest.made]
        return parts

    def _whole_total(self, name: str) -> str:
        """Of natural rows, and those that are counted apart."""
        found = f"coalesce({self.unit.part('running')}.{name}, 0)"
        return f"{found} + coalesce({self.unit.part('edges')}.{name}, 0)" if self.unit.rows.dated else found

    def _rows_part(self) -> str:
        unit = self.unit
        columns = [f"{sql} AS {name}" for sql, name in self._rows.items()]
        if self._newest or self._grown:
            columns = [*unit.rows.order[1:], *columns]
        if not (self._extremes or self._latest):
            return unit.rows_part(columns, "rows")
        order = ", ".join([*unit.rows.order, *(["lw_known"] if unit.rows.dated else [])])
        seq = f"row_number() OVER ({unit.partition} ORDER BY {order}) AS lw_seq"
        return unit.rows_part(["lw_seq", *columns], nested(select(["*", seq], "rows"), "r"))
