from __future__ import annotations

import subprocess
import sys

TRAIN = """
import sys
from loanwright.training.quick_import import import_lightgbm_alone
import_lightgbm_alone()
import_lightgbm_alone()
assert "lightgbm" in sys.modules
assert not {"sklearn", "pandas", "matplotlib", "dask"} & set(sys.modules), sorted(sys.modules)
import lightgbm, numpy
x = numpy.arange(100.0)[:, None]
booster = lightgbm.train({"verbosity": -1}, lightgbm.Dataset(x, x[:, 0]), 3)
assert numpy.ptp(lightgbm.Booster(model_str=booster.model_to_string()).predict(x)) > 0
import sklearn.metrics
"""
KEPT = """
import sys, sklearn
from loanwright.training.quick_import import import_lightgbm_alone
import_lightgbm_alone()
from lightgbm import LGBMClassifier
assert sys.modules["sklearn"] is sklearn
LGBMClassifier()
"""
WITHOUT = """
import sys
from loanwright.training.quick_import import do_without_pandas
do_without_pandas()
import pyarrow as pa
assert pa.array([1.5, None]).null_count == 1
assert "pandas" not in sys.modules
"""
WITH = """
import pandas
from loanwright.training.quick_import import do_without_pandas
do_without_pandas()
import pyarrow as pa
assert pa.table({"a": [1.5]}).to_pandas()["a"].sum() == 1.5
"""


def test_lightgbm_trains_without_what_it_does_not_need() -> None:
    subprocess.run([sys.executable, "-c", TRAIN], check=True)


def test_what_is_imported_already_stays_and_is_used() -> None:
    subprocess.run([sys.executable, "-c", KEPT], check=True)


def test_arrow_takes_lists_without_pandas() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT], check=True)


def test_pandas_that_is_there_stays() -> None:
    subprocess.run([sys.executable, "-c", WITH], check=True)
