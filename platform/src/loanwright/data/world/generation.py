"""Generating a world: part by part, in as many processes as wanted, whole or not at all."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from loanwright.data.world.clock import Clock
from loanwright.data.world.parameters import Parameters
from loanwright.data.world.randomness import BLOCK
from loanwright.data.world.recipe import Recipe
from loanwright.data.world.schema import TABLES
from loanwright.errors import EnvironmentFault
from loanwright.storage import canonical_json, file_digest

MANIFEST, SUMMARY = "manifest.json", "truth_summary.json"
_BLOCKS_PER_PART = 4
_TEMPORARY = ".part-"
_BY_CUSTOMER = (*(name for name in TABLES if name != "merchants"), "truth")


@dataclass(frozen=True)
class WorldFile:
    """A file of the world: its path below the world's folder."""

    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class WorldManifest:
    """A world that is there as a whole.

    `folder` holds `tables/<table>/`, `truth/`, `truth_summary.json` and `manifest.json`. `rows` counts every table's
    rows; `files` lists the tables' files and the truth's.
    """

    folder: Path
    recipe: Recipe
    rows: dict[str, int]
    files: tuple[WorldFile, ...]

    @property
    def events(self) -> int:
        """The rows of all tables."""
        return sum(self.rows.values())

    def table(self, name: str) -> list[Path]:
        """The files of a table, in order."""
        return [self.folder / file.path for file in self.files if file.path.startswith(f"tables/{name}/")]


def generate(
    folder: Path,
    *,
    customers: int,
    seed: int,
    months: int = 24,
    parameters: Parameters | None = None,
    processes: int = 1,
) -> WorldManifest:
    """The world of this size and seed in `folder`, made unless it is there already.

    Its own folder below `folder` is named by a digest of all that decides its bytes. It appears there by one rename
    when it is complete. Memory is bounded by four blocks of customers for each process, whatever the size.

    Args:
        customers: how many; about 165 rows each at 24 months.
        months: how many months end at 2026-01-01.
        parameters: of the story; the documented ones if None.
        processes: how many work at once; they change no byte.

    Raises:
        UsageError: a size that cannot be.
        EnvironmentFault: the disk is full, or the folder cannot be written to.
    """
    recipe = Recipe(customers, seed, months, parameters or Parameters())
    target = folder / recipe.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            found = read_manifest(target, recipe)
            if found is not None:
                return found
            if target.exists():
                shutil.rmtree(target)
            for dead in folder.glob(f"{_TEMPORARY}*"):
                shutil.rmtree(dead)
            with tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=folder, ignore_cleanup_errors=True) as scratch:
                made = Path(scratch) / recipe.name
                _write(made, recipe, processes)
                made.replace(target)
    except OSError as error:
        raise EnvironmentFault(f"cannot write the world in {folder}: {error.strerror or error}") from error
    found = read_manifest(target, recipe)
    if found is None:
        raise EnvironmentFault(f"the world at {target} was changed while it was made", fix="Run again")
    return found


def read_manifest(folder: Path, recipe: Recipe) -> WorldManifest | None:
    """The world in that folder, if it is whole: every file is there, with its size."""
    try:
        body = json.loads((folder / MANIFEST).read_bytes())
        files = tuple(WorldFile(**entry) for entry in body["files"])
        whole = all((folder / file.path).stat().st_size == file.bytes for file in files)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not whole or not (folder / SUMMARY).is_file():
        return None
    return WorldManifest(folder, recipe, {name: body["rows"][name] for name in TABLES}, files)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time makes worlds here: what another one left half-done is dead."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(folder: Path, recipe: Recipe, processes: int) -> None:
    """Writes every file, the manifest last."""
    from loanwright.data.world.truth import summary

    blocks = -(-recipe.customers // BLOCK)
    parts = range(-(-blocks // _BLOCKS_PER_PART))
    files = [_merchants(folder, recipe)]
    counted: Any = 0
    rows = dict.fromkeys(TABLES, 0)
    for written, count in _parts(folder, recipe, parts, processes):
        files += written
        counted = counted + count
    for file in files:
        name = Path(file.path).parent.name
        if name in rows:
            rows[name] += file.rows
    published = summary(counted, Clock(recipe.months))
    (folder / SUMMARY).write_bytes(canonical_json(published | {"recipe": recipe.as_json()}))
    body = {
        "synthetic": True,
        "recipe": recipe.as_json(),
        "rows": rows,
        "files": [asdict(file) for file in sorted(files, key=lambda file: file.path)],
    }
    (folder / MANIFEST).write_bytes(canonical_json(body))


def _parts(folder: Path, recipe: Recipe, parts: range, processes: int) -> Iterator[tuple[list[WorldFile], Any]]:
    if processes == 1 or len(parts) == 1:
        for part in parts:
            yield _part(folder, recipe, part)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(parts)), mp_context=context, initializer=_end_with_parent) as pool:
        yield from pool.map(_part, *zip(*((folder, recipe, part) for part in parts), strict=True))


def _end_with_parent() -> None:
    """Sees to it that a worker does not outlive a process that is killed."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _part(folder: Path, recipe: Recipe, part: int) -> tuple[list[WorldFile], Any]:
    """Writes one part's files; gives them, and the truth's histogram."""
    from loanwright.data.world.merchants import merchants
    from loanwright.data.world.simulation import simulate
    from loanwright.data.world.truth import histogram
    from loanwright.data.world.writer import PartWriter

    clock = Clock(recipe.months)
    shops = merchants(recipe.parameters.demand, clock, recipe.seed, recipe.customers)
    blocks = range(-(-recipe.customers // BLOCK))[part * _BLOCKS_PER_PART : (part + 1) * _BLOCKS_PER_PART]
    counted: Any = 0
    with PartWriter(folder, part, _BY_CUSTOMER) as writer:
        for block in blocks:
            made = simulate(recipe.parameters, clock, recipe.seed, block, recipe.customers, shops)
            for name, rows in made.tables.items():
                writer.write(name, rows)
            writer.write("truth", made.truth)
            counted = counted + histogram(made.truth, clock.months)
    return [_file(folder, path, writer.rows[name]) for name, path in writer.paths.items()], counted


def _merchants(folder: Path, recipe: Recipe) -> WorldFile:
    from loanwright.data.world.frames import taken
    from loanwright.data.world.merchants import merchant_rows, merchants
    from loanwright.data.world.writer import PartWriter

    clock = Clock(recipe.months)
    shops = merchants(recipe.parameters.demand, clock, recipe.seed, recipe.customers)
    rows = merchant_rows(recipe.parameters.records.merchant_restated, clock, recipe.seed, shops)
    with PartWriter(folder, 0, ("merchants",)) as writer:
        writer.write("merchants", taken(rows, rows["known_at"] < clock.end))
    return _file(folder, writer.paths["merchants"], writer.rows["merchants"])


def _file(folder: Path, path: Path, rows: int) -> WorldFile:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    return WorldFile(path.relative_to(folder).as_posix(), rows, path.stat().st_size, file_digest(path))
