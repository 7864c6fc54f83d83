"""Files behind an address: one file, a folder of them, or an S3 prefix; and how to know them again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from loanwright.config.base import without_secret
from loanwright.data.world.recipe import SCHEME as WORLD
from loanwright.data.world.recipe import locate
from loanwright.errors import DataError, DeclarationError
from loanwright.storage import Stored, file_digest, open_store

Stamp = list[tuple[str, int, str]]
_S3 = "s3://"


def files_of(uri: str, scratch: Path) -> Iterator[tuple[str, Path]]:
    """Every file with the name to show for it, in order of names. S3 objects are copied one at a time.

    Raises:
        DataError: there is none.
        DeclarationError: the address is of no kind that is known.
    """
    if not uri.startswith(_S3):
        for path in _local(uri):
            yield str(path), path
        return
    root, listed = _listed(uri)
    store = open_store(root)
    copies = scratch / "copies"
    copies.mkdir(parents=True, exist_ok=True)
    for number, stored in enumerate(listed):
        copy = copies / f"{number:06d}{''.join(Path(stored.key).suffixes[-2:])}"
        store.download(stored.key, copy)
        yield f"{root}/{stored.key}", copy
        copy.unlink()


def fingerprint(uri: str) -> list[list[str]]:
    """What identifies the bytes behind an address: hashes of files, or S3's entity tags, sorted.

    It says nothing of where they lie. A world's bytes follow from its recipe: it need not be there yet.
    """
    if uri.startswith(WORLD):
        table, recipe = locate(uri)
        return [[recipe.digest, table]]
    if uri.startswith(_S3):
        return sorted([stored.etag, str(stored.size), _ending(stored.key)] for stored in _listed(uri)[1])
    return sorted([file_digest(path), _ending(path.name)] for path in _local(uri))


def stamp(uri: str) -> Stamp:
    """A cheap sign of change: taken before and after reading, it tells whether a file was written meanwhile.

    Empty for what is no file.
    """
    try:
        if uri.startswith(_S3):
            return [(stored.key, stored.size, stored.etag) for stored in _listed(uri)[1]]
        states = [(path, path.stat()) for path in _local(uri)]
        return [(str(path), state.st_size, str(state.st_mtime_ns)) for path, state in states]
    except (DataError, DeclarationError, FileNotFoundError):
        return []


def _ending(name: str) -> str:
    return "".join(Path(name.lower()).suffixes[-2:])


def is_data(name: str) -> bool:
    """Whether a file below a folder is data: not the hidden and underscored ones that Spark and others leave there."""
    return not any(part.startswith((".", "_")) for part in name.split("/"))


def _local(uri: str) -> list[Path]:
    if "://" in uri and not uri.startswith("file:///"):
        raise DeclarationError(
            f"{without_secret(uri)!r} is no address that can be read",
            fix="Give a path, s3://bucket/prefix/, sql+env://VARIABLE/table, public://set/table or world://table",
        )
    path = Path(uri.removeprefix("file://"))
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(f"there is no file or folder {path}", fix="Correct the 'uri', or bring the file")
    found = sorted(file for file in path.rglob("*") if file.is_file() and is_data(file.relative_to(path).as_posix()))
    if not found:
        raise DataError(f"folder {path} holds no file", fix="Correct the 'uri', or bring the files")
    return found


def _listed(uri: str) -> tuple[str, list[Stored]]:
    """The bucket's address, and the objects: below a prefix that ends in '/', or the one of that very key."""
    bucket, _, prefix = uri.removeprefix(_S3).partition("/")
    root = f"{_S3}{bucket}"
    whole = prefix == "" or prefix.endswith("/")
    below = len(prefix)
    found = [
        stored
        for stored in open_store(root).list(prefix)
        if (stored.size and is_data(stored.key[below:]) if whole else stored.key == prefix)
    ]
    if not found:
        raise DataError(
            f"there is nothing at {uri}",
            fix="Correct the 'uri', or bring the files" if whole else "End the 'uri' with '/' if it is a prefix",
        )
    return root, found
