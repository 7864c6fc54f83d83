"""A component's page says what its signature says."""

from __future__ import annotations

from pathlib import Path

import pytest

from loanwright.runtime.component_pages import component_page

COMPONENTS = Path(__file__).parents[3] / "components"
MADE_UP = '''"""Rows in, numbers out."""

from typing import NamedTuple

from kfp import dsl


@dsl.component
def count(snapshot: str, label: str, data: dict, source_overrides: dict, workers: int, fast: bool,
          plot: dsl.Output[dsl.HTML]) -> NamedTuple("Outputs", [("evidence", str), ("version", str), ("rows", int)]):
    """Counts."""
'''


def test_each_input_and_output_is_told_for_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "component.py").write_text(MADE_UP)
    page = component_page(tmp_path / "component.py")
    takes, gives = page.split("## Takes")[1].split("## Gives")
    assert [line for line in takes.splitlines() if line.startswith("| `")] == [
        "| `snapshot` | address of a manifest |",
        "| `label` | text |",
        "| `data` | a section of the declaration |",
        "| `source_overrides` | a mapping |",
        "| `workers` | whole number |",
        "| `fast` | yes or no |",
    ]
    assert [line for line in gives.splitlines() if line.startswith("| `")] == [
        "| `evidence` | address of a manifest |",
        "| `version` | text |",
        "| `rows` | whole number |",
        "| `plot` | KFP artifact `HTML` |",
    ]
    assert "# count\n\nRows in, numbers out.\n\nCounts." in page
    assert "`loanwright.steps.count`" in page


@pytest.mark.parametrize("path", sorted(COMPONENTS.glob("*/component.py")), ids=lambda path: path.parent.name)
def test_the_pages_are_up_to_date(path: Path) -> None:
    assert path.with_name("README.md").read_text() == component_page(path), "run `make generate`"
