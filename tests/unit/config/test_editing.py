"""A value changed in a file's text changes nothing else in it: not a comment, not a space."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from loanwright.config.documents import read_value
from loanwright.config.editing import edited
from loanwright.errors import DeclarationError

SHIPPED = sorted((Path(__file__).parents[3] / "pipelines").glob("*/model.yaml"))
BLOCK = """\
# before
training:
  rounds: 100   # at most
  parameters:
    # slow
    learning_rate: 0.05  # and steady
    num_leaves: "7"

# of the calibration
calibration: {method: sigmoid}
"""
PARAMETERS = ("training", "parameters")


def lines_changed(before: str, after: str) -> list[str]:
    return [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[:2] in ("- ", "+ ")]


def test_values_in_a_block_change_in_place() -> None:
    after = edited(BLOCK, {(*PARAMETERS, "learning_rate"): 0.0312, ("training", "rounds"): 250})
    assert lines_changed(BLOCK, after) == [
        "-   rounds: 100   # at most",
        "+   rounds: 250   # at most",
        "-     learning_rate: 0.05  # and steady",
        "+     learning_rate: 0.0312  # and steady",
    ]


def test_a_new_key_comes_behind_the_last_one_and_before_the_comment_of_what_follows() -> None:
    after = edited(BLOCK, {(*PARAMETERS, "extra_trees"): True})
    assert lines_changed(BLOCK, after) == ["+     extra_trees: true"]
    assert after.splitlines()[6:9] == ['    num_leaves: "7"', "    extra_trees: true", ""]


@pytest.mark.parametrize("end", ["", "\n", "  # the end", "\r\n"])
def test_a_new_key_at_the_end_of_the_file(end: str) -> None:
    after = edited(f"training:\n  rounds: 5{end}", {(*PARAMETERS, "lambda_l2"): 1e-7})
    assert read_value(after) == {"training": {"rounds": 5, "parameters": {"lambda_l2": 1e-7}}}
    assert after.startswith(f"training:\n  rounds: 5{end}"[: 20 + len(end.rstrip())])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{rounds: 5, parameters: {num_leaves: 7}}", "{rounds: 5, parameters: {num_leaves: 9}}"),
        ("{rounds: 5, parameters: {max_bin: 7}}", "{rounds: 5, parameters: {max_bin: 7, num_leaves: 9}}"),
        ("{rounds: 5}", "{rounds: 5, parameters: {num_leaves: 9}}"),
        ("{parameters: {max_bin: 7,\n    }}", "{parameters: {max_bin: 7, num_leaves: 9,\n    }}"),
        (
            "\n  # ünïcode\n  parameters: {max_bin: 7, # all\n    num_leaves: 3}\n",
            "\n  # ünïcode\n  parameters: {max_bin: 7, # all\n    num_leaves: 9}\n",
        ),
    ],
)
def test_flow_mappings_keep_their_form(before: str, after: str) -> None:
    assert edited(f"training: {before}", {(*PARAMETERS, "num_leaves"): 9}) == f"training: {after}"


@pytest.mark.parametrize(
    "text",
    [
        "training: {parameters: {max_bin: &x 1, num_leaves: *x}}\n",
        "training: {parameters: {num_leaves: &x 1, max_bin: *x}}\n",
        "training: {parameters: [1]}\n",
        "training: {parameters: {num_leaves: [1]}}\n",
        "training: {parameters: {}}\n",
    ],
)
def test_what_cannot_be_changed_alone_is_left_to_a_person(text: str) -> None:
    with pytest.raises(DeclarationError, match="Edit it by hand"):
        edited(text, {(*PARAMETERS, "num_leaves"): 9})


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_every_shipped_declaration_can_be_edited(path: Path) -> None:
    before = path.read_text()
    after = edited(before, {(*PARAMETERS, "learning_rate"): 0.0123, (*PARAMETERS, "max_bin"): 99})
    changed = lines_changed(before, after)
    assert [line[0] for line in changed] == ["-", "+", "+"]
    assert read_value(after)["training"]["parameters"]["max_bin"] == 99
