"""Shares of the features, computed apart, make the table of one process."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest

from loanwright.errors import EnvironmentFault, IntegrityFault, UsageError
from loanwright.features import fan_out
from loanwright.features.build import build_training_table
from loanwright.features.computing import joining
from loanwright.features.computing.groups import compute_groups
from loanwright.features.computing.setting_aside import set_aside
from loanwright.features.computing.shares import Share
from loanwright.features.fan_out import compute_share, join_shares
from loanwright.features.incremental.deciding import EVERY, make_decisions
from loanwright.features.reading.opening import begun
from loanwright.storage import open_store, read_manifest
from tests.unit.features.snapshots import snapshot
from tests.unit.features.worlds_features import GROUPS, mixed
from tests.unit.features.worlds_full import data, world

DECLARED = data()
FEATURES = mixed(5, random.Random(5).sample(sorted(GROUPS), 5), 3)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(joining, "RANGE", 7)
    monkeypatch.setattr("loanwright.features.fan_out.RANGE", 7)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """A snapshot's URI, and the digest of its table."""
    folder = tmp_path_factory.mktemp("whole")
    uri = snapshot(DECLARED, world(5, 3), folder, files=2)
    built = build_training_table(uri, DECLARED, FEATURES, open_store(str(folder / "store")), folder / "scratch")
    return uri, built.rpartition("/")[2]


def shares(uri: str, folder: Path, of: int, **how: int) -> list[str]:
    store = open_store(str(folder / "store"))
    return [
        compute_share(uri, DECLARED, FEATURES, store, folder / f"scratch{number}", Share(number, of), **how)
        for number in range(1, of + 1)
    ]


def joined(uri: str, found: list[str], folder: Path) -> str:
    store = open_store(str(folder / "store"))
    return join_shares(uri, DECLARED, FEATURES, store, folder / "join", found).rpartition("/")[2]


@pytest.mark.parametrize(("of", "shards"), [(1, 1), (2, 3), (5, 1)])
def test_they_make_the_same_table_in_whatever_order_they_are_given(of, shards, rows, tmp_path):
    uri, whole = rows
    found = shares(uri, tmp_path, of, shards=shards)

    assert joined(uri, found[::-1], tmp_path) == whole
    assert not list(tmp_path.glob("*/*.arrow")), "nothing is left on scratch"


def test_equal_shares_are_equal_bytes_however_they_are_computed(rows, tmp_path):
    once, again = (
        shares(rows[0], tmp_path / name, 2, shards=shards, threads=threads)
        for name, shards, threads in (("once", 1, 1), ("again", 4, 2))
    )

    assert [uri.rpartition("/")[2] for uri in once] == [uri.rpartition("/")[2] for uri in again]
    assert len(set(once)) == 2


@pytest.mark.parametrize(
    ("given", "told"),
    [((0, 2), "1/3, 3/3"), ((0, 1, 1), "1/3, 2/3, 2/3"), ((), "none")],
    ids=["one is missing", "one is there twice", "none"],
)
def test_all_shares_have_to_be_there_once(given, told, rows, tmp_path):
    found = shares(rows[0], tmp_path, 3)

    with pytest.raises(UsageError, match=rf"^these are not all shares, each once: {told}\. Give each share of one"):
        joined(rows[0], [found[number] for number in given], tmp_path)

    assert not (tmp_path / "store" / "tables").exists()


def test_shares_of_two_deals_are_not_put_together(rows, tmp_path):
    two, three = shares(rows[0], tmp_path, 2), shares(rows[0], tmp_path, 3)

    with pytest.raises(UsageError, match="these are not all shares, each once: 1/2, 2/3"):
        joined(rows[0], [two[0], three[1]], tmp_path)


def test_shares_of_other_rows_are_refused(rows, tmp_path):
    other = snapshot(DECLARED, world(6, 3), tmp_path)
    found = shares(other, tmp_path, 2)

    with pytest.raises(UsageError, match="is a share of another snapshot"):
        joined(rows[0], found, tmp_path)


def test_a_share_that_was_changed_is_noticed(rows, tmp_path):
    found = shares(rows[0], tmp_path, 2)
    manifest = read_manifest(found[0])
    file = tmp_path / "store" / "feature_shares" / manifest.files[0].path
    file.write_bytes(file.read_bytes()[:-3] + b"xyz")

    with pytest.raises(IntegrityFault, match="its bytes were changed"):
        joined(rows[0], found, tmp_path)


@pytest.mark.parametrize("harm", ["lost", "doubled"])
def test_a_group_without_one_row_for_each_decision_is_not_joined(harm, rows, tmp_path):
    with begun(rows[0], DECLARED, FEATURES, tmp_path) as build:
        every = make_decisions(build.engine, DECLARED, build.texts.decisions, build.resolved.label_filter, None)
        found = dict(compute_groups(build.engine, build.texts.groups, build.resolved, tmp_path))
        name = next(iter(found))
        table = found[name].part(0).read_all()
        at = table["lw_ord"].to_pylist().index(3)
        others = [table.slice(0, at), table.slice(at + 1)]
        harmed = pa.concat_tables([*others, *([table.slice(at, 1)] * 2 if harm == "doubled" else [])])
        found[name] = joining.by_ranges(tmp_path / "harmed.arrow", harmed.to_batches())
        decisions = set_aside(build.engine, EVERY, build.resolved, tmp_path)

        with pytest.raises(IntegrityFault, match=rf"{name} has [68] rows for decisions 0 to 6"):
            list(joining.joined(build.engine, build.texts.table, {"decisions": decisions, **found}, every.rows))


def test_a_share_keeps_of_the_decisions_what_groups_need(rows, tmp_path, monkeypatch):
    columns = []
    original = fan_out.compute_groups

    def noting(engine, *given, **more):
        columns.extend(name for name, *_ in engine.rows(f"DESCRIBE {EVERY}"))
        return original(engine, *given, **more)

    monkeypatch.setattr(fan_out, "compute_groups", noting)
    shares(rows[0], tmp_path, 1)

    assert columns[:2] == ["lw_ord", "lw_at"]
    assert all(name.startswith("key.") for name in columns[2:])


def test_a_full_disk_at_a_later_group_of_a_share_leaves_nothing(rows, tmp_path, monkeypatch):
    """What is written to /dev/full meets a full disk."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    (tmp_path / "scratch1").mkdir()
    (tmp_path / "scratch1" / "group_3.arrow").symlink_to("/dev/full")

    with pytest.raises(EnvironmentFault, match=r"^the disk is full at ") as raised:
        shares(rows[0], tmp_path, 1)

    assert raised.value.__traceback__, "it is held while we look"
    assert not list((tmp_path / "scratch1").glob("*.arrow"))


@pytest.mark.parametrize("text", ["", "3", "0/2", "3/2", "a/b", "1/2/3", "-1/2", "1/5000"])
def test_what_is_no_share(text):
    with pytest.raises(UsageError, match=r"is no share"):
        Share.parse(text)


def test_a_share_by_its_text():
    assert Share.parse("2/8") == Share(2, 8)
