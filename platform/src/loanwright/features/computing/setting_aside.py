"""The decisions on scratch while groups are computed: whatever a decision carries along, memory is for the groups."""

from __future__ import annotations

from pathlib import Path

from loanwright.features.computing.dealt import Dealt
from loanwright.features.computing.joining import by_ranges
from loanwright.features.declared.resolve import Resolved
from loanwright.features.engines.engine import Engine


def set_aside(engine: Engine, of: str, resolved: Resolved, scratch: Path) -> Dealt:
    """The decisions by ranges of `lw_ord`, on scratch.

    Args:
        engine: it keeps of the table what groups are computed from: number, moment and keys.
        of: the table of the decisions.
        resolved: the declared features.
        scratch: a folder for the file.
    """
    dealt = by_ranges(scratch / "decisions.arrow", engine.batches(f"SELECT * FROM {of}"))
    try:
        keep_keys(engine, of, resolved)
    except BaseException:
        dealt.close()
        raise
    return dealt


def keep_keys(engine: Engine, of: str, resolved: Resolved) -> None:
    """Leaves of the decisions what groups are computed from; arguments as of `set_aside`."""
    keys = {asked for group in resolved.groups if group.is_computed for asked in group.asked}
    engine.make(of, f"SELECT {', '.join(('lw_ord', 'lw_at', *sorted(keys)))} FROM {of}")
