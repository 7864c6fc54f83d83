"""What the packages offer by name is what is meant to be offered, and the errors are the tree that is drawn."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

from loanwright import errors

PACKAGE = Path(errors.__file__).parent
PACKAGES = sorted(
    ".".join(("loanwright", *path.parent.relative_to(PACKAGE).parts)) for path in PACKAGE.rglob("__init__.py")
)
OFFERED = {
    "loanwright": {"__version__"},
    "loanwright.cli": {"main"},
    "loanwright.evaluation.report": {"render"},
    "loanwright.storage": {
        "FileEntry",
        "Manifest",
        "Store",
        "Stored",
        "canonical_json",
        "digest_of",
        "fetch",
        "file_digest",
        "open_store",
        "publish",
        "publish_folder",
        "put_file",
        "read_manifest",
        "split_uri",
    },
}
"""All other packages offer nothing by themselves: one names the module one means."""
BRANCH = re.compile(r"^    (?P<indent>[ │├└─]*)(?P<name>[A-Z]\w+)\s+(?P<code>\d)?")


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_offers_what_is_meant(name: str) -> None:
    module = importlib.import_module(name)
    offered = getattr(module, "__all__", [])
    assert set(offered) == OFFERED.get(name, set())
    assert len(set(offered)) == len(offered)
    assert not [word for word in offered if not hasattr(module, word)]
    if name not in OFFERED:
        body = ast.parse(Path(str(module.__file__)).read_text()).body
        assert all(isinstance(node, ast.Expr | ast.Import) for node in body), f"{name} defines something"


def test_the_list_names_packages_that_exist() -> None:
    assert set(PACKAGES) >= set(OFFERED)


def _drawn() -> dict[str, tuple[str | None, int]]:
    """Name → parent and exit code, as the docstring draws it; a branch without a code has its parent's."""
    found: dict[str, tuple[str | None, int]] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        branch = BRANCH.match(line)
        if branch is None:
            continue
        depth = len(branch["indent"]) // 4
        parent = above[depth - 1] if depth else None
        code = int(branch["code"]) if branch["code"] else found[str(parent)][1]
        found[branch["name"]] = (parent, code)
        above[depth:] = [branch["name"]]
    return found


def test_the_errors_are_the_tree_that_their_module_draws() -> None:
    classes = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]
    drawn = _drawn()
    assert len(drawn) == len(classes) == 11
    for kind in classes:
        parent, code = drawn[kind.__name__]
        bases = [base.__name__ for base in kind.__bases__]
        assert bases == [parent or "Exception"], kind
        assert kind.exit_code == code, kind
