"""Whatever limits memory here is seen beforehand, and the tightest limit counts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from loanwright.training.available_memory import available_memory, own_memory

_GROUP = Path("/sys/fs/cgroup/memory")


def _write(top: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)


V2 = {"memory.max": "1000000\n", "memory.current": "700000\n", "memory.stat": "anon 5\ninactive_file 200000\n"}
V1 = {
    "memory.limit_in_bytes": "1000000\n",
    "memory.usage_in_bytes": "700000\n",
    "memory.stat": "cache 5\ninactive_file 7\ntotal_inactive_file 200000\n",
}


@pytest.mark.parametrize(
    ("folder", "files", "line"),
    [
        ("", V2, "0::/elsewhere\n"),
        ("job", V2, "0::/job\n"),
        ("job", V2, "0::/job/step/worker\n"),
        ("memory", V1, "4:memory:/elsewhere\n"),
        ("memory/job", V1, "7:pids:/x\n4:memory:/job\n0::/\n"),
        ("memory/job", V1, "4:hugetlb,memory:/job/step\n"),
    ],
)
def test_a_control_groups_limit_counts(tmp_path: Path, folder: str, files: dict[str, str], line: str) -> None:
    _write(tmp_path / folder, files)
    top = tmp_path / "memory" if folder.startswith("memory") else tmp_path
    (top / line.strip().rpartition(":")[2].lstrip("/")).mkdir(parents=True, exist_ok=True)
    mine = tmp_path / "mine"
    mine.write_text(line)
    assert available_memory(tmp_path, mine) == 500_000


def test_the_tightest_group_counts(tmp_path: Path) -> None:
    _write(tmp_path, V2)
    _write(tmp_path / "job", {**V2, "memory.max": "1800000\n"})
    (tmp_path / "mine").write_text("0::/job\n")
    assert available_memory(tmp_path, tmp_path / "mine") == 500_000
    _write(tmp_path, {"memory.max": "max\n"})
    assert available_memory(tmp_path, tmp_path / "mine") == 1_300_000


def test_without_limits_the_machine_counts(tmp_path: Path) -> None:
    _write(tmp_path, {"memory.max": "max\n", "memory.current": "5\n"})
    _write(tmp_path / "memory", {"memory.limit_in_bytes": "9223372036854771712\n", "memory.usage_in_bytes": "5\n"})
    assert 1 << 20 < available_memory(tmp_path, tmp_path / "absent") < 1 << 50
    assert available_memory(tmp_path / "absent", tmp_path / "absent") > 1 << 20


_TOLD = """
import resource, sys
from loanwright.training.available_memory import own_memory
kind, left = sys.argv[1], int(sys.argv[2])
print(own_memory())
used = {"RLIMIT_AS": "VmSize", "RLIMIT_DATA": "VmData"}[kind]
(size,) = [int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith(used + ":")]
resource.setrlimit(getattr(resource, kind), (size + left, resource.RLIM_INFINITY))
print(own_memory())
"""


@pytest.mark.skipif(own_memory() is not None, reason="this process has limits of its own")
@pytest.mark.parametrize("kind", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_a_processs_own_limit_counts(kind: str) -> None:
    command = [sys.executable, "-c", _TOLD, kind, str(300 << 20)]
    before, after = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert before == "None"
    assert 280 << 20 < int(after) < 320 << 20


_REFUSED = """
import resource
from loanwright.errors import EnvironmentFault
from loanwright.training.available_memory import own_memory
from loanwright.training.resources import Load, check_memory, check_preparation
check = {"training": lambda: check_memory(Load(2_000_000, 0, 40, 255, 65_536, 2, 2)),
         "preparing": lambda: check_preparation(2_000_000, 40)}[__import__("sys").argv[1]]
check()
(size,) = [int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmSize:")]
resource.setrlimit(resource.RLIMIT_AS, (size + (100 << 20), resource.RLIM_INFINITY))
try:
    check()
except EnvironmentFault as fault:
    print(fault)
"""


@pytest.mark.skipif(own_memory() is not None, reason="this process has limits of its own")
@pytest.mark.parametrize("what", ["training", "preparing"])
def test_what_does_not_fit_below_a_processs_own_limit_is_refused(what: str) -> None:
    command = [sys.executable, "-c", _REFUSED, what]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said.startswith(what)
    assert re.search(r" 2,000,000 rows and 40 features needs about \d+ MiB.*, and (9\d|100) MiB are available", said)


@pytest.mark.skipif(
    os.geteuid() != 0 or not (_GROUP / "memory.limit_in_bytes").exists(), reason="no control group can be made"
)
def test_a_real_control_group_counts() -> None:
    group = _GROUP / f"loanwright-{os.getpid()}"
    group.mkdir()
    told = "from loanwright.training.available_memory import available_memory; print(available_memory())"
    try:
        (group / "memory.limit_in_bytes").write_text(str(256 << 20))
        entered = f'echo $$ > {group}/cgroup.procs; exec "$@"'
        command = ["sh", "-c", entered, "sh", sys.executable, "-c", told]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    finally:
        group.rmdir()
    assert 128 << 20 < int(said) <= 256 << 20
