"""Spark as the engine of features: the same texts as DuckDB's, the same bytes, for what one machine cannot hold.

A text's parts become views of a session of their own, and one that is read more than once is kept, for Spark would
compute it again for each reader. Sources are read by Spark itself from the verified files; results leave by way of
files in the scratch folder, in order, so no table has to fit into this process.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loanwright.data.engine import quoted
from loanwright.errors import DataError, EnvironmentFault
from loanwright.features.engines.engine import Engine
from loanwright.features.engines.parquet_files import ParquetFiles
from loanwright.features.engines.spark_text import parts_of, spark_text
from loanwright.features.language.text import readers

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

_SQL = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.legacy.consecutiveStringLiterals.enabled": "false",
    "spark.sql.parser.escapedStringLiterals": "false",
}
"""What a text means: leaving a type's range is an error, times are UTC's, names are as they are written."""
LOCAL = {
    "spark.app.name": "loanwright",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.adaptive.enabled": "false",
    "spark.log.level": "OFF",
    "spark.sql.ui.retainedExecutions": "1",
    "spark.sql.maxPlanStringLength": "1000",
    "spark.ui.retainedJobs": "10",
    "spark.ui.retainedStages": "10",
}
"""A local session: no pages, nothing to be reached from outside, as many partitions as a small machine can use.

The plans are large, and without pages nobody reads what is kept of them.
"""
_TYPES = {
    "int64": "BIGINT", "double": "DOUBLE", "string": "STRING", "bool": "BOOLEAN", "timestamp[us, tz=UTC]": "TIMESTAMP"
}  # fmt: skip
_RANGE = ("ARITHMETIC_OVERFLOW", "NUMERIC_VALUE_OUT_OF_RANGE", "CAST_OVERFLOW", "CAST_INVALID_INPUT")


class SparkEngine(Engine):
    """A session on Spark, with what `Engine` has. Close it when done.

    If the process has a session already (a cluster's, say), it works there and leaves it open; memory and threads are
    then that session's. Java's memory is what the first session of the process was given.

    Args:
        scratch: a folder for what does not fit into memory, and for results on their way; it may not exist yet.
        memory_limit: Java's share, such as ``"3GiB"``; absent: Spark's own choice of 1 GiB.
        threads: absent: two.

    Raises:
        EnvironmentFault: pyspark or Java is not there, or Java does not start.
    """

    deals_by_itself = True

    def __init__(self, scratch: Path, *, memory_limit: str | None = None, threads: int | None = None) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        self._outer, self._started = _session(scratch, memory_limit, threads or 2)
        self._spark = self._outer.newSession()
        for name, value in _SQL.items():
            self._spark.conf.set(name, value)
        self._folder = tempfile.TemporaryDirectory(dir=scratch, prefix="spark-")
        self._kept: list[DataFrame] = []

    def add(self, name: str, table: Any) -> None:
        """Makes an Arrow table, or parquet files, readable as a table of that name."""
        import pyarrow.parquet as pq

        if isinstance(table, ParquetFiles):
            files = [str(path) for path in table.paths]
        else:
            files = [str(Path(self._folder.name) / f"{name}.parquet")]
            pq.write_table(table, files[0])
        columns = ", ".join(f"{spark_text(quoted(field.name))} {_TYPES[str(field.type)]}" for field in table.schema)
        paths = [re.sub(r"([\\*?\[\]{}])", r"\\\1", file) for file in files]
        self._spark.read.schema(columns).parquet(*paths).createOrReplaceTempView(name)

    def alias(self, name: str, table: str) -> None:
        """Makes a table readable under another name too."""
        self._spark.table(table).createOrReplaceTempView(name)

    def remove(self, name: str) -> None:
        """Takes back what was added under that name."""
        self._spark.catalog.dropTempView(name)

    def make(self, name: str, sql: str) -> None:
        """Makes a table of that name of a query's result, computed now and once."""
        with _faults():
            result, parts = self._query(sql)
            result.persist()
            result.count()
            result.createOrReplaceTempView(name)
            self._kept.append(result)
            for part in parts:
                part.unpersist()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """A small result, whole."""
        with _faults():
            return [tuple(row) for row in self._spark.sql(spark_text(sql)).collect()]

    def batches(self, sql: str, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        """A large result, in pieces of at most that many rows, in the query's order."""
        import pyarrow.parquet as pq

        folder = Path(tempfile.mkdtemp(dir=self._folder.name))
        with _faults():
            result, parts = self._query(sql)
            result.write.mode("overwrite").parquet(str(folder))
            for part in parts:
                part.unpersist()
        # Sorted results are written in ranges, one after the other.
        for path in sorted(folder.glob("part-*.parquet")):
            with pq.ParquetFile(path) as file:
                yield from file.iter_batches(rows)
            path.unlink()

    def close(self) -> None:
        """Gives back memory and spilled data."""
        for table in self._kept:
            table.unpersist()
        if self._started:
            self._outer.stop()
        self._folder.cleanup()

    def _query(self, sql: str) -> tuple[DataFrame, list[DataFrame]]:
        """The query's result, not computed yet, and those of its parts that are kept meanwhile."""
        parts, last = parts_of(spark_text(sql))
        kept = []
        for name, body in parts.items():
            part = self._spark.sql(body)
            if readers([*parts.values(), last])[name] > 1:
                kept.append(part.persist())
            part.createOrReplaceTempView(name)
        return self._spark.sql(last), kept


def _session(scratch: Path, memory_limit: str | None, threads: int) -> tuple[SparkSession, bool]:
    """The process's session, and whether it was started here."""
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise EnvironmentFault(
            "the feature engine is spark, and pyspark is not installed",
            fix="Install it: make install-spark; or build with LOANWRIGHT_FEATURE_ENGINE=duckdb",
        ) from None
    active = SparkSession.getActiveSession()
    if active is not None:
        return active, False
    home = os.environ.get("JAVA_HOME")
    if shutil.which(str(Path(home, "bin", "java")) if home else "java") is None:
        raise EnvironmentFault(
            f"Spark needs Java 17, and there is none {f'in JAVA_HOME, {home}' if home else 'on the path'}",
            fix="Install it (Debian: openjdk-17-jre-headless); or build with LOANWRIGHT_FEATURE_ENGINE=duckdb",
        )
    os.environ.setdefault("SPARKLOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.master(f"local[{threads}]")
    settings = {**LOCAL, **_SQL, "spark.local.dir": str(scratch / "spill")}
    if memory_limit is not None:
        settings["spark.driver.memory"] = memory_limit.lower().replace("ib", "").replace("b", "")
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate(), True
    except PySparkException as error:
        raise EnvironmentFault(
            f"Spark did not start: {error}", fix="It needs Java 17 or newer: java -version"
        ) from None


@contextmanager
def _faults() -> Iterator[None]:
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        raise _fault(error) from error


def _fault(error: Any) -> Exception:
    said = error.java_exception.getMessage() if hasattr(error, "java_exception") else str(error)
    reason = str(said).strip().partition("\n")[0]
    if any(condition in reason for condition in _RANGE):
        return DataError(
            f"a value left the range it is calculated in: {reason}",
            fix="Bound the column in its contract, or declare fewer decimals",
        )
    return EnvironmentFault(f"Spark failed: {reason}")
