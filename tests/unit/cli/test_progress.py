"""Whoever watches a run cannot end it."""

from __future__ import annotations

import errno
import io
import time
from pathlib import Path

import pytest
from rich.console import Console

from loanwright.cli.progress import progress


class _Full(io.StringIO):
    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("terminal", [True, False])
def test_words_that_cannot_be_written_do_not_disturb_the_run(
    tmp_path: Path, terminal: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    full = _Full()
    with progress(Console(file=full, force_terminal=terminal), "tiny-1", tmp_path):
        time.sleep(0.3)
    assert full.writes
    assert capfd.readouterr() == ("", "")
