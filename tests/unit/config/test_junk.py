"""Whatever stands in a declaration, the answer is a declaration or a `DeclarationError`, never a traceback."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loanwright.config.documents import read_document
from loanwright.config.problems import Location
from loanwright.config.reading import parse_sections, read_declaration, sections_as_parameters
from loanwright.errors import DeclarationError

EVERYTHING = Path(__file__).parent / "valid" / "everything.yaml"
JUNK: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, float("nan"), float("inf"), 10**30, "", " ", "x", "auc", "\x00", "ä" * 300, "{{", "0d",
    "2026-02-30", [], {}, [[]], [None], [{}], {"": None}, {"x": {"y": []}}, ["x", "x"], [{"name": "x"}], [1, "x", None],
)  # fmt: skip


def places(value: Any, where: Location = ()) -> list[Location]:
    """Every location in a value but the value itself."""
    found: list[Location] = []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inner:
        found += [(*where, key), *places(child, (*where, key))]
    return found


def parent(value: Any, where: Location) -> Any:
    for key in where[:-1]:
        value = value[key]
    return value


@pytest.mark.parametrize("seed", range(8))
def test_junk_in_any_place(seed: int) -> None:
    rng = random.Random(seed)
    sections = sections_as_parameters(EVERYTHING)
    raw = read_document(EVERYTHING).plain()
    refused: list[str] = []
    for original in (sections, raw):
        for where in rng.sample(places(original), 60):
            junk = rng.choice(JUNK)
            changed = copy.deepcopy(original)
            match rng.randrange(3):
                case 0:
                    parent(changed, where)[where[-1]] = junk
                case 1:
                    del parent(changed, where)[where[-1]]
                case _:
                    target = parent(changed, where)
                    target.update({"junk": junk}) if isinstance(target, dict) else target.append(junk)
            try:
                parse_sections(changed)
            except DeclarationError as error:
                refused.append(str(error))
    assert len(refused) > 60
    assert all(refused)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("junk") / "model.yaml"


@given(text=st.text(max_size=60) | st.text("{}[]:-,?&*!|>'\"#%@` \n\tab1", max_size=40))
def test_any_text_as_a_file(file: Path, text: str) -> None:
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(DeclarationError):
        read_declaration(file)


@given(data=st.binary(max_size=60))
def test_any_bytes_as_a_file(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    with pytest.raises(DeclarationError):
        read_declaration(file)
