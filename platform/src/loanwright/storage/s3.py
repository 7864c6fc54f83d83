"""A bucket's prefix as a store, by boto3.

The endpoint is LOANWRIGHT_S3_ENDPOINT (absent: AWS itself); credentials and region come from the
standard AWS_* variables or the machine's role.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from loanwright.errors import IntegrityFault, NotStored, StorageFault
from loanwright.storage.ranged import RangedFile
from loanwright.storage.store import Stored

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ENDPOINT_VARIABLE = "LOANWRIGHT_S3_ENDPOINT"
_READS = 3
"""How often a range is asked for before a connection that breaks off is an error."""
_ABSENT = {"404", "NoSuchKey", "NotFound"}
_TAKEN = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict"}
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
        with self._faults("read", key):
            return self._s3.get_object(Bucket=self._bucket, Key=self._prefix + key)["Body"].read()

    def write(self, key: str, data: bytes) -> None:
        with self._faults("write", key):
            self._s3.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=data)

    def create(self, key: str, data: bytes) -> bool:
        from botocore.exceptions import ClientError

        with self._faults("write", key):
            try:
                self._s3.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=data, IfNoneMatch="*")
            except ClientError as error:
                if _code(error) in _TAKEN:
                    return False
                raise
        return True

    def upload(self, key: str, path: Path) -> None:
        with self._faults("write", key):
            self._s3.upload_file(str(path), self._bucket, self._prefix + key)

    def download(self, key: str, path: Path) -> None:
        with self._faults("read", key):
            self._s3.download_file(self._bucket, self._prefix + key, str(path))

    def open(self, key: str) -> BinaryIO:
        with self._faults("read", key):
            head = self._s3.head_object(Bucket=self._bucket, Key=self._prefix + key)
        size, etag = head["ContentLength"], head["ETag"]
        return cast(BinaryIO, RangedFile(size, lambda start, end: self._range(key, etag, start, end)))

    def _range(self, key: str, etag: str, start: int, end: int) -> bytes:
        from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError

        span = f"bytes={start}-{end - 1}"
        with self._faults("read", key):
            for attempts_left in reversed(range(_READS)):
                try:
                    answer = self._s3.get_object(Bucket=self._bucket, Key=self._prefix + key, Range=span, IfMatch=etag)
                    return answer["Body"].read()
                except (HTTPClientError, IncompleteReadError):  # boto3 retries requests, and not bodies that break off
                    if not attempts_left:
                        raise
                except ClientError as error:
                    if _code(error) in _TAKEN:
                        raise IntegrityFault(f"{self.root}/{key} was replaced while it was read") from None
                    raise
        raise AssertionError("the last attempt returns or raises")

    def version(self, key: str) -> str | None:
        try:
            with self._faults("look up", key):
                return self._s3.head_object(Bucket=self._bucket, Key=self._prefix + key)["ETag"]
        except NotStored:
            return None

    def size(self, key: str) -> int | None:
        try:
            with self._faults("look up", key):
                return self._s3.head_object(Bucket=self._bucket, Key=self._prefix + key)["ContentLength"]
        except NotStored:
            return None

    def list(self, prefix: str = "") -> Iterator[Stored]:
        with self._faults("list", prefix):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            for page in pages:
                for entry in page.get("Contents", ()):
                    yield Stored(entry["Key"].removeprefix(self._prefix), entry["Size"], entry.get("ETag", ""))

    def delete(self, key: str) -> None:
        with self._faults("delete", key):
            self._s3.delete_object(Bucket=self._bucket, Key=self._prefix + key)

    def local_path(self, key: str) -> Path | None:
        return None

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
            raise StorageFault(f"{server} failed to {what} {where}: {answer}") from error
        except BotoCoreError as error:
            raise StorageFault(
                f"cannot {what} {where}: S3 at {server} does not answer ({type(error).__name__})",
                fix="Check that the server runs and LOANWRIGHT_S3_ENDPOINT names it",
            ) from error


def _code(error: object) -> str:
    response = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))
