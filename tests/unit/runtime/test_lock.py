"""Two live commands never share a state folder, and a dead one leaves no lock behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from loanwright.errors import EnvironmentFault
from loanwright.runtime.lock import held

HOLD = """
import sys, time
from pathlib import Path
from loanwright.runtime.lock import held
with held(Path(sys.argv[1]), "run abc (process 7)"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_holder_is_told_who_has_it_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(EnvironmentFault, match=r"run abc \(process 7\) is at work in .*LOANWRIGHT_STATE"):
            held(tmp_path, "another").__enter__()
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    with held(tmp_path, "another"):
        assert (tmp_path / "lock").read_text() == "another"
