"""A world is the same bytes however it is made, is there whole or not at all, and is read by its address."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loanwright.config.data import Data
from loanwright.data.files import fingerprint
from loanwright.data.world import generation, simulation
from loanwright.data.world.addresses import world_at
from loanwright.data.world.generation import MANIFEST, SUMMARY, WorldManifest, generate
from loanwright.data.world.recipe import CUSTOMERS, MONTHS, SEED, Recipe, locate
from loanwright.errors import DeclarationError, EnvironmentFault, UsageError
from loanwright.storage import file_digest, read_manifest
from tests.unit.data.declarations import run

TINY = "customers=200&seed=3&months=6"


def digests(world: WorldManifest) -> dict[str, str]:
    """Every file of the world but the lock."""
    return {
        path.relative_to(world.folder).as_posix(): file_digest(path)
        for path in sorted(world.folder.rglob("*"))
        if path.is_file()
    }


def declared(*tables: str, size: str = TINY) -> Data:
    """Declares checkouts as decisions, and the tables, by their addresses, as sources of a few columns."""
    events = {"name": "happened_at", "type": "time"}
    columns = {
        "checkouts": [{"name": "application_id", "type": "integer"}, {"name": "checked_out_at", "type": "time"}],
        "instalment_events": [
            {"name": "event_id", "type": "integer"}, {"name": "application_id", "type": "integer"},
            {"name": "status", "type": "category"}, events,
        ],
    }  # fmt: skip
    sources = [
        {
            "name": name,
            "uri": f"world://{name}?{size}",
            "key": [columns[name][0]["name"]],
            "event_time": "checked_out_at" if name == "checkouts" else "happened_at",
            "known_time": "known_at",
            "columns": [*columns[name], {"name": "known_at", "type": "time"}],
            "extra_columns": "ignore",
        }
        for name in ("checkouts", *tables)
    ]
    event = {
        "source": "instalment_events", "key": "application_id", "filter": "status = 'late_30'", "within": "90d",
    }  # fmt: skip
    return Data.model_validate(
        {
            "unit": {"name": "checkout", "source": "checkouts", "key": "application_id"},
            "decision_time": {"column": "checked_out_at"},
            "label": {"name": "default", "event": event, "matures_after": "93d"},
            "sources": sources,
        }
    )


def test_processes_change_no_byte(tmp_path: Path) -> None:
    one = generate(tmp_path / "one", customers=9_000, seed=2, months=5)
    two = generate(tmp_path / "two", customers=9_000, seed=2, months=5, processes=2)
    assert len(one.table("loans")) == 2
    assert digests(one) == digests(two)


def test_parts_change_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet as pq

    whole = generate(tmp_path / "whole", customers=5_000, seed=2, months=4)
    monkeypatch.setattr(generation, "_BLOCKS_PER_PART", 1)
    parts = generate(tmp_path / "parts", customers=5_000, seed=2, months=4)
    assert (len(whole.table("loans")), len(parts.table("loans"))) == (1, 3)
    for name in whole.rows:
        assert pq.read_table(whole.table(name)[0].parent).equals(pq.read_table(parts.table(name)[0].parent))


def test_seed_and_size_make_another_world(tmp_path: Path) -> None:
    base = generate(tmp_path, customers=200, seed=3, months=6)
    again = generate(tmp_path, customers=200, seed=3, months=6)
    other = generate(tmp_path, customers=200, seed=4, months=6)
    longer = generate(tmp_path, customers=200, seed=3, months=7)
    assert again == base
    assert len({base.folder, other.folder, longer.folder}) == 3
    assert not set(digests(base).values()) & set(digests(other).values())


def test_a_whole_world_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = generate(tmp_path, customers=200, seed=3, months=6)
    monkeypatch.setattr(generation, "_write", lambda *_: pytest.fail("it was there"))
    assert generate(tmp_path, customers=200, seed=3, months=6) == first


@pytest.mark.parametrize("damage", ["cut", "gone", "no manifest", "torn manifest", "no summary"])
def test_a_damaged_world_is_made_again(damage: str, tmp_path: Path) -> None:
    first = generate(tmp_path, customers=200, seed=3, months=6)
    before = digests(first)
    (path,) = first.table("payments")
    match damage:
        case "cut":
            path.write_bytes(path.read_bytes()[:-9])
        case "gone":
            path.unlink()
        case "no manifest":
            (first.folder / MANIFEST).unlink()
        case "torn manifest":
            (first.folder / MANIFEST).write_text("{")
        case _:
            (first.folder / SUMMARY).unlink()
    assert digests(generate(tmp_path, customers=200, seed=3, months=6)) == before


def test_a_failure_midway_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(simulation, "truth_rows", full)
    with pytest.raises(EnvironmentFault, match="No space left on device"):
        generate(tmp_path, customers=200, seed=3, months=6)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_killed_generation_never_looks_whole(processes: int, tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from loanwright.data.world.generation import generate
if __name__ == "__main__":
    generate(Path({str(tmp_path)!r}), customers=30_000, seed=3, months=24, processes={processes})
"""
    (tmp_path / "make.py").write_text(code)
    started = subprocess.Popen([sys.executable, str(tmp_path / "make.py")])
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size > 4 for path in tmp_path.glob(".part-*/*/tables/loans/*.parquet")):
        assert time.monotonic() < deadline
        assert started.poll() is None
        time.sleep(0.01)
    os.kill(started.pid, signal.SIGKILL)
    started.wait()
    assert not list(tmp_path.glob("30000-*"))
    assert list(tmp_path.glob(".part-*"))
    generate(tmp_path, customers=200, seed=3, months=6)
    time.sleep(0.5)
    assert not list(tmp_path.glob(".part-*")), "the next one clears away what was left, and nobody goes on writing it"


@pytest.mark.parametrize(("customers", "seed", "months"), [
    (99, 1, 24), (20_000_001, 1, 24), (200, 1, 3), (200, 1, 61), (200, -1, 24),
])  # fmt: skip
def test_sizes_that_cannot_be_are_refused(customers: int, seed: int, months: int, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be made"):
        generate(tmp_path, customers=customers, seed=seed, months=months)


def test_addresses_name_a_table_and_a_world() -> None:
    assert locate("world://checkouts") == ("checkouts", Recipe())
    assert locate(f"world://checkouts?customers={CUSTOMERS}&seed={SEED}&months={MONTHS}") == locate("world://checkouts")
    assert locate("world://loans?seed=7") == ("loans", Recipe(seed=7))


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("world://", "names no table of the world"),
        ("world://checkout", "did you mean 'checkouts'?"),
        ("world://loans/", "did you mean 'loans'?"),
        ("world://loans?customer=200", "did you mean 'customers'?"),
        ("world://loans?customers=many", "is no address of a world"),
        ("world://loans?customers=", "is no address of a world"),
        ("world://loans?customers", "is no address of a world"),
        ("world://loans?customers=1", "cannot be made"),
    ],
)
def test_addresses_that_lead_nowhere_are_refused(uri: str, says: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        locate(uri)
    assert says in str(caught.value)


def test_an_address_is_read_by_making_the_world(tmp_path: Path) -> None:
    data = declared("instalment_events")
    found = run(data, tmp_path, cache=tmp_path / "cache")
    world = world_at(f"world://loans?{TINY}", tmp_path / "cache")
    assert found.rows == {name: world.rows[name] for name in ("checkouts", "instalment_events")}
    assert read_manifest(found.uri).body["synthetic"] is True
    again = run(data, tmp_path, cache=tmp_path / "empty")
    assert again.unchanged, "the same world need not even be there"
    assert again.uri == found.uri
    assert not (tmp_path / "empty").exists()


def test_a_fingerprint_tells_worlds_and_tables_apart() -> None:
    uris = ("world://loans", "world://refunds", "world://loans?seed=2", "world://loans?customers=7000")
    assert len({str(fingerprint(uri)) for uri in uris}) == len(uris)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_size(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from loanwright.data.world.generation import generate
if __name__ == "__main__":
    generate(Path(sys.argv[1]), customers=int(sys.argv[2]), seed=1)
    # Not getrusage: that begins with what the process that started this one had.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(int(status["VmHWM"].split()[0]) / 1024)
"""
    peaks = []
    for customers in ("8000", "64000"):
        command = [sys.executable, "-c", code, str(tmp_path), customers]
        peaks.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    assert peaks[1] < 1.25 * peaks[0]
    assert peaks[1] < 512
