"""What holds of every table of the world: times, keys, restatements, references, and nothing that is latent."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from loanwright.data.sources_parquet import SYNTHETIC
from loanwright.data.world.parameters import Parameters
from loanwright.data.world.recipe import locate
from loanwright.data.world.schema import TABLES, Table
from loanwright.storage import digest_of
from tests.unit.data.worlds import ask, small_world

EACH = pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
RESTATED = {"customers", "merchants", "instalments", "payments", "refunds", "disputes", "marketing"}
LATENT = {"ability", "willingness", "impulsivity", "quality", "ring", "takeover", "shock", "fraud", "probability"}
REFERENCES = {
    "customer_id": "customers",
    "merchant_id": "merchants",
    "application_id": "applications",
    "loan_id": "loans",
    "instalment_id": "instalments",
    "payment_id": "payments",
    "device_id": "devices",
}


@EACH
def test_a_row_is_known_after_it_happened_and_before_the_end(table: Table) -> None:
    query = f"SELECT count(*) FROM {table.name} WHERE known_at < {table.event_time} OR known_at >= '2026-01-01'"
    assert ask(query) == [0]
    assert ask(f"SELECT count(*) > 0 FROM {table.name}") == [True]


@EACH
def test_a_key_is_unique_together_with_its_known_time(table: Table) -> None:
    query = f"SELECT count(*), count(DISTINCT ({table.key}, known_at)), count(DISTINCT {table.key}) FROM {table.name}"
    rows, versions, keys = ask(query)[0]
    assert rows == versions
    assert (rows > keys) == (table.name in RESTATED)


@pytest.mark.parametrize("name", sorted(RESTATED))
def test_versions_tell_of_one_event_and_differ(name: str) -> None:
    table = TABLES[name]
    changing = [column for column in table.columns if column not in (table.key, table.event_time, "known_at")]
    several = f"SELECT 1 FROM {name} GROUP BY {table.key} HAVING count(DISTINCT {table.event_time}) > 1"
    moved = f"SELECT count(*) FROM ({several})"
    assert ask(moved) == [0]
    alike = f"""SELECT count(*) FROM {name} AS a JOIN {name} AS b USING ({table.key})
        WHERE a.known_at < b.known_at AND {" AND ".join(f"a.{c} IS NOT DISTINCT FROM b.{c}" for c in changing)}"""
    versions = ask(f"SELECT count(*) - count(DISTINCT {table.key}) FROM {name}")[0]
    assert ask(alike)[0] < 0.05 * versions + 1, "a restatement says something new, but for sums too small to change"


@EACH
def test_references_lead_to_a_row_that_was_known_before(table: Table) -> None:
    for column, target in REFERENCES.items():
        if column in table.columns and target != table.name:
            first = f"SELECT {column}, min({TABLES[target].event_time}) AS began FROM {target} GROUP BY 1"
            query = f"""SELECT count(*) FROM {table.name} AS t LEFT JOIN ({first}) AS f USING ({column})
                WHERE f.began IS NULL OR f.began > t.{table.event_time}"""
            allowed = 1 if target in ("loans", "instalments") else 0  # opened in the last hour, not yet told
            assert ask(query)[0] <= allowed * 24, (column, ask(query))


@EACH
def test_files_say_that_they_are_synthetic_and_hold_the_documented_columns(table: Table) -> None:
    (path,) = small_world().table(table.name)
    schema = pq.read_schema(path)
    assert schema.metadata[SYNTHETIC] == b"true"
    assert schema.names == list(table.columns)
    assert not LATENT & set(schema.names)
    for name, kind in table.columns.items():
        wanted = {"i": "int64", "c": "string", "b": "bool", "t": "timestamp[us, tz=UTC]", "n": "double"}[kind]
        assert str(schema.field(name).type) == wanted
    page = (Path(__file__).parents[3] / "docs" / "world.md").read_text()
    paragraph = re.search(rf"^\*\*{table.name}\*\*.*?(?=\n\n)", page, re.MULTILINE | re.DOTALL)
    assert paragraph is not None
    told = set(re.findall(r"`([a-z_]+)`", paragraph[0])) | {table.key, table.event_time, "known_at"}
    assert set(table.columns) <= told, set(table.columns) - told
    assert f"| `{table.name}` | `{table.key}` | `{table.event_time}` |" in page


def test_addresses_know_the_tables() -> None:
    assert [locate(f"world://{name}")[0] for name in TABLES] == list(TABLES)


def test_categories_are_words_of_the_schema() -> None:
    for table in TABLES.values():
        for column, kind in table.columns.items():
            if kind == "c":
                found = set(ask(f"SELECT DISTINCT {column} FROM {table.name} WHERE {column} IS NOT NULL"))
                assert found == set(table.words(column)), (table.name, column)


def test_arrears_come_to_nothing_where_all_is_long_over() -> None:
    query = """SELECT count(*), count(*) FILTER (arrears <> 0) FROM (
        SELECT sum(arrears_change_minor) AS arrears, max(happened_at) AS last FROM instalment_events GROUP BY loan_id
    ) WHERE last < '2025-03-01'"""
    loans, unsettled = ask(query)[0]
    assert loans > 5_000
    assert unsettled == 0


def test_payments_and_events_tell_of_the_same_money() -> None:
    query = """WITH newest AS (
            SELECT instalment_id, arg_max(settled_minor, known_at) AS came FROM payments
            GROUP BY payment_id, instalment_id
        ), came AS (SELECT instalment_id, sum(came) AS came FROM newest GROUP BY 1),
        told AS (SELECT instalment_id, -sum(arrears_change_minor) AS told, max(happened_at) AS last
            FROM instalment_events WHERE status IN ('paid', 'part_paid', 'reversed') GROUP BY 1)
        SELECT count(*), count(*) FILTER (came <> told) FROM came JOIN told USING (instalment_id)
        WHERE last < '2025-06-01'"""
    instalments, different = ask(query)[0]
    assert instalments > 30_000
    assert different == 0


def test_checkouts_are_the_approved_applications() -> None:
    shared = [column for column in TABLES["checkouts"].columns if column in TABLES["applications"].columns]
    query = f"""SELECT count(*) FROM (SELECT {", ".join(shared)} FROM applications WHERE approved
        EXCEPT SELECT {", ".join(shared)} FROM checkouts)"""
    assert ask(query) == [0]
    assert ask("SELECT count(*) FROM applications WHERE approved") == ask("SELECT count(*) FROM checkouts")
    assert ask("SELECT count(*) FROM applications WHERE NOT approved AND approval_reason IS NOT NULL") == [0]


def test_declines_are_approved_at_random_with_the_recorded_chance() -> None:
    query = """SELECT decline_reason = 'arrears', count(*), sum(approval_probability), count(*) FILTER (approved)
        FROM applications WHERE decline_reason IS NOT NULL GROUP BY 1"""
    for _, declined, expected, approved in ask(query):
        assert declined > 1_000
        assert abs(approved - expected) < 4 * expected**0.5
    assert ask("SELECT DISTINCT approval_probability FROM applications WHERE approval_reason = 'policy'") == [1.0]


def test_nobody_in_arrears_is_approved_but_at_random() -> None:
    query = """WITH late AS (SELECT * FROM instalment_events WHERE status = 'late_7'),
        ended AS (SELECT instalment_id, min(happened_at) AS ended FROM instalment_events
            WHERE status IN ('paid', 'reversed') AND number > 0 GROUP BY 1)
        SELECT count(*) FROM checkouts AS c JOIN late AS l USING (customer_id)
        LEFT JOIN ended AS e USING (instalment_id)
        WHERE l.known_at <= c.checked_out_at AND e.ended IS NULL AND c.approval_reason = 'policy'"""
    assert ask(query) == [0]


def test_arrears_are_held_against_nobody_whom_the_tables_do_not_show_late() -> None:
    query = """SELECT count(*), count(*) FILTER (NOT EXISTS (
            SELECT 1 FROM instalment_events AS e
            WHERE e.customer_id = a.customer_id AND e.status = 'late_7' AND e.known_at <= a.applied_at))
        FROM applications AS a WHERE decline_reason = 'arrears'"""
    held, unseen = ask(query)[0]
    assert held > 1_000
    assert unseen == 0


def test_the_story_s_numbers_are_fixed() -> None:
    """Whoever changes them says so here, and why, and never to flatter a model."""
    assert digest_of(Parameters().as_json())[:12] == "4dca16d2c01d"
