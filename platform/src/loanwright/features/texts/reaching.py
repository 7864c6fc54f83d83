"""Which rows can still count for a feature at late decisions: those that fulfil its filter and left no window.

Told by the rows themselves, before anything is sorted: where all windows end, the rows of a long past are not
even read.
"""

from __future__ import annotations

from loanwright.config.data import Source
from loanwright.config.features import Feature
from loanwright.data.engine import quoted
from loanwright.features.declared.resolve import ResolvedGroup
from loanwright.features.language.dialect import DUCKDB
from loanwright.features.texts.counted import counted
from loanwright.features.texts.visible import MICROSECONDS


def may_count(group: ResolvedGroup, since: int) -> str:
    """Of a version of the group's rows, as SQL: whether some feature may count it at a decision since that moment.

    A version that does not may still say until when another one of its row holds.

    Args:
        group: whose features.
        since: microseconds of UTC.
    """
    reaches: dict[str, int | None] = {}
    for feature in group.features:
        condition = "TRUE" if group.outcome is not None else counted(group, feature, DUCKDB).condition
        reach = _reach(feature)
        known = reaches.get(condition, 0)
        reaches[condition] = None if reach is None or known is None else max(reach, known)
    if "TRUE" in reaches:
        # What reaches no further than a feature without a filter adds nothing to it.
        every = reaches["TRUE"]
        reaches = {
            condition: reach
            for condition, reach in reaches.items()
            if condition == "TRUE" or (every is not None and (reach is None or reach > every))
        }
    if reaches.get("TRUE", 0) is None:
        return "TRUE"
    maturing = ripening(group)
    either = [
        " AND ".join(part for part in (condition, _happened(group.source, since, reach, maturing)) if part != "TRUE")
        for condition, reach in reaches.items()
    ]
    longest = None if None in reaches.values() else max(reach or 0 for reach in reaches.values())
    # Said once for all, the engine finds in the files' statistics which parts it need not read.
    once = _happened(group.source, since, longest, maturing)
    either = [f"({each})" for each in either if each]
    joined = f"({' OR '.join(either)})" if len(either) == len(reaches) else "TRUE"
    return " AND ".join(part for part in (once, joined) if part != "TRUE") or "TRUE"


def longest_reach(group: ResolvedGroup) -> int | None:
    """How many seconds before a decision a row that counts for a feature may have happened; None: ever."""
    reaches = [_reach(feature) for feature in group.features]
    longest = max((reach for reach in reaches if reach is not None), default=None)
    return None if longest is None or None in reaches else longest + ripening(group)


def ripening(group: ResolvedGroup) -> int:
    """How many seconds after it happened a row counts: those until its outcome is final."""
    return group.outcome.matures_after if group.outcome is not None else 0


def _reach(feature: Feature) -> int | None:
    """How many seconds before a decision its rows may have happened; None: ever."""
    return None if not feature.window else feature.window + (feature.offset or 0)


def _happened(source: Source, since: int, reach: int | None, maturing: int) -> str:
    time = source.event_time or source.known_time
    if reach is None or time is None:
        return "TRUE"
    return f"{quoted(time)} >= make_timestamptz({since - (reach + maturing) * MICROSECONDS})"
