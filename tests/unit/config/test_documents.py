"""YAML as declarations read it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from loanwright.config.documents import Node, read_document, read_value
from loanwright.errors import DeclarationError


def read(folder: Path, text: str) -> Node:
    path = folder / "x.yaml"
    path.write_text(text)
    return read_document(path)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("NO", "NO"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("007", 7),
        ("-3", -3),
        ("1e-3", 1e-3),
        (".5", 0.5),
        ("2.", 2.0),
        ("12:30", "12:30"),
        ("2026-01-31", "2026-01-31"),
        ("2026-01-31T00:00:00Z", "2026-01-31T00:00:00Z"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("-.inf", -math.inf),
        ("'7'", "7"),
        ('"true"', "true"),
        ("!  x", "x"),
        ("=", "="),
    ],
)
def test_scalars_are_those_of_yaml_1_2(tmp_path: Path, written: str, value: object) -> None:
    found = read(tmp_path, f"key: {written}\n").plain()["key"]
    assert (found, type(found)) == (value, type(value))


def test_a_value_alone_is_read_by_the_same_rules() -> None:
    assert read_value("{a: [1e-3, yes, 2005-10-02]}") == {"a": [1e-3, "yes", "2005-10-02"]}
    assert read_value("") is None
    with pytest.raises(DeclarationError, match="is not allowed"):
        read_value("!!python/name:os.system x")


def test_values_know_their_lines(tmp_path: Path) -> None:
    node = read(tmp_path, "a:\n  b:\n    - 1\n    - c: 2\n\n      d: 3\n")
    file = str(tmp_path / "x.yaml")
    assert node.plain() == {"a": {"b": [1, {"c": 2, "d": 3}]}}
    assert node.locate(("a",)) == (file, 1)
    assert node.locate(("a", "b")) == (file, 2)
    assert node.locate(("a", "b", 1, "d")) == (file, 6)


def test_what_is_not_there_is_located_at_the_last_thing_that_is(tmp_path: Path) -> None:
    node = read(tmp_path, "a:\n  b:\n    - 1\n")
    assert node.locate(("a", "b", 7, "x"))[1] == 2
    assert node.locate(("a", "c"))[1] == 1
    assert node.locate(("a", "b", 0, "x"))[1] == 3


def test_an_alias_stands_where_it_is_used_and_counts_as_what_it_repeats(tmp_path: Path) -> None:
    node = read(tmp_path, "a: &x\n  b: [1, 2]\nc: *x\n")
    assert node.plain() == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}}
    assert node.locate(("c",))[1] == 3
    assert node.size == 1 + 4 + 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", ":2:1: the key 'a' stands twice, first in line 1"),
        ("a: {b: 1, b: 2}\n", ":1:11: the key 'b' stands twice, first in line 1"),
        ("1: x\n", ":1:1: a key is no text: write it in quotes"),
        ("true: x\n", ":1:1: a key is no text: write it in quotes"),
        ("? [a]\n: x\n", ":1:3: a key is no text: write it in quotes"),
        ("a: 1\n--- \nb: 1\n", ":2:1: holds a second document: a declaration is one"),
        ("a:\n\t- 1\n", ":2:1: not valid YAML: a tab stands where only spaces may"),
        ("a: b: c\n", ":1:5: not valid YAML: mapping values are not allowed in this context"),
        ("a: 'x\n", ":2:1: not valid YAML: found unexpected end of stream while scanning a quoted scalar"),
        (
            "a: @x\n",
            ":1:4: not valid YAML: found character that cannot start any token while scanning for the next token",
        ),
    ],
)
def test_what_is_refused_is_told_with_line_and_column(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        read(tmp_path, text)
    assert str(caught.value) == f"{tmp_path / 'x.yaml'}{said}"


def test_many_values_are_counted_before_they_are_kept(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="holds more than 50000 values"):
        read(tmp_path, f"a: [{'1,' * 60_000}]")
