"""What lint says of a table's values is measured on decisions whose outcome is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from loanwright.config.declaration import Declaration
from loanwright.features.shown.linting import Finding
from loanwright.features.table import TrainingTable
from loanwright.runtime import feature_lint
from loanwright.storage import open_store
from tests.builders.tables import publish_table


def _nothing(*_: Any) -> list[Finding]:
    return []


def test_an_outcome_that_is_open_still_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("lint_rows", "_long_windows"):
        monkeypatch.setattr(feature_lint, name, _nothing)
    monkeypatch.setattr(feature_lint, "_SUSPICIOUS", 0.5)
    end = datetime(2025, 1, 1, tzinfo=UTC)
    uri = publish_table(open_store(str(tmp_path / "store")), observed_until=end.isoformat())

    said = feature_lint.lint_table(
        uri, cast(Declaration, SimpleNamespace(data=None, features=None)), tmp_path / "scratch"
    )

    table = TrainingTable.open(uri, tmp_path / "scratch")
    keys = table.keys()
    last = np.datetime64((end - timedelta(seconds=table.maturity)).replace(tzinfo=None), "us")
    final = keys.decision_time <= last
    assert 0 < final.sum() < table.rows
    value = table.read(final, ["number_0"]).column(0).to_numpy()
    area = roc_auc_score(keys.label[final], value)
    assert f"alone has an AUC of {max(area, 1 - area):.3f}" in next(
        one.says for one in said if one.feature == "number_0"
    )
    assert abs(area - roc_auc_score(keys.label, table.read(final | True, ["number_0"]).column(0).to_numpy())) > 0.001
