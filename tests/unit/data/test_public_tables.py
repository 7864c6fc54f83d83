"""The public sets' files turned into tables: on made-up files of the same shape, and (slow) on the real ones."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from loanwright.data.public import SETS, cached_file, read_public
from loanwright.data.public_tables import convert

TAIWAN = """\
ID,LIMIT_BAL,SEX,AGE,PAY_0,PAY_2,PAY_3,PAY_4,PAY_5,PAY_6,BILL_AMT1,BILL_AMT2,BILL_AMT3,BILL_AMT4,BILL_AMT5,BILL_AMT6,\
PAY_AMT1,PAY_AMT2,PAY_AMT3,PAY_AMT4,PAY_AMT5,PAY_AMT6,default-payment-next-month,EDUCATION_0,EDUCATION_1,EDUCATION_2,\
EDUCATION_3,EDUCATION_4,EDUCATION_5,EDUCATION_6,MARRIAGE_0,MARRIAGE_1,MARRIAGE_2,MARRIAGE_3
2,5000.0,0,50,9,8,7,6,5,4,-1.0,2.0,3.0,4.0,5.0,6.0,11.0,12.0,13.0,14.0,15.0,16.0,0,0,0,0,0,0,1,0,0,0,0,1
1,20000.0,1,24,0,-1,-2,0,0,0,1.0,2.0,3.0,4.0,5.0,6.0,1.0,2.0,3.0,4.0,5.0,6.0,1,0,0,1,0,0,0,0,0,1,0,0
"""
GIVE_ME_SOME_CREDIT = """\
id,SeriousDlqin2yrs,RevolvingUtilizationOfUnsecuredLines,age,NumberOfTime30-59DaysPastDueNotWorse,DebtRatio,\
MonthlyIncome,NumberOfOpenCreditLinesAndLoans,NumberOfTimes90DaysLate,NumberRealEstateLoansOrLines,\
NumberOfTime60-89DaysPastDueNotWorse,NumberOfDependents
1,1,0.5,45,2,0.8,9120,13,0,6,0,2
2,0,0.25,40,0,0.1,NA,4,98,0,1,NA
"""
PAKDD = "\t".join(
    [
        "ID_SHOP", "SEX", "MARITAL_STATUS", "AGE", "FLAG_RESIDENCIAL_PHONE", "AREA_CODE_RESIDENCIAL_PHONE",
        "PAYMENT_DAY", "SHOP_RANK", "RESIDENCE_TYPE", "MONTHS_IN_RESIDENCE", "FLAG_MOTHERS_NAME", "FLAG_FATHERS_NAME",
        "FLAG_RESIDENCE_TOWN_eq_WORKING_TOWN", "FLAG_RESIDENCE_STATE_eq_WORKING_STATE", "MONTHS_IN_THE_JOB",
        "PROFESSION_CODE", "MATE_INCOME", "FLAG_RESIDENCIAL_ADDRESS_eq_POSTAL_ADDRESS", "FLAG_OTHER_CARD",
        "QUANT_BANKING_ACCOUNTS", "FLAG_MOBILE_PHONE", "FLAG_CONTACT_PHONE", "PERSONAL_NET_INCOME",
        "COD_APPLICATION_BOOTH", "QUANT_ADDITIONAL_CARDS_IN_THE_APPLICATION", "FLAG_CARD_INSURANCE_OPTION",
        "TARGET_LABEL_BAD=1", "",
    ]
) + """
22\tF\tO\t44\tN\t31\t12\t0\tP\t12\tY\tY\tN\tY\t48\t731\t0\tY\tN\t0\tN\tN\t300\t0\t0\tN\t1\t
22\tF\tC\t49\tY\t31\t28\t0\tP\t12\tY\tY\tN\tY\t120\t131\t0\tY\tN\t0\tANNA\tN\tN\t600\t0\t0\tN\t0
7\tM\tS\t18\tY\t31\t20\t0\tA\t216\tY\tY\tY\tY\t12\t853\t10.5\tY\tN\t0\tN\tN\t300.25\t0\t0\tN\t0\t
"""  # fmt: skip
GERMAN = """\
month,credit-amount,investment-as-income-percentage,sex,residence-since,age,number-of-credits,people-liable-for,\
credit-label,sex-age,status_A11,status_A12,purpose_A41,purpose_A410,foreign-worker_A201,foreign-worker_A202
6,1169,4,1,4,1,2,1,0,1,1,0,0,1,1,0
48,5951,2,0,2,0,1,1,1,0,0,1,1,0,0,1
"""


def made(tmp_path: Path, text: str, *, zipped: bool = False) -> Path:
    path = tmp_path / ("made.csv.gz" if zipped else "made.csv")
    path.write_bytes(gzip.compress(text.encode()) if zipped else text.encode())
    return path


def test_taiwan_is_clients_and_their_six_statements(tmp_path: Path) -> None:
    path = made(tmp_path, TAIWAN)
    first, second = convert("taiwan", "clients", path).to_pylist()
    assert first == {
        "client_id": 1, "credit_limit": 20_000, "sex": "female", "education": "university",
        "marital_status": "married", "age": 24, "default_next_month": 1,
    }  # fmt: skip
    assert (second["sex"], second["education"], second["marital_status"]) == ("male", "other", "other")
    statements = convert("taiwan", "statements", path).to_pylist()
    assert len(statements) == 12
    of_second = [
        (row["statement_date"], row["month"], row["delay_months"], row["bill"], row["paid"])
        for row in statements
        if row["client_id"] == 2
    ]
    assert of_second == [
        (datetime(2005, 4, 30, tzinfo=UTC), 4, 4, 6, 16),
        (datetime(2005, 5, 31, tzinfo=UTC), 5, 5, 5, 15),
        (datetime(2005, 6, 30, tzinfo=UTC), 6, 6, 4, 14),
        (datetime(2005, 7, 31, tzinfo=UTC), 7, 7, 3, 13),
        (datetime(2005, 8, 31, tzinfo=UTC), 8, 8, 2, 12),
        (datetime(2005, 9, 30, tzinfo=UTC), 9, 9, -1, 11),
    ]


def test_missing_income_stays_missing(tmp_path: Path) -> None:
    table = convert("give_me_some_credit", "applicants", made(tmp_path, GIVE_ME_SOME_CREDIT, zipped=True))
    assert table["applicant_id"].to_pylist() == [1, 2]
    assert table["monthly_income"].to_pylist() == [9120.0, None]
    assert table["dependents"].to_pylist() == [2, None]
    assert table["times_90_late"].to_pylist() == [0, 98]


def test_shifted_rows_are_dropped_and_the_others_keep_their_number(tmp_path: Path) -> None:
    table = convert("pakdd2009", "applications", made(tmp_path, PAKDD, zipped=True))
    assert table["application_id"].to_pylist() == [1, 3]
    assert table["bad"].to_pylist() == [1, 0]
    assert table["personal_net_income"].to_pylist() == [300.0, 300.25]
    assert table["profession_code"].to_pylist() == ["731", "853"]
    assert "unnamed" not in table.column_names


def test_one_hot_columns_fold_back(tmp_path: Path) -> None:
    table = convert("german_credit", "applicants", made(tmp_path, GERMAN))
    assert table.to_pylist()[0] == {
        "applicant_id": 1, "duration_months": 6, "credit_amount": 1169, "instalment_rate": 4, "residence_since": 4,
        "existing_credits": 2, "dependents": 1, "sex": "male", "aged_25_or_over": "yes", "status": "A11",
        "purpose": "A410", "foreign_worker": "A201", "bad": 0,
    }  # fmt: skip
    assert table["purpose"].to_pylist() == ["A410", "A41"]


@pytest.mark.slow
def test_the_real_sets_are_what_their_notes_say(tmp_path: Path) -> None:
    shapes = {
        "public://taiwan/clients": (30_000, 0.2212),
        "public://give_me_some_credit/applicants": (150_000, 0.06684),
        "public://pakdd2009/applications": (39_988, 0.1979),
        "public://german_credit/applicants": (1_000, 0.3),
    }
    for uri, (rows, rate) in shapes.items():
        table = read_public(uri, tmp_path)
        label = next(name for name in table.column_names if name.startswith(("bad", "default_", "serious_")))
        assert table.num_rows == rows
        assert sum(table[label].to_pylist()) / rows == pytest.approx(rate, abs=5e-4)
    assert read_public("public://taiwan/statements", tmp_path).num_rows == 180_000
    duplicates = {"taiwan": ("ID", "35 clients"), "give_me_some_credit": ("id", "609 applicants")}
    for name, (key, says) in duplicates.items():
        raw = duckdb.read_csv(str(cached_file(name, SETS[name], tmp_path)))
        distinct = raw.project(f"* EXCLUDE ({key})").distinct().count("*").fetchall()[0][0]
        note = next(note for notes in SETS[name].tables.values() for note in notes)
        assert note.startswith(says)
        assert raw.count("*").fetchall()[0][0] - distinct == int(says.split()[0])
