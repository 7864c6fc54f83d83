"""Every way a data file is bad, and the one sentence that says so: what, where, how many, and what to do."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loanwright.errors import DataError
from tests.unit.data.declarations import GOOD, HEADER, applicants, run

MEND = "Correct the data, or its contract"


@dataclass(frozen=True)
class Case:
    """What is written, what differs in the declaration, and the exact message. `{file}` stands for the path."""

    content: str | bytes | Callable[[Path], None]
    message: str
    name: str = "rows.csv"
    source: dict[str, Any] = field(default_factory=dict)


def csv(*lines: str) -> str:
    return "\n".join((HEADER, *lines)) + "\n"


def good(row: int = 1) -> str:
    return GOOD[row]


def parquet(**changes: list[Any] | pa.Array) -> Callable[[Path], None]:
    columns: dict[str, Any] = {
        "id": [1, 2, 3],
        "at": pa.array([datetime(2025, 1, day) for day in (1, 2, 3)], pa.timestamp("us", tz="UTC")),  # noqa: DTZ001
        "age": [30, 40, 50],
        "income": [100.5, None, 1000.0],
        "kind": ["a", "b", "a"],
        "bad": [0, 1, 0],
    }
    table = pa.table(columns | changes)
    return lambda path: pq.write_table(table, path)


def cut(write: Callable[[Path], None] | bytes, share: float) -> Callable[[Path], None]:
    """The file, but only its first part."""

    def cut_short(path: Path) -> None:
        if isinstance(write, bytes):
            path.write_bytes(write)
        else:
            write(path)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])

    return cut_short


def damaged(path: Path) -> None:
    parquet()(path)
    data = bytearray(path.read_bytes())
    data[4:60] = b"\xff" * 56
    path.write_bytes(bytes(data))


WHOLE = "\n".join(GOOD) + "\n"
LONG = csv(*(f"{number},2025-01-01,30,100.5,a,{number % 2}" for number in range(1, 20_000)))

CASES = {
    # columns
    "missing column": Case(
        "id,at,age,income,bad\n1,2025-01-01,30,1,0\n",
        f"source 'applicants', column 'kind': {{file}} has no such column. {MEND}",
    ),
    "misspelt column": Case(
        WHOLE.replace("income", "incone"),
        "source 'applicants', column 'income': {file} has no such column (did you mean 'incone'?). " + MEND,
    ),
    "column in capitals": Case(
        WHOLE.replace("age", "Age"),
        "source 'applicants', column 'age': {file} has no such column (did you mean 'Age'?). " + MEND,
    ),
    "extra column": Case(
        "id,at,age,income,kind,bad,iban\n1,2025-01-01,30,1,a,0,x\n",
        "source 'applicants': {file} has a column that is not declared: 'iban'. "
        "Declare them, or set the source's extra_columns to 'ignore'",
    ),
    "column there twice": Case(
        "id,at,age,income,kind,bad,age\n1,2025-01-01,30,1,a,0,31\n",
        f"source 'applicants': {{file}} has more than one column 'age'. {MEND}",
    ),
    "another delimiter": Case(
        WHOLE.replace(",", ";"),
        "source 'applicants': the header of {file} is one single column, 'id;at;age;income;kind;bad': "
        "its delimiter seems to be ';'. Declare the source's 'delimiter'",
    ),
    "a header of a million columns": Case(
        ",".join(f"c{number}" for number in range(1_000_000)) + "\n",
        "source 'applicants': the header of {file} has 1,000,000 columns; at most 10,000 are read. "
        "Check the delimiter (declared: ','), or split the file",
    ),
    # values
    "wrong type": Case(
        csv("1,2025-01-01,thirty,1,a,0", "2,2025-01-02,30.5,1,b,1", "3,2025-01-03,0x1f,1,b,1", "4,2025-01-03,?,1,b,1"),
        "source 'applicants', column 'age': 4 rows do not hold a whole number, as in 'thirty', '30.5', '0x1f'. " + MEND,
    ),
    "not a number": Case(
        csv("1,2025-01-01,30,nan,a,0", "2,2025-01-02,30,1_000,b,1", '3,2025-01-03,40,"1,5",b,1'),
        "source 'applicants', column 'income': 3 rows do not hold a number, as in 'nan', '1_000', '1,5'. " + MEND,
    ),
    "a whole number past 64 bits": Case(
        csv("99999999999999999999,2025-01-01,30,1,a,0", good(2)),
        "source 'applicants', column 'id': 1 row does not hold a whole number, as in '99999999999999999999'. " + MEND,
    ),
    "infinities": Case(
        csv("1,2025-01-01,30,inf,a,0", "2,2025-01-02,30,-Infinity,b,1", "3,2025-01-02,30,1e999,b,1"),
        "source 'applicants', column 'income': 3 rows are infinite, as in inf, -inf. " + MEND,
    ),
    "below and above": Case(
        csv("1,2025-01-01,17,1,a,0", "2,2025-01-02,130,1,b,1", "3,2025-01-02,-5,-1,b,1"),
        "the data breaks its contract in 3 places:\n"
        "  source 'applicants', column 'age': 2 rows are below 18, as in 17, -5\n"
        "  source 'applicants', column 'age': 1 row is above 120, as in 130\n"
        "  source 'applicants', column 'income': 1 row is below 0, as in -1.0",
    ),
    "values not declared": Case(
        csv("1,2025-01-01,30,1,c,0", "2,2025-01-02,30,1,A,1", "3,2025-01-02,30,1,c,1"),
        "source 'applicants', column 'kind': 3 rows hold a value that is not declared, as in 'c', 'A'. " + MEND,
    ),
    "no value": Case(
        csv("1,2025-01-01,,1,a,0", "2,2025-01-02,30,1,b,1", '3,2025-01-02,"",1,b,1'),
        "source 'applicants', column 'age': 2 rows have no value, as in id 1, id 3. " + MEND,
    ),
    "time without zone": Case(
        csv("1,2025-01-01 10:00:00,30,1,a,0", good(2)),
        "source 'applicants', column 'at': 1 row does not hold a time in UTC such as '2026-01-31T00:00:00Z', or a day, "
        "as in '2025-01-01 10:00:00'. " + MEND,
    ),
    "a day that does not exist": Case(
        csv("1,2025-02-30,30,1,a,0", "2,01.02.2025,30,1,b,1"),
        "source 'applicants', column 'at': 2 rows do not hold a time in UTC such as '2026-01-31T00:00:00Z', or a day, "
        "as in '2025-02-30', '01.02.2025'. " + MEND,
    ),
    "dates in the future": Case(
        csv("1,2999-01-01,30,1,a,0", good(2)),
        "source 'applicants', column 'at': 1 row lies in the future, as in 2999-01-01T00:00:00Z. " + MEND,
    ),
    # keys
    "duplicate keys": Case(
        csv(good(1), good(2), good(2), good(3), good(3), good(3)),
        "source 'applicants': 5 rows have the same key as another row, as in id 2, id 3. "
        "Remove the duplicates, or declare what else is part of the key",
    ),
    "null keys": Case(
        csv(",2025-01-01,30,1,a,0", good(2)),
        "source 'applicants', column 'id': 1 row has no value. " + MEND,
    ),
    "mixed-type keys": Case(
        csv(good(1), "A-17,2025-01-02,40,,b,1"),
        "source 'applicants', column 'id': 1 row does not hold a whole number, as in 'A-17'. " + MEND,
    ),
    # the label
    "one class only": Case(
        csv(good(1), good(3)),
        "source 'applicants', column 'bad': no row has the positive value 1: a label of one class only cannot be "
        "learned. Bring both outcomes, or correct label.positive",
    ),
    "one class only, the other": Case(
        csv(good(2)),
        "source 'applicants', column 'bad': every row has the positive value 1: a label of one class only cannot be "
        "learned. Bring both outcomes, or correct label.positive",
    ),
    "label missing": Case(
        csv(good(1), good(2), "4,2025-01-02,30,1,b,"),
        "source 'applicants', column 'bad': 1 row has no value, as in id 4. " + MEND,
        source={"columns": {"bad": {"nullable": True}}},
    ),
    # volume and freshness
    "ten rows": Case(
        csv(*(f"{number},2025-01-01,30,1,a,{number % 2}" for number in range(10))),
        "source 'applicants': 10 rows, fewer than the 1,000 declared as the least. "
        "Bring the right data, or correct 'rows'",
        source={"rows": {"min": 1000}},
    ),
    "too many rows": Case(
        WHOLE,
        "source 'applicants': 3 rows, more than the 2 declared as the most. Bring the right data, or correct 'rows'",
        source={"rows": {"max": 2}},
    ),
    "stale": Case(
        WHOLE,
        "source 'applicants', column 'at': the newest row is from 2025-01-03T10:00:00Z, 377 days old; at most 90 days "
        "is allowed. Bring newer data, or correct the source's max_age",
        source={"max_age": "90d"},
    ),
    "header only": Case(
        HEADER + "\n", "source 'applicants': there are no rows. Bring the right data, or correct 'rows'"
    ),
    # the file itself
    "empty": Case("", f"source 'applicants': {{file}} is empty. {MEND}"),
    "blank lines only": Case("\n\n\n", f"source 'applicants': {{file}} is empty. {MEND}"),
    "ragged rows": Case(
        csv(good(1), "2,2025-01-02,40", good(3), "4,2025-01-02,30,1,b,1,9"),
        "source 'applicants': 2 rows have another number of values than the header, "
        "as in 3 values in '2,2025-01-02,40', 7 values in '4,2025-01-02,30,1,b,1,9'. " + MEND,
    ),
    "a quote never closed": Case(
        csv(good(1), '2,2025-01-02,40,,"b,1', good(3)),
        "source 'applicants': 1 row has another number of values than the header, "
        "as in 5 values in '2,2025-01-02,40,,\"b,1\\n3,2025-01-03T10:00', where a quote is never closed. " + MEND,
    ),
    "a quote never closed in a large file": Case(
        csv('1,2025-01-01,30,1,"a,0', *("x" * 1_000 for _ in range(20_000))),
        "source 'applicants': a row of {file} is longer than 8 MB: a quote is opened and never closed. " + MEND,
    ),
    "NUL bytes": Case(
        csv(good(1), "2,2025-01-02,4\x000,,b,1"),
        "source 'applicants': {file} holds a NUL byte in line 3: it is damaged, or not text as declared. "
        "Write it as plain CSV, or declare its 'encoding'",
    ),
    "another encoding": Case(
        csv(good(1), "2,2025-01-02,40,,é,1").encode("cp1252"),
        "source 'applicants': {file} is not utf-8: byte 0xe9 in line 3. "
        "Declare the source's 'encoding', such as 'cp1252' or 'latin-1'",
    ),
    "UTF-16": Case(
        WHOLE.encode("utf-16"),
        "source 'applicants': {file} is not utf-8: it starts with the mark of UTF-16. "
        "Declare the source's 'encoding', such as 'utf-16'",
    ),
    "a text cut in the middle of a letter": Case(
        csv(good(1), "2,2025-01-02,40,,é").encode()[:-2],
        "source 'applicants': {file} is not utf-8: byte 0xc3 in line 3. "
        "Declare the source's 'encoding', such as 'cp1252' or 'latin-1'",
    ),
    "truncated gzip": Case(
        cut(gzip.compress(LONG.encode()), 0.5),
        "source 'applicants': {file} is a gzip file that is cut short. Copy it again from its source",
        name="rows.csv.gz",
    ),
    "damaged gzip": Case(
        gzip.compress(LONG.encode())[:200] + b"\0" * 500,
        "source 'applicants': {file} is a damaged gzip file. Copy it again from its source",
        name="rows.csv.gz",
    ),
    "a zip archive": Case(
        b"PK\x03\x04 and so on",
        "source 'applicants': {file} is a zip archive. Unpack it, or compress it with gzip",
    ),
    "parquet called CSV": Case(
        parquet(),
        "source 'applicants': {file} is a parquet file, not CSV. Declare its 'format' as 'parquet'",
    ),
    "CSV called parquet": Case(
        WHOLE,
        "source 'applicants': {file} is not a parquet file. Declare its 'format', or bring the right file",
        name="rows.parquet",
    ),
    "truncated parquet": Case(
        cut(parquet(), 0.7),
        "source 'applicants': {file} is a parquet file that is cut short or damaged. Copy it again from its source",
        name="rows.parquet",
    ),
    "damaged parquet": Case(
        damaged,
        "source 'applicants': {file} is a parquet file that is cut short or damaged. Copy it again from its source",
        name="rows.parquet",
    ),
    "empty parquet": Case(b"", f"source 'applicants': {{file}} is empty (0 bytes). {MEND}", name="rows.parquet"),
    "an ending that says nothing": Case(
        WHOLE,
        "source 'applicants': {file} ends in neither .parquet, .pq nor .csv, .csv.gz, .tsv, .tsv.gz, .txt, .txt.gz. "
        "Give source 'applicants' a 'format', or rename the file",
        name="rows.xlsx",
    ),
    "parquet of wrong types": Case(
        parquet(age=[30.5, 40.0, 50.0], kind=[[1], [2], [3]]),
        "the data breaks its contract in 2 places:\n"
        "  source 'applicants', column 'age': 1 row does not hold a whole number, as in 30.5\n"
        "  source 'applicants', column 'kind': 3 rows do not hold a text or a whole number, as in [1], [2], [3]",
        name="rows.parquet",
    ),
    "parquet times without a zone": Case(
        parquet(at=pa.array([datetime(2025, 1, 1)] * 3, pa.timestamp("us"))),  # noqa: DTZ001
        "source 'applicants', column 'at': 3 rows do not hold a time in UTC such as '2026-01-31T00:00:00Z', or a day, "
        "as in 2025-01-01 00:00:00. " + MEND,
        name="rows.parquet",
    ),
    "parquet without a column": Case(
        lambda path: pq.write_table(pa.table({"id": [1], "ages": [3]}), path),
        "the data breaks its contract in 5 places:\n"
        "  source 'applicants', column 'at': {file} has no such column\n"
        "  source 'applicants', column 'age': {file} has no such column (did you mean 'ages'?)\n"
        "  source 'applicants', column 'income': {file} has no such column\n"
        "  source 'applicants', column 'kind': {file} has no such column\n"
        "  source 'applicants', column 'bad': {file} has no such column",
        name="rows.parquet",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_bad_file_gets_one_clear_error(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    path = tmp_path / case.name
    if callable(case.content):
        case.content(path)
    else:
        path.write_bytes(case.content.encode() if isinstance(case.content, str) else case.content)
    with pytest.raises(DataError) as caught:
        run(applicants(path, **case.source), tmp_path)
    assert str(caught.value) == case.message.replace("{file}", str(path))
    assert not (tmp_path / "store").exists(), "nothing is stored of data that is refused"


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 25
