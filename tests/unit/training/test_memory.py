from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks/training_memory.py"


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_million_rows_take_at_most_1_6_times_their_raw_matrix() -> None:
    command = [sys.executable, str(BENCHMARK), "--rows", "1000000", "--features", "40", "--rounds", "5"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1,000,000" in done.stdout
