"""LightGBM and Arrow without the optional libraries that they look for: 0.3 s instead of 1.8 s."""

from __future__ import annotations

import sys

_OPTIONAL = ("sklearn", "pandas", "matplotlib", "dask")


def import_lightgbm_alone() -> None:
    """Imports LightGBM as if scikit-learn, pandas, matplotlib and Dask were not installed.

    For a process of our own, before anything else imports LightGBM: until it ends, LightGBM's scikit-learn
    classes and its reading of pandas frames cannot be used there. The libraries themselves can still be
    imported. Does nothing where LightGBM is imported already, and hides nothing that is.
    """
    if "lightgbm" in sys.modules:
        return
    hidden = [name for name in _OPTIONAL if name not in sys.modules]
    # The import system takes None for "cannot be found", which LightGBM is prepared for.
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        import lightgbm  # noqa: F401
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


def do_without_pandas() -> None:
    """Keeps this process from ever importing pandas, unless it has.

    Arrow looks whether a list that it is given is one of pandas' series, and imports pandas for that: 0.2 s and 40 MiB.
    For a process of our own that needs no data frames.
    """
    if "pandas" not in sys.modules:
        sys.meta_path.insert(0, _NoPandas())


class _NoPandas:
    """The import system's first finder. (Compiled code does not heed a None in `sys.modules`.)"""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("this process does without pandas", name=name)
