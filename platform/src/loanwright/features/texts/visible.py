"""The rows of a feature group as the decisions may see them: each version with the times between which it holds.

A row counts for a decision at t if it happened before t (less the offset, inside the window), and only in the
version that was known then:

    lw_event < t        lw_known < t <= lw_until

where `lw_until`, null for a last version, is when the row's next version became known. Where the key stands in
another source (`via`), or rows carry what became of them (`outcome`), a version is split into stretches in
which neither changes; `lw_own` stays when the row itself was known, for the rows' total order. Times are
whole microseconds of UTC. Columns of ours begin with `lw_`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from loanwright.config.data import Source
from loanwright.data.engine import quoted
from loanwright.features.declared.resolve import ResolvedGroup, ResolvedOutcome
from loanwright.features.language.dialect import Dialect
from loanwright.features.language.text import nested, select, union

MICROSECONDS = 1_000_000
BEGINNING = -4_611_686_018_427_387_904
"""When rows without any time happened: before everything."""


@dataclass
class Visible:
    """The parts of a query that end in `rows`: key columns, times, and the source's columns."""

    parts: dict[str, str] = field(default_factory=dict)
    dated: bool = False
    """Whether rows have `lw_known` and `lw_until`: otherwise each is known when it happens, for ever."""
    order: tuple[str, ...] = ()
    """What puts rows in their total order: event, known, row key."""


def visible(group: ResolvedGroup, dialect: Dialect) -> Visible:
    """How the group's rows become visible, as common table expressions."""
    source = group.source
    dated = source.known_time is not None or group.outcome is not None or _timed(group.holder)
    found = Visible(dated=dated)
    names = [quoted(name) for name in group.read_columns]
    found.parts["versions"] = select([*names, *_times(source, dialect, dated=dated)], f"source_{source.name}")
    table = "versions"
    if group.outcome is not None:
        _with_outcome(found, source, group.outcome, names, dialect)
        table = "outcomes"
        names.append("outcome")
    times = ["lw_event", *(["lw_known", "lw_until", "lw_own"] if dated else [])]
    if group.holder is not None and group.via is not None:
        _with_holder(found, group.holder, group, dialect)
        keys = [f"h.lw_key{number}" for number in range(1, len(group.keys) + 1)]
        column = quoted(group.via.column or group.via.key)
        if _timed(group.holder):
            times[1:3] = ["greatest(r.lw_known, h.lw_known) AS lw_known", "least(r.lw_until, h.lw_until) AS lw_until"]
            table = f"{table} r JOIN holders h ON h.lw_holder = r.{column} {_overlapping('r', 'h')}"
        else:
            table = f"{table} r JOIN holders h ON h.lw_holder = r.{column}"
        names = [f"r.{name}" for name in names]
    else:
        keys = [f"{quoted(name)} AS lw_key{number}" for number, name in enumerate(group.keys, 1)]
    present = [f"{key.partition(' AS ')[0]} IS NOT NULL" for key in keys]
    found.parts["rows"] = select([*keys, *times, *names], table, f"WHERE {' AND '.join(present)}")
    found.order = ("lw_event", *(["lw_own"] if dated else []), *(quoted(name) for name in source.key))
    return found


def _timed(source: Source | None) -> bool:
    return source is not None and source.known is not None


def _times(source: Source, dialect: Dialect, *, dated: bool) -> list[str]:
    time = source.event_time or source.known_time
    event = dialect.micros(quoted(time)) if time is not None else f"CAST({BEGINNING} AS BIGINT)"
    if not dated:
        return [f"{event} AS lw_event"]
    if source.known_time is None:
        return [
            f"{event} AS lw_event",
            f"{event} AS lw_known",
            "CAST(NULL AS BIGINT) AS lw_until",
            f"{event} AS lw_own",
        ]
    known = quoted(source.known_time)
    keys = ", ".join(quoted(name) for name in source.key)
    until = dialect.micros(f"lead({known}) OVER (PARTITION BY {keys} ORDER BY {known})")
    first = dialect.micros(known)
    return [f"{event} AS lw_event", f"{first} AS lw_known", f"{until} AS lw_until", f"{first} AS lw_own"]


def _overlapping(one: str, other: str) -> str:
    """Both hold at some moment."""
    return (
        f"AND ({one}.lw_until IS NULL OR {other}.lw_known < {one}.lw_until) "
        f"AND ({other}.lw_until IS NULL OR {one}.lw_known < {other}.lw_until)"
    )


def _with_holder(found: Visible, holder: Source, group: ResolvedGroup, dialect: Dialect) -> None:
    via = quoted(group.via.key) if group.via is not None else ""
    keys = [f"{quoted(name)} AS lw_key{number}" for number, name in enumerate(group.keys, 1)]
    times = _times(holder, dialect, dated=True)[1:3] if _timed(holder) else []
    found.parts["holders"] = select([f"{via} AS lw_holder", *keys, *times], f"source_{holder.name}")


def _with_outcome(found: Visible, source: Source, outcome: ResolvedOutcome, names: list[str], dialect: Dialect) -> None:
    """Rows count from their maturity on, in stretches between which the outcome is known to be another."""
    row = quoted(source.key[0])
    events = [f"{quoted(outcome.key)} AS lw_row", *_times(outcome.source, dialect, dated=True)]
    found.parts["events"] = select([*events, f"{outcome.filter} AS lw_matches"], f"source_{outcome.source.name}")
    found.parts["matches"] = select(
        [
            f"r.{row} AS lw_row",
            "r.lw_known AS lw_version",
            "greatest(r.lw_known, m.lw_known) AS lw_from",
            "least(r.lw_until, m.lw_until) AS lw_to",
        ],
        f"versions r JOIN events m ON m.lw_row = r.{row} AND m.lw_matches",
        f"AND m.lw_event >= r.lw_event AND m.lw_event < r.lw_event + {outcome.within * MICROSECONDS}",
        _overlapping("r", "m"),
    )
    points = union(
        select([f"{row} AS lw_row", "lw_known AS lw_version", "lw_known AS lw_at", "0 AS lw_step"], "versions"),
        select(["lw_row", "lw_version", "lw_from", "1"], "matches"),
        select(["lw_row", "lw_version", "lw_to", "-1"], "matches", "WHERE lw_to IS NOT NULL"),
    )
    found.parts["points"] = select(
        ["lw_row", "lw_version", "lw_at", "sum(lw_step) AS lw_step"],
        nested(points, "p"),
        "GROUP BY lw_row, lw_version, lw_at",
    )
    over = "OVER (PARTITION BY lw_row, lw_version ORDER BY lw_at"
    found.parts["states"] = select(
        [
            "lw_row",
            "lw_version",
            "lw_at",
            f"lead(lw_at) {over}) AS lw_next",
            f"sum(lw_step) {over} ROWS UNBOUNDED PRECEDING) > 0 AS outcome",
        ],
        "points",
    )
    final = f"r.lw_event + {outcome.matures_after * MICROSECONDS}"
    stretches = select(
        [
            *(f"r.{name}" for name in names),
            f"{final} AS lw_event",
            "s.lw_at AS lw_known",
            "least(s.lw_next, r.lw_until) AS lw_until",
            "r.lw_own",
            "s.outcome",
        ],
        f"versions r JOIN states s ON s.lw_row = r.{row} AND s.lw_version = r.lw_known",
    )
    # Until it is final no outcome is seen, so a stretch that ends before that is none.
    held = "WHERE lw_until IS NULL OR (lw_known < lw_until AND lw_event < lw_until)"
    found.parts["outcomes"] = select(["*"], nested(stretches, "o"), held)
