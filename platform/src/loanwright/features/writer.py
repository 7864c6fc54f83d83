"""Writing one unit: what its features need is asked for once, computed together, and put together again."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from loanwright.features.counted import Counted
from loanwright.features.cover import Extreme, Latest, cover_parts
from loanwright.features.decay import decay_table
from loanwright.features.edges import Distinct, edges_parts, late_columns
from loanwright.features.moments import ADDING
from loanwright.features.running import Growing, Total, running_part
from loanwright.features.sketch import linear_counting
from loanwright.features.text import nested, select
from loanwright.features.unit import EVER, Unit
from loanwright.features.visible import MICROSECONDS


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
        self._growing: dict[Growing, str] = {}
        self._distinct: dict[Distinct, str] = {}
        self._extremes: dict[Extreme, str] = {}
        self._latest: dict[str, Latest] = {}
        self._found: dict[str, tuple[str, str]] = {}
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
        return self._growing.setdefault(Growing(call, column), f"lw_g{len(self._growing) + 1}_{self.unit.number}")

    def _window_start(self, of: Counted) -> str:
        return f"{self.unit.moment} - {self.unit.window(of)}"

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

    def _running(self, of: Counted, *, last: bool) -> bool:
        """Whether a running extreme tells it: what is last of all is last in any window that it is in."""
        return not self.unit.rows.dated and (last or self.unit.window(of) == EVER)

    def _ask(self, extreme: Extreme) -> str:
        return self._extremes.setdefault(extreme, f"lw_e{len(self._extremes) + 1}_{self.unit.number}")

    def _least(self, of: Counted) -> str:
        column = self._row(of.condition, of.value)
        if self._running(of, last=False):
            return self._grows(of.feature.aggregate, column)
        return self._ask(Extreme(of.feature.aggregate, column, self.unit.window(of)))

    def _since(self, of: Counted) -> str:
        last = of.feature.aggregate == "seconds_since_last"
        column = self._row(of.condition, "lw_event")
        if self._running(of, last=last):
            event = self._grows("max" if last else "min", column)
            seen = f"{event} >= {self._window_start(of)}" if self.unit.window(of) != EVER else f"{event} IS NOT NULL"
            return f"CASE WHEN {seen} THEN CAST(lw_at - {event} AS DOUBLE) / {MICROSECONDS} END"
        event = self._ask(Extreme("max" if last else "min", column, self.unit.window(of)))
        return f"CAST(lw_at - {event} AS DOUBLE) / {MICROSECONDS}"

    def _placed(self, of: Counted) -> str:
        last = of.feature.aggregate != "first"
        seq = self._row(of.condition, "lw_seq")
        if self._running(of, last=last):
            at = self._grows("max" if last else "min", seq)
            name = f"lw_f{len(self._found) + 1}_{self.unit.number}"
            self._found[name] = (at, self._row("TRUE", of.value))
            if self.unit.window(of) == EVER:
                return name
            return f"CASE WHEN {at}_at >= {self._window_start(of)} THEN {name} END"
        window = self.unit.window(of)
        value = self._row(of.condition, of.value)
        name = self._ask(Extreme("last" if last else "first", value, window, "lw_seq"))
        if of.feature.aggregate != "as_of":
            return name
        present = self._row(f"{of.condition} AND {of.value} IS NOT NULL", "lw_seq")
        newest, newest_present = (self._ask(Extreme("max", each, window)) for each in (seq, present))
        return f"CASE WHEN {newest} = {newest_present} THEN {name} END"

    def parts(self) -> dict[str, str]:
        """The unit's common table expressions, in the order in which they may be read."""
        unit = self.unit
        parts = {unit.part("unit"): self._rows_part()}
        totals = {name: total for total, name in self._totals.items()}
        distinct = {name: count for count, name in self._distinct.items()}
        extremes = {name: extreme for extreme, name in self._extremes.items()}
        growing = {name: extreme for extreme, name in self._growing.items()}
        if totals or growing:
            parts[unit.part("running")] = running_part(unit, totals, growing)
            self.joined.append(unit.part("running"))
            self.columns += [f"{unit.part('running')}.{name}" for name in growing]
        edges = edges_parts(unit, totals, distinct)
        parts |= edges
        self.joined += [unit.part(kind) for kind in ("edges", "late") if unit.part(kind) in edges]
        self.columns += [f"{self._whole_total(name, total)} AS {name}" for name, total in totals.items()]
        self.columns += [f"coalesce({unit.part('edges')}.{name}, 0) AS {name}" for name in distinct]
        for at in dict.fromkeys(at for at, _ in self._found.values()):
            values = {name: value for name, (row, value) in self._found.items() if row == at}
            found = unit.part(f"{at}_row")
            parts[found] = self._looked_up(at, values)
            self.joined.append(found)
            self.columns += [f"{found}.{name}" for name in (*values, f"{at}_at")]
        if extremes or self._latest:
            parts |= cover_parts(unit, extremes, self._latest)
            self.joined += [unit.part("cover")] if extremes else []
            self.columns += [f"{unit.part('cover')}.{name}" for name in extremes]
            for name, latest in self._latest.items():
                self.joined.append(unit.part(name))
                self.columns += [f"{unit.part(name)}.{made}" for made in latest.made]
        return parts

    def _whole_total(self, name: str, total: Total) -> str:
        """Of the rows as if known when they happened, those that were not yet, and those that are counted apart."""
        running, edges, late = (self.unit.part(kind) for kind in ("running", "edges", "late"))
        found = f"coalesce({running}.{name}, 0)"
        if not self.unit.rows.dated:
            return found
        weight = f"{total.weights[0]} * " if total.weights else ""
        not_yet = f"{late}.{late_columns({name: total})[total.column]}"
        return f"{found} + {weight}coalesce({not_yet}, 0) + coalesce({edges}.{name}, 0)"

    def _rows_part(self) -> str:
        unit = self.unit
        columns = [f"{sql} AS {name}" for sql, name in self._rows.items()]
        if not (self._extremes or self._latest or self._found):
            return unit.rows_part(columns, "rows")
        order = ", ".join([*unit.rows.order, *(["lw_known"] if unit.rows.dated else [])])
        seq = f"row_number() OVER ({unit.partition} ORDER BY {order}) AS lw_seq"
        return unit.rows_part(["lw_seq", *columns], nested(select(["*", seq], "rows"), "r"))

    def _looked_up(self, at: str, values: Mapping[str, str]) -> str:
        """Of each decision: values, and the time, of the row that a running extreme names."""
        unit = self.unit
        keys = " AND ".join(f"r.{key} = p.{key}" for key in unit.keys)
        joined = f"{unit.part('running')} p JOIN {unit.part('unit')} r ON {keys} AND r.lw_seq = p.{at}"
        read = [f"r.{value} AS {name}" for name, value in values.items()]
        return select(["p.lw_ord", *read, f"r.lw_event AS {at}_at"], joined)
