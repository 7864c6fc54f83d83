"""From the files of the public sets, as published, to the tables that the shipped models declare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import csv

if TYPE_CHECKING:
    import duckdb

_STATEMENT_DAYS = {9: "2005-09-30", 8: "2005-08-31", 7: "2005-07-31", 6: "2005-06-30", 5: "2005-05-31", 4: "2005-04-30"}
"""Month → its last day, in the order in which the file's columns are numbered."""

_TAIWAN_CLIENTS = """
SELECT "ID"::BIGINT AS client_id, "LIMIT_BAL"::BIGINT AS credit_limit,
    CASE "SEX" WHEN 1 THEN 'female' ELSE 'male' END AS sex,
    CASE WHEN "EDUCATION_1" = 1 THEN 'graduate_school' WHEN "EDUCATION_2" = 1 THEN 'university'
        WHEN "EDUCATION_3" = 1 THEN 'high_school' ELSE 'other' END AS education,
    CASE WHEN "MARRIAGE_1" = 1 THEN 'married' WHEN "MARRIAGE_2" = 1 THEN 'single' ELSE 'other' END AS marital_status,
    "AGE"::BIGINT AS age, "default-payment-next-month"::BIGINT AS default_next_month
FROM raw ORDER BY client_id
"""

_GIVE_ME_SOME_CREDIT = """
SELECT row_number::BIGINT AS applicant_id, "SeriousDlqin2yrs"::BIGINT AS serious_delinquency_2y,
    "RevolvingUtilizationOfUnsecuredLines"::DOUBLE AS revolving_utilisation, "age"::BIGINT AS age,
    "NumberOfTime30-59DaysPastDueNotWorse"::BIGINT AS times_30_59_late, "DebtRatio"::DOUBLE AS debt_ratio,
    "MonthlyIncome"::DOUBLE AS monthly_income, "NumberOfOpenCreditLinesAndLoans"::BIGINT AS open_credit_lines,
    "NumberOfTimes90DaysLate"::BIGINT AS times_90_late, "NumberRealEstateLoansOrLines"::BIGINT AS real_estate_loans,
    "NumberOfTime60-89DaysPastDueNotWorse"::BIGINT AS times_60_89_late, "NumberOfDependents"::BIGINT AS dependents
FROM raw ORDER BY applicant_id
"""

_PAKDD_COUNTS = (
    "AGE", "PAYMENT_DAY", "SHOP_RANK", "MONTHS_IN_RESIDENCE", "MONTHS_IN_THE_JOB", "QUANT_BANKING_ACCOUNTS",
    "COD_APPLICATION_BOOTH", "QUANT_ADDITIONAL_CARDS_IN_THE_APPLICATION",
)  # fmt: skip
_PAKDD_MONEY = ("MATE_INCOME", "PERSONAL_NET_INCOME")
_PAKDD_LABEL = "TARGET_LABEL_BAD=1"

_GERMAN_COUNTS = {
    "month": "duration_months",
    "credit-amount": "credit_amount",
    "investment-as-income-percentage": "instalment_rate",
    "residence-since": "residence_since",
    "number-of-credits": "existing_credits",
    "people-liable-for": "dependents",
}


def convert(name: str, table: str, path: Path) -> pa.Table:
    """One table of public set `name`, rows in the order of its key, from the set's file.

    Columns are int64, double or string; statement dates are timestamp[us, UTC].
    """
    import duckdb

    raw = _read(path, delimiter="\t" if name == "pakdd2009" else ",")
    queries = {
        ("taiwan", "clients"): _taiwan_clients,
        ("taiwan", "statements"): _taiwan_statements,
        ("give_me_some_credit", "applicants"): _give_me_some_credit,
        ("pakdd2009", "applications"): _pakdd,
        ("german_credit", "applicants"): _german,
    }
    with duckdb.connect(":memory:") as connection:
        return _run(connection, raw, queries[name, table](raw))


def _run(connection: duckdb.DuckDBPyConnection, raw: pa.Table, query: str) -> pa.Table:
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("raw", raw)
    return connection.sql(query).to_arrow_table()


def _read(path: Path, delimiter: str) -> pa.Table:
    table = csv.read_csv(
        path,
        parse_options=csv.ParseOptions(delimiter=delimiter),
        convert_options=csv.ConvertOptions(null_values=["", "NA"], strings_can_be_null=True),
    )
    table = table.rename_columns([name or "unnamed" for name in table.column_names])
    return table.append_column("row_number", pa.arange(1, table.num_rows + 1))


def _taiwan_clients(_: pa.Table) -> str:
    return _TAIWAN_CLIENTS


def _give_me_some_credit(_: pa.Table) -> str:
    return _GIVE_ME_SOME_CREDIT


def _taiwan_statements(_: pa.Table) -> str:
    """Six statements a client. PAY_0 is the newest month's status, and there is no PAY_1."""
    months = [
        f"""SELECT "ID"::BIGINT AS client_id, TIMESTAMPTZ '{day} 00:00:00+00' AS statement_date,
            {month}::BIGINT AS month, "PAY_{0 if number == 1 else number}"::BIGINT AS delay_months,
            "BILL_AMT{number}"::BIGINT AS bill, "PAY_AMT{number}"::BIGINT AS paid FROM raw"""
        for number, (month, day) in enumerate(_STATEMENT_DAYS.items(), start=1)
    ]
    return " UNION ALL ".join(months) + " ORDER BY client_id, statement_date"


def _pakdd(raw: pa.Table) -> str:
    """The last column has no name and is empty, but for rows whose values are shifted by one: those are left out."""
    columns = ["row_number::BIGINT AS application_id"]
    for name in raw.column_names:
        if name in ("unnamed", "row_number"):
            continue
        if name == _PAKDD_LABEL:
            columns.append(f'"{name}"::BIGINT AS bad')
        else:
            kind = "BIGINT" if name in _PAKDD_COUNTS else "DOUBLE" if name in _PAKDD_MONEY else "VARCHAR"
            columns.append(f'"{name}"::{kind} AS {name.lower()}')
    return f"SELECT {', '.join(columns)} FROM raw WHERE unnamed IS NULL ORDER BY application_id"


def _german(raw: pa.Table) -> str:
    """One-hot groups such as `status_A11`, `status_A12` fold back into one column of codes."""
    folded: dict[str, list[str]] = {}
    for name in raw.column_names:
        group, found, code = name.rpartition("_A")
        if found and code.isdigit():
            folded.setdefault(group, []).append(code)
    columns = ["row_number::BIGINT AS applicant_id"]
    columns += [f'"{name}"::BIGINT AS {ours}' for name, ours in _GERMAN_COUNTS.items()]
    columns.append("CASE \"sex\" WHEN 1 THEN 'male' ELSE 'female' END AS sex")
    columns.append("CASE \"age\" WHEN 1 THEN 'yes' ELSE 'no' END AS aged_25_or_over")
    for group, codes in folded.items():
        cases = " ".join(f"WHEN \"{group}_A{code}\" = 1 THEN 'A{code}'" for code in codes)
        columns.append(f"CASE {cases} END AS {group.replace('-', '_')}")
    columns.append('"credit-label"::BIGINT AS bad')
    return f"SELECT {', '.join(columns)} FROM raw ORDER BY applicant_id"
