"""While groups are computed the engine holds of the decisions what these need, and the rest lies on scratch."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from loanwright.errors import MemoryFault
from loanwright.features.computing.setting_aside import set_aside
from loanwright.features.declared.resolve import resolve
from loanwright.features.engines.engine import Engine
from loanwright.features.texts.sql import compile_features
from tests.unit.features.snapshots import arrow
from tests.unit.features.worlds_features import mixed
from tests.unit.features.worlds_full import data, world


def test_if_memory_ends_meanwhile_nothing_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def short(*_: object) -> None:
        assert list(tmp_path.glob("*.arrow"))
        raise MemoryFault("no room")

    with Engine(tmp_path, threads=1) as engine:
        engine.make("every_decision", "SELECT 0 AS lw_ord, 0 AS lw_at")
        monkeypatch.setattr(Engine, "make", short)
        with pytest.raises(MemoryFault):
            set_aside(engine, "every_decision", resolve(data(), mixed(1, ["clients"], 1)), tmp_path)

    assert not list(tmp_path.glob("*.arrow"))


def test_what_a_decision_carries_along_is_put_on_disk_and_comes_back(tmp_path: Path) -> None:
    declared = mixed(1, ["a shop's events", "events of client and shop"], 3)
    with Engine(tmp_path, threads=1) as engine:
        for source in data().sources:
            engine.add(f"source_{source.name}", arrow(source, world(4, 2)[source.name]))
        engine.make("every_decision", compile_features(data(), declared).decisions)
        every = pa.Table.from_batches(engine.batches("SELECT * FROM every_decision ORDER BY lw_ord"))

        dealt = set_aside(engine, "every_decision", resolve(data(), declared), tmp_path)

        kept = pa.Table.from_batches(engine.batches("SELECT * FROM every_decision ORDER BY lw_ord"))
    assert kept.num_rows
    assert kept.column_names == ["lw_ord", "lw_at", "key.client_id", "key.shop"]
    assert kept == every.select(kept.column_names)
    assert dealt.part(0).read_all().sort_by("lw_ord") == every
    dealt.close()
    assert not list(tmp_path.glob("*.arrow"))
