"""A plain folder as a store: temporary file, then an atomic rename or link."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO

from loanwright.errors import NotStored, StorageFault
from loanwright.storage.store import Stored

_TEMPORARY = ".part-"


@contextmanager
def _faults(what: str, path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise NotStored(f"{path} is not there") from None
    except OSError as error:
        raise StorageFault(f"cannot {what} {path}: {error.strerror or error}") from error


class FolderStore:
    """Objects as files below a folder, which is made when something is first stored."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self.root = str(self._folder)

    def read(self, key: str) -> bytes:
        path = self._folder / key
        with _faults("read", path):
            return path.read_bytes()

    def write(self, key: str, data: bytes) -> None:
        self._put(key, lambda file: file.write(data), os.replace)

    def create(self, key: str, data: bytes) -> bool:
        try:
            self._put(key, lambda file: file.write(data), os.link)
        except FileExistsError:
            return False
        return True

    def upload(self, key: str, path: Path) -> None:
        with path.open("rb") as source:
            self._put(key, lambda file: shutil.copyfileobj(source, file, 1 << 20), os.replace)

    def download(self, key: str, path: Path) -> None:
        with _faults("read", self._folder / key):
            shutil.copyfile(self._folder / key, path)

    def open(self, key: str) -> BinaryIO:
        # A file that is replaced as `write` does it stays what it was for whoever has it open.
        with _faults("read", self._folder / key):
            return (self._folder / key).open("rb")

    def version(self, key: str) -> str | None:
        try:
            state = (self._folder / key).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        # Two writes may share a tick of the clock; two files that are there at a time never share a number.
        return f"{state.st_mtime_ns}-{state.st_size}-{state.st_ino}"

    def size(self, key: str) -> int | None:
        try:
            return (self._folder / key).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def list(self, prefix: str = "") -> Iterator[Stored]:
        found = []
        top = self._folder / prefix.rpartition("/")[0]
        for folder, _, names in os.walk(top):
            for name in names:
                path = Path(folder) / name
                key = path.relative_to(self._folder).as_posix()
                if key.startswith(prefix) and not name.startswith(_TEMPORARY):
                    with suppress(FileNotFoundError):
                        found.append(Stored(key, path.stat().st_size))
        yield from sorted(found, key=lambda stored: stored.key)

    def delete(self, key: str) -> None:
        (self._folder / key).unlink(missing_ok=True)

    def local_path(self, key: str) -> Path | None:
        return self._folder / key

    def _put(self, key: str, fill: Callable[[IO[bytes]], object], place: Callable[[str, Path], None]) -> None:
        target = self._folder / key
        temporary: str | None = None
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=target.parent, prefix=_TEMPORARY, delete=False) as file:
                temporary = file.name
                fill(file)
                file.flush()
                os.fsync(file.fileno())
            place(temporary, target)
        except FileExistsError:
            raise
        except OSError as error:
            raise StorageFault(f"cannot write {target}: {error.strerror or error}") from error
        finally:
            if temporary is not None:
                Path(temporary).unlink(missing_ok=True)
