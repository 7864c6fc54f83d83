"""`loanwright score` as it is called: which output is a file and which a place, and what is told meanwhile."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from loanwright.cli import scoring_progress
from loanwright.cli.main import app
from loanwright.cli.scoring_progress import ScoringProgress
from loanwright.errors import UsageError
from loanwright.features.table import TrainingTable
from tests.unit.registry.conftest import Parts, bundle_uri, make_parts, parts  # noqa: F401 — fixtures


@pytest.fixture
def command(parts: Parts, bundle_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:  # noqa: F811
    """The command without its output; the rows are 1500 in a folder with one file."""
    (tmp_path / "scratch").mkdir()
    (tmp_path / "rows").mkdir()
    rows = TrainingTable.open(parts.table.uri, tmp_path / "scratch").read_group(0)
    pq.write_table(rows, tmp_path / "rows" / "a.parquet")
    monkeypatch.setattr("loanwright.cli.registry.workplace", lambda _: nullcontext(tmp_path / "scratch"))
    return ["score", "--model", bundle_uri, "--input", str(tmp_path / "rows"), "--output"]


@pytest.mark.parametrize("name", ["scores", "scores.d/"])
def test_a_name_without_an_ending_is_a_place_of_parts(command: list[str], tmp_path: Path, name: str) -> None:
    told = CliRunner().invoke(app, [*command, f"{tmp_path}/{name}"])
    assert told.exit_code == 0, told.exception
    assert told.stdout == f"1,500 rows are scored in {tmp_path}/{name}: 1 part.\n"
    assert pa.concat_tables([pq.read_table(tmp_path / name / "part-000000.parquet")]).num_rows == 1500
    again = CliRunner().invoke(app, [*command, f"{tmp_path}/{name}"])
    assert again.stdout.endswith(": 1 part, of which 1 whole already.\n")


def test_a_file_is_scored_into_a_file(command: list[str], tmp_path: Path) -> None:
    command[4] += "/a.parquet"
    told = CliRunner().invoke(app, [*command, f"{tmp_path}/scores.parquet"])
    assert told.stdout == f"Scored 1,500 rows into {tmp_path}/scores.parquet.\n"


@pytest.mark.parametrize(
    ("output", "more", "said"),
    [
        ("scores.parquet", [], "may be many files, and scores.parquet is one. Give a folder as --output"),
        ("scores.csv", ["--processes", "2"], "scores.csv is one file, which one process writes. Give a folder"),
        ("s3://bucket/scores.parquet", [], "scores go to S3 in parts, and s3://bucket/scores.parquet names a file."),
    ],
)
def test_a_file_that_cannot_take_the_scores_is_refused(
    command: list[str], output: str, more: list[str], said: str
) -> None:
    failed = CliRunner().invoke(app, [*command, output, *more]).exception
    assert isinstance(failed, UsageError)
    assert said in str(failed)


def test_progress_tells_how_many_how_fast_and_how_much_longer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now: list[float] = [0.0]
    monkeypatch.setattr(scoring_progress.time, "monotonic", lambda: now[0])
    tell = ScoringProgress()
    for seconds, done in ((1, 500_000), (1.5, 550_000), (5, 900_000), (6, 950_000), (11, 2_000_000)):
        now[0] = seconds
        tell(done, 2_000_000)
    assert capsys.readouterr().err == (
        "900,000 of 2,000,000 rows scored (45%), 100,000 a second, about 11 s left\n"
        "2,000,000 of 2,000,000 rows scored (100%), 150,000 a second\n"
    )
    now[0] = 20
    tell(2_100_000)
    assert capsys.readouterr().err == "2,100,000 rows scored\n"
