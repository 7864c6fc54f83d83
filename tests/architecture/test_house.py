"""The house keeps its shape: no shadowed standard library, small rooms, layers, nothing unpickled."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "platform" / "src" / "loanwright"
SOURCES = sorted(PACKAGE.rglob("*.py"))
LONGEST = 300
FORBIDDEN = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def test_platform_stays_the_standard_library_s() -> None:
    assert not (ROOT / "platform" / "__init__.py").exists()
    code = "import platform; print(platform.python_version())"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_stay_small(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= LONGEST, f"{path} has {lines} lines: is it still one idea?"


def test_sizes_are_reported(record_property: pytest.RecordProperty) -> None:
    sizes = sorted(len(path.read_text().splitlines()) for path in SOURCES)
    record_property("median_lines", sizes[len(sizes) // 2])
    record_property("longest", sizes[-1])
    print(f"{len(sizes)} modules, median {sizes[len(sizes) // 2]} lines, longest {sizes[-1]}")
    assert sizes[len(sizes) // 2] <= 150


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_is_pickled(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not FORBIDDEN & {name.split(".")[0] for name in names}, f"{path} imports {names}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_user_errors_are_no_asserts(path: Path) -> None:
    assert not any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(path.read_text())))


def test_the_library_is_light() -> None:
    code = (
        "import sys, loanwright, loanwright.config.declaration, loanwright.storage, loanwright.errors\n"
        "heavy = {'mlflow', 'lightgbm', 'duckdb', 'pandas', 'matplotlib', 'kfp', 'sklearn', 'boto3'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ended.stdout.strip() == "[]"


def test_layers_hold() -> None:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout


def test_a_component_is_one_call_into_the_steps() -> None:
    for path in sorted((ROOT / "components").glob("*/component.py")):
        tree = ast.parse(path.read_text())
        imports = [
            node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module is not None
        ]
        ours = [name for name in imports if name.startswith("loanwright")]
        assert ours == [f"loanwright.steps.{path.parent.name}"], path
        assert (path.parent / "README.md").exists(), f"{path.parent} has no README.md"
