"""Where a training table is built, and what the process has beside it, makes no difference."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.unit.features.growing import LABEL, in_time, until, worlds
from tests.unit.features.snapshots import snapshot
from tests.unit.features.test_build import built, some
from tests.unit.features.worlds_full import DAY, data


def test_the_store_may_lie_in_a_folder_of_any_name(tmp_path):
    folders = [tmp_path / name for name in ("plain", "region=north [1] * 'x'?")]
    for folder in folders:
        folder.mkdir()

    assert len({built(folder, some()).rpartition("/")[2] for folder in folders}) == 1


BUILD = """
import logging
import sys
from pathlib import Path
from loanwright.features.build import build_training_table
from loanwright.storage import open_store
from tests.unit.features.growing import LABEL, some
from tests.unit.features.worlds_full import data
logging.basicConfig(level=logging.INFO)
for snapshot in sys.argv[3:]:
    build_training_table(snapshot, data(label=LABEL), some(1), open_store(sys.argv[1]), Path(sys.argv[2]))
assert "pandas" not in sys.modules
"""


def test_building_never_imports_pandas(tmp_path):
    tables, moment = worlds(1)
    end = max(row["decided"] for row in tables["applications"]) + 9 * DAY
    declared = data(label=LABEL)
    uris = [
        snapshot(declared, known, tmp_path, observed_until=in_time(until_then))
        for known, until_then in ((until(tables, moment), moment), (tables, end))
    ]
    given = [f"{tmp_path}/store", f"{tmp_path}/scratch", *uris]
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", BUILD, *given], capture_output=True, text=True, check=False, cwd=root)

    assert not done.returncode, done.stderr
    assert "others are kept from the table before" in done.stderr
