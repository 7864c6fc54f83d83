"""Whatever is killed, whole parts are kept, the rest is made, and the bytes are those of an undisturbed run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loanwright.errors import EnvironmentFault, UsageError
from loanwright.registry.batch import workers
from loanwright.registry.batch.part import Job
from loanwright.registry.batch.run import score_into_parts
from loanwright.registry.bundles import Bundle
from tests.unit.registry.batch.conftest import Digests

Look = Callable[[str], Digests]

_SCRIPT = """
import sys
from pathlib import Path
from loanwright.registry.batch.run import score_into_parts
from loanwright.registry.bundles import Bundle
bundle, rows, output, scratch, processes = sys.argv[1:]
score_into_parts(Bundle.open(bundle, Path(scratch)), rows, output, Path(scratch), processes=int(processes), part_rows=1)
"""


@pytest.fixture(scope="module")
def many(rows: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Sixty parts of 25 rows."""
    folder = tmp_path_factory.mktemp("many")
    pq.write_table(rows, folder / "rows.parquet", row_group_size=25)
    return str(folder)


@pytest.fixture(scope="module")
def undisturbed(bundle: Bundle, many: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scores as they come without a fault."""
    folder = tmp_path_factory.mktemp("undisturbed")
    score_into_parts(bundle, many, str(folder / "scores"), folder, processes=1, part_rows=1)
    return folder / "scores"


def _begin(bundle: Bundle, many: str, output: str, scratch: Path, processes: int) -> subprocess.Popen[bytes]:
    """A process that scores, when at least four parts are whole."""
    command = [sys.executable, "-c", _SCRIPT, bundle.manifest.uri, many, output, str(scratch), str(processes)]
    process = subprocess.Popen(command)
    while len(list(Path(output).glob("_progress/0*.json"))) < 4:
        assert process.poll() is None, "it is done, or has failed, before it could be killed"
        time.sleep(0.005)
    return process


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_killed_midway_it_goes_on_and_ends_with_the_same_bytes(
    bundle: Bundle, many: str, undisturbed: Path, tmp_path: Path, scratch: Path, digests: Look, processes: int
) -> None:
    output = str(tmp_path / "scores")
    process = _begin(bundle, many, output, scratch, processes)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    _, left = psutil.wait_procs(children, timeout=20)
    assert not left, "without the first process the others end"
    found = {path.name: path.stat().st_mtime_ns for path in Path(output).glob("part-*")}
    noted = {f"part-{path.stem}.parquet" for path in Path(output).glob("_progress/0*.json")}
    assert 4 <= len(noted) < 60
    assert not (Path(output) / "_manifest.json").exists()

    made = score_into_parts(bundle, many, output, scratch, processes=1, part_rows=1)

    assert made.kept == len(noted)
    assert all((Path(output) / name).stat().st_mtime_ns == found[name] for name in noted)
    assert digests(output) == digests(str(undisturbed))


@pytest.mark.slow
def test_parts_without_a_receipt_or_other_than_it_are_made_again(
    bundle: Bundle, many: str, undisturbed: Path, tmp_path: Path, scratch: Path, digests: Look
) -> None:
    output = tmp_path / "scores"
    process = _begin(bundle, many, str(output), scratch, 1)
    process.kill()
    process.wait()
    noted = sorted(output.glob("_progress/0*.json"))
    noted[0].unlink()
    noted[1].write_bytes(noted[1].read_bytes()[:20])  # torn
    part = output / f"part-{noted[2].stem}.parquet"
    part.write_bytes(part.read_bytes()[:-40])
    (output / f"part-{noted[3].stem}.parquet").unlink()

    made = score_into_parts(bundle, many, str(output), scratch, processes=1, part_rows=1)

    assert made.kept == len(noted) - 4
    assert digests(str(output)) == digests(str(undisturbed))


@pytest.mark.slow
def test_what_was_begun_with_another_bundle_or_other_reasons_is_refused(
    bundle: Bundle, other_bundle_uri: str, many: str, tmp_path: Path, scratch: Path
) -> None:
    output = str(tmp_path / "scores")
    process = _begin(bundle, many, output, scratch, 1)
    process.kill()
    process.wait()
    other = Bundle.open(other_bundle_uri, scratch)

    with pytest.raises(UsageError, match=rf"begun with bundle {bundle.digest[:12]}…, and this is {other.digest[:12]}…"):
        score_into_parts(other, many, output, tmp_path, part_rows=1)
    with pytest.raises(UsageError, match="begun with 0 reasons, and 1 are asked for"):
        score_into_parts(bundle, many, output, scratch, reasons=1, part_rows=1)
    with pytest.raises(UsageError, match="by another version of Loanwright"):
        score_into_parts(bundle, many, output, scratch, part_rows=700)


@pytest.mark.slow
def test_a_killed_process_ends_the_others_and_says_so(
    bundle: Bundle, many: str, tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = str(tmp_path / "scores")
    started: list[int] = []

    class Watched(workers._Worker):
        def __init__(self, job: Job) -> None:
            super().__init__(job)
            started.append(self._process.pid or 0)

    monkeypatch.setattr(workers, "_Worker", Watched)

    def kill(done: int, total: int) -> None:
        if done >= 250 and psutil.pid_exists(started[0]):
            os.kill(started[0], signal.SIGKILL)

    with pytest.raises(EnvironmentFault, match=r"a scoring process ended .*\(killed; if memory ran out, .*again"):
        score_into_parts(bundle, many, output, scratch, processes=2, part_rows=1, watch=kill)
    assert not any(psutil.pid_exists(pid) for pid in started)

    made = score_into_parts(bundle, many, output, scratch, processes=1, part_rows=1)
    assert 8 <= made.kept < 60
