"""Worlds by address: made at first use in the data cache, and only their tables can be read there."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from loanwright.data.world.generation import SUMMARY, WorldManifest, generate, read_manifest
from loanwright.data.world.recipe import Recipe, locate

_log = logging.getLogger("loanwright")


def world_folder(cache: Path) -> Path:
    """Where worlds are kept, below the folder of cached data."""
    return cache / "world"


def world_at(uri: str, cache: Path) -> WorldManifest:
    """The world of a ``world://`` address, made if it is not there.

    Raises:
        DeclarationError: the address names no table, or no world that can be.
        EnvironmentFault: it cannot be written.
    """
    return _there(locate(uri)[1], cache)


def world_files(uri: str, cache: Path) -> list[Path]:
    """The parquet files of the table at a ``world://`` address, in order; the world is made if it is not there."""
    table, recipe = locate(uri)
    return _there(recipe, cache).table(table)


def truth_summary(uri: str, cache: Path) -> dict[str, Any]:
    """What the world of that address publishes of its truth: counts by month, approval, outcome and log-odds.

    `loanwright.data.world.truth.auc` reads it.
    """
    summary: dict[str, Any] = json.loads((world_at(uri, cache).folder / SUMMARY).read_bytes())
    return summary


def _there(recipe: Recipe, cache: Path) -> WorldManifest:
    folder = world_folder(cache)
    found = read_manifest(folder / recipe.name, recipe)
    if found is None:
        _log.info("making the world of %s customers, seed %s (synthetic)", f"{recipe.customers:,}", recipe.seed)
        found = generate(
            folder,
            customers=recipe.customers,
            seed=recipe.seed,
            months=recipe.months,
            parameters=recipe.parameters,
        )
    return found
