"""A bucket's prefix as a store, by boto3.

The endpoint is LOANWRIGHT_S3_ENDPOINT (absent: AWS itself); credentials and region come from the
standard AWS_* variables or the machine's role. Faults of the server are waited out, see `patience`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast
from urllib.parse import urlsplit

from loanwright.errors import IntegrityFault, NotStored, StorageFault
from loanwright.storage.patience import PassingFault, patiently
from loanwright.storage.ranged import RangedFile
from loanwright.storage.store import Stored

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

Answer = TypeVar("Answer")

ENDPOINT_VARIABLE = "LOANWRIGHT_S3_ENDPOINT"
_ABSENT = {"404", "NoSuchKey", "NotFound"}
_TAKEN = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict"}
_BUSY = {"SlowDown", "RequestTimeout", "Throttling", "TooManyRequests", "429"}
_THIS_MACHINE = {"127.0.0.1", "localhost"}
_REFUSED = {"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "Forbidden"}


@cache
def _client(endpoint: str | None, _credentials: tuple[str | None, ...]) -> S3Client:
    import boto3
    from botocore.config import Config

    # The default session keeps the first credentials it ever saw.
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1",
        config=Config(
            connect_timeout=5,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": 4},
            s3={"addressing_style": "path" if endpoint else "auto"},
        ),
    )


class S3Store:
    """Objects below ``s3://bucket/prefix``."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self.root = f"s3://{bucket}/{prefix}".rstrip("/")

    @property
    def _s3(self) -> S3Client:
        credentials = (os.environ.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"))
        return _client(os.environ.get(ENDPOINT_VARIABLE), tuple(credentials))

    def read(self, key: str) -> bytes:
        return self._ask("read", key, lambda name: self._s3.get_object(Bucket=self._bucket, Key=name)["Body"].read())

    def write(self, key: str, data: bytes) -> None:
        self._ask("write", key, lambda name: self._s3.put_object(Bucket=self._bucket, Key=name, Body=data))

    def create(self, key: str, data: bytes) -> bool:
        from botocore.exceptions import ClientError

        def attempt(tries: int) -> bool:
            with self._faults("write", key):
                try:
                    self._s3.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=data, IfNoneMatch="*")
                except ClientError as error:
                    if _code(error) not in _TAKEN:
                        raise
                    again = tries + int(error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0))
                    # An earlier try may have stored it though it was answered with a fault.
                    return again > 0 and self.read(key) == data
            return True

        return patiently(attempt)

    def upload(self, key: str, path: Path) -> None:
        self._ask("write", key, lambda name: self._s3.upload_file(str(path), self._bucket, name))

    def download(self, key: str, path: Path) -> None:
        self._ask("read", key, lambda name: self._s3.download_file(self._bucket, name, str(path)))

    def open(self, key: str) -> BinaryIO:
        head = self._ask("read", key, lambda name: self._s3.head_object(Bucket=self._bucket, Key=name))
        size, etag = head["ContentLength"], head["ETag"]
        return cast(BinaryIO, RangedFile(size, partial(self._range, key, etag)))

    def _range(self, key: str, etag: str, start: int, end: int) -> bytes:
        from botocore.exceptions import ClientError

        def attempt(name: str) -> bytes:
            span = f"bytes={start}-{end - 1}"
            try:
                return self._s3.get_object(Bucket=self._bucket, Key=name, Range=span, IfMatch=etag)["Body"].read()
            except ClientError as error:
                if _code(error) in _TAKEN:
                    raise IntegrityFault(f"{self.root}/{key} was replaced while it was read") from None
                raise

        return self._ask("read", key, attempt)

    def version(self, key: str) -> str | None:
        try:
            found = self._ask("look up", key, lambda name: self._s3.head_object(Bucket=self._bucket, Key=name))
        except NotStored:
            return None
        return found["ETag"]

    def size(self, key: str) -> int | None:
        try:
            found = self._ask("look up", key, lambda name: self._s3.head_object(Bucket=self._bucket, Key=name))
        except NotStored:
            return None
        return found["ContentLength"]

    def list(self, prefix: str = "") -> Iterator[Stored]:
        after = ""
        while True:
            page = self._ask("list", prefix, partial(self._page, after))
            for entry in page.get("Contents", ()):
                yield Stored(entry["Key"].removeprefix(self._prefix), entry["Size"], entry.get("ETag", ""))
            if not page["IsTruncated"]:
                return
            after = page["NextContinuationToken"]

    def _page(self, after: str, prefix: str) -> ListObjectsV2OutputTypeDef:
        if after:
            return self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix, ContinuationToken=after)
        return self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix)

    def delete(self, key: str) -> None:
        self._ask("delete", key, lambda name: self._s3.delete_object(Bucket=self._bucket, Key=name))

    def local_path(self, key: str) -> Path | None:
        return None

    def _ask(self, what: str, key: str, action: Callable[[str], Answer]) -> Answer:
        """Does something to the object of that key, whose whole name is given to `action`."""

        def attempt(_tries: int) -> Answer:
            with self._faults(what, key):
                return action(self._prefix + key)

        return patiently(attempt)

    @contextmanager
    def _faults(self, what: str, key: str) -> Iterator[None]:
        from boto3.exceptions import S3UploadFailedError
        from botocore.exceptions import BotoCoreError, ClientError

        where = f"{self.root}/{key}"
        server = os.environ.get(ENDPOINT_VARIABLE) or "AWS"
        try:
            yield
        except (ClientError, S3UploadFailedError) as error:
            # boto3 wraps whatever the server answered to an upload.
            answer = error.__context__ if isinstance(error, S3UploadFailedError) else error
            code = _code(answer)
            if code in _ABSENT:
                raise NotStored(f"{where} is not there") from None
            if code == "NoSuchBucket":
                raise StorageFault(
                    f"bucket {self._bucket!r} does not exist at {server}", fix="Create it, or correct LOANWRIGHT_STORE"
                ) from None
            if code in _REFUSED:
                raise StorageFault(
                    f"{server} refused to {what} {where} ({code})",
                    fix="Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they may do",
                ) from None
            kind = PassingFault if _may_pass(answer) else StorageFault
            raise kind(f"{server} failed to {what} {where}: {answer}") from error
        except BotoCoreError as error:
            kind = PassingFault if _may_come(error, server) else StorageFault
            raise kind(
                f"cannot {what} {where}: S3 at {server} does not answer ({type(error).__name__})",
                fix="Check that the server runs and LOANWRIGHT_S3_ENDPOINT names it",
            ) from error


def _may_pass(answer: object) -> bool:
    """Whether the server says that it is at fault, or that it has too much to do."""
    status = getattr(answer, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or _code(answer) in _BUSY


def _may_come(error: Exception, server: str) -> bool:
    """Whether a server that does not answer may do so yet: one that is restarted elsewhere, not one of this machine."""
    from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, HTTPClientError, IncompleteReadError

    if isinstance(error, EndpointConnectionError) and urlsplit(server).hostname in _THIS_MACHINE:
        return False
    return isinstance(error, EndpointConnectionError | ConnectTimeoutError | HTTPClientError | IncompleteReadError)


def _code(error: object) -> str:
    response = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))
