"""One pipeline run on this machine: KFP's own local runner over the compiled pipeline."""

from __future__ import annotations

import builtins
import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loanwright.errors import GateBlocked, LoanwrightError
from loanwright.runtime.compiling import compile_pipeline, compile_search, shape_digest
from loanwright.runtime.lock import held
from loanwright.runtime.object_server import ObjectServer
from loanwright.runtime.processes import Identity
from loanwright.runtime.records import RunStart, StepRecord, Summary, read_steps, write_json
from loanwright.runtime.recovery import end_steps, recover
from loanwright.runtime.reuse import cache_folder, sweep
from loanwright.runtime.settings import Settings, environment
from loanwright.runtime.shown_steps import search_steps, training_steps
from loanwright.runtime.store_identity import store_identity
from loanwright.storage import open_store

if TYPE_CHECKING:
    from kfp.components import BaseComponent


@dataclass(frozen=True)
class Request:
    """What to run: a model's folder and the pipeline's parameters."""

    model: str
    folder: Path
    parameters: dict[str, Any]
    use_cache: bool = True
    fan_out: int | None = None
    """How many tasks compute the features; absent: as the model's pipeline has it."""
    changes: tuple[str, ...] = ()
    """What was set for this run alone, as `name=value`."""
    generations: int | None = None
    """Of a search; None where the model is trained."""


TRIALS_AT_ONCE = 2
"""How many iterations of a loop KFP's local runner has at work."""
Watcher = Callable[[str, Path], contextlib.AbstractContextManager[None]]
"""Shows a run's progress while the context is open: given the run's id and its folder."""


def _unwatched(_run_id: str, _folder: Path) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext()


def run(
    settings: Settings, request: Request, watch: Watcher = _unwatched, say: Callable[[str], None] = print
) -> Summary:
    """Runs the model's pipeline and leaves `summary.json`, whatever happens.

    Args:
        settings: where to work.
        request: what to run.
        watch: shows the run's progress.
        say: tells what a person should know before it starts.

    Raises:
        EnvironmentFault: the state folder is in use, or the S3 server does not come up.
    """
    name = request.model if request.generations is None else f"{request.model}-search"
    run_id = f"{name}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    with held(settings.state, f"run {run_id} (process {os.getpid()})"):
        for dead in recover(settings):
            say(f"Run {dead} was killed: marked as interrupted, going on from its last complete step.")
        folder = settings.runs / run_id
        began = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        me = Identity.mine()
        start = RunStart(
            run_id, request.model, me.pid, me.started, began, request.parameters, request.changes, _kind(request)
        )
        write_json(folder / "run.json", asdict(start))
        clock = time.monotonic()
        error: BaseException | None = None
        try:
            _execute(settings, request, run_id, folder, watch)
        except (Exception, KeyboardInterrupt) as caught:
            error = caught
        finally:
            end_steps(folder)
        summary = _summarise(start, folder, time.monotonic() - clock, error, request.generations)
        try:
            write_json(folder / "summary.json", asdict(summary))
        except OSError as unwritten:
            # The step's own error is worth more than this one, and on a full disk it is the same.
            say(f"The run's summary could not be written: {unwritten.strerror}.")
        return summary


def _execute(settings: Settings, request: Request, run_id: str, folder: Path, watch: Watcher) -> None:
    variables = settings.variables()
    if settings.store is None:
        variables |= ObjectServer(settings).start()
    me = Identity.mine()
    variables |= {
        "LOANWRIGHT_RUN_ID": run_id,
        "LOANWRIGHT_RUN_DIR": str(folder),
        "LOANWRIGHT_RUNNER": f"{me.pid}:{me.started}",
        "LOANWRIGHT_SCRATCH": str(settings.state / "scratch" / run_id),
        **({} if request.use_cache else {"LOANWRIGHT_FRESH": "1"}),
        "LOANWRIGHT_CHANGES": json.dumps(request.changes),
        "LOANWRIGHT_TRIALS_AT_ONCE": str(TRIALS_AT_ONCE),
    }
    with environment(variables), _in_folder(settings.project), watch(run_id, folder):
        store = open_store(variables["LOANWRIGHT_STORE"])
        cache = cache_folder(settings.state, store_identity(store))
        sweep(cache, store)
        with _registry_made_ready(settings), warnings.catch_warnings():
            warnings.simplefilter("default")  # KFP warns of what a local run leaves out, even where warnings are errors
            _run_by_kfp(settings, request, cache, folder / "log.txt")


def _run_by_kfp(settings: Settings, request: Request, cache: Path, log: Path) -> None:
    from kfp import local

    local.init(
        local.SubprocessRunner(use_venv=False),
        pipeline_root=str(settings.state / "kfp"),
        enable_caching=request.use_cache,
        cache_root=str(cache),
    )
    pipeline = _pipeline(settings, request)
    with (
        log.open("a", buffering=1) as file,
        contextlib.redirect_stdout(file),
        contextlib.redirect_stderr(file),
        _print_as_it_is(),
    ):
        pipeline(**request.parameters)


@contextlib.contextmanager
def _print_as_it_is() -> Iterator[None]:
    """KFP puts a `print` of its own in place of Python's where tasks run side by side, and leaves it there."""
    before = builtins.print
    try:
        yield
    finally:
        builtins.print = before


def _pipeline(settings: Settings, request: Request) -> BaseComponent:
    """The model's pipeline, compiled once for each shape, and again if what was compiled is damaged."""
    from kfp.components import load_component_from_file

    digest = shape_digest(settings.project, request.folder, request.fan_out)[:16]
    kind = "" if request.generations is None else f".search{request.generations}"
    path = settings.state / "compiled" / f"{request.model}{kind}-{digest}.yaml"
    with contextlib.suppress(Exception):  # absent, or whatever KFP stumbles over in half a file
        return load_component_from_file(str(path))
    if request.generations is None:
        compile_pipeline(settings.project, request.folder, {}, path, fan_out=request.fan_out)
    else:
        compile_search(settings.project, request.folder, {}, request.generations, path)
    return load_component_from_file(str(path))


def _kind(request: Request) -> str:
    return "training" if request.generations is None else "search"


@contextlib.contextmanager
def _registry_made_ready(settings: Settings) -> Iterator[None]:
    """The database's first migration takes seconds; the other core does it while the first steps run."""
    if settings.tracking_uri is not None or settings.database.exists():
        yield
        return
    command = "import sys; from loanwright.registry.client import initialise; initialise(sys.argv[1])"
    helper = subprocess.Popen(
        [sys.executable, "-c", command, settings.registry_uri], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        helper.wait()


@contextlib.contextmanager
def _in_folder(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _summarise(
    start: RunStart, folder: Path, seconds: float, error: BaseException | None, generations: int | None
) -> Summary:
    records = read_steps(open_store(str(folder)))
    results: dict[str, Any] = {}
    for record in records.values():
        results |= record.result
    report = folder / "report.html"
    ending = _ending(records, error, folder / "log.txt")
    finished = error is None
    steps = (
        training_steps(records, finished=finished)
        if generations is None
        else search_steps(records, generations, finished=finished)
    )
    return Summary(
        run_id=start.run_id,
        model=start.model,
        began=start.began,
        changes=start.changes,
        seconds=round(seconds, 2),
        metrics=results.get("metrics"),
        gates=results.get("gates"),
        champion=results.get("champion"),
        report=str(report) if report.exists() else None,
        bundle=results.get("bundle"),
        bundle_digest=results.get("bundle_digest"),
        registry_version=results.get("registry_version"),
        mlflow_run=results.get("mlflow_run"),
        unchanged=results.get("unchanged"),
        steps=steps,
        pipeline=start.pipeline,
        search=results.get("search"),
        **ending,
    )


def _ending(records: dict[str, StepRecord], error: BaseException | None, log: Path) -> dict[str, Any]:
    failed = next((record for record in records.values() if record.status == "failed"), None)
    if isinstance(error, KeyboardInterrupt):
        return {"status": "interrupted", "exit_code": 130, "error": "interrupted"}
    if failed is not None:
        status = "blocked" if failed.code == GateBlocked.exit_code else "failed"
        return {"status": status, "exit_code": failed.code, "error": f"{failed.shown}: {failed.error}"}
    if error is None:
        return {"status": "succeeded", "exit_code": 0, "error": None}
    died = next((record for record in records.values() if record.status == "running"), None)
    if died is not None:
        words = f"{died.shown}: the step's process died without a word (killed, or out of memory). Run again to go on"
        return {"status": "failed", "exit_code": 1, "error": words}
    code = error.exit_code if isinstance(error, LoanwrightError) else 1
    words = str(error) if isinstance(error, LoanwrightError) else _unrecorded(error, log)
    return {"status": "failed", "exit_code": code, "error": words}


def _unrecorded(error: BaseException, log: Path) -> str:
    """What is said where no step left a word: the last line of the log, and where it lies."""
    lines = [line.strip() for line in _lines(log) if line.strip() and "[KFP Executor" not in line]
    said = next((line for line in reversed(lines) if "Error" in line), "")
    words = said or f"{type(error).__name__}: {error}".strip().splitlines()[0]
    return f"{words.rstrip('.')}. The log is {log}"


def _lines(log: Path) -> list[str]:
    try:
        return log.read_text(errors="replace").splitlines()
    except OSError:
        return []
