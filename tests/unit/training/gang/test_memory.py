"""Control groups of both versions, as the kernel writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from loanwright.training.gang.memory import limit_words, out_of_memory_kills

_V2 = {"job/memory.events": "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\n", "job/memory.max": "536870912\n"}
_V1 = {
    "memory/job/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    "memory/job/memory.limit_in_bytes": "536870912\n",
}


@pytest.mark.parametrize(("files", "line"), [(_V2, "0::/job\n"), (_V1, "7:pids:/x\n4:memory:/job\n0::/\n")])
def test_kills_and_limits_are_read(tmp_path: Path, files: dict[str, str], line: str) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    mine = tmp_path / "mine"
    mine.write_text(line)
    assert out_of_memory_kills(tmp_path, mine) == 2
    assert limit_words(tmp_path, mine) == "the limit for all processes together is 512 MiB"


def test_a_system_that_says_nothing(tmp_path: Path) -> None:
    assert out_of_memory_kills(tmp_path, tmp_path / "absent") == 0
    assert limit_words(tmp_path, tmp_path / "absent").startswith("the machine has ")
