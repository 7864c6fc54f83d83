"""Training that cannot be killed: whatever happens, it ends with the same booster or with one clear error, soon."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from loanwright.config.learning import EarlyStopping, Fractions, Parameters, Split, Training
from loanwright.errors import EnvironmentFault, StorageFault
from loanwright.runtime.object_server import ObjectServer
from loanwright.runtime.settings import Settings, environment
from loanwright.storage import Store, open_store
from loanwright.training.job import Job
from loanwright.training.publishing import noted_booster
from loanwright.training.train import Trained, train
from tests.builders.faulty import fault, garbage, ordered
from tests.builders.project import Project, kill, wait_until
from tests.builders.s3_proxy import proxied
from tests.builders.tables import publish_table

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SPLIT = Split(method="hash", fractions=Fractions(train=0.6, calibration=0.2, test=0.2))
TRAINING = Training(
    rounds=60,
    segment=10,
    early_stopping=EarlyStopping(patience=60),
    parameters=Parameters(bagging_fraction=0.7, bagging_freq=1, feature_fraction=0.6, learning_rate=0.1, num_leaves=15),
)
_WATCHDOG = 6.0


def _table(store: Store, seed: int = 0) -> str:
    return publish_table(store, rows=3000, features=8, categories=2, row_group=500, seed=seed)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


@pytest.fixture(scope="module")
def digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The booster's digest of a training that nobody disturbs."""
    folder = tmp_path_factory.mktemp("undisturbed")
    store = open_store(str(folder / "store"))
    trained = train(_table(store), SPLIT, TRAINING, store, folder / "scratch", workers=2)
    assert trained.outcome is not None
    assert trained.outcome.restarts == ()
    return _digest(trained)


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setenv("LOANWRIGHT_WATCHDOG_SECONDS", str(_WATCHDOG))
    yield monkeypatch
    assert not [child for child in psutil.Process().children(recursive=True) if "worker" in " ".join(child.cmdline())]


def _order(orders: pytest.MonkeyPatch, *faults: dict[str, object]) -> None:
    for name, value in ordered(*faults).items():
        orders.setenv(name, value)


def _digest(trained: Trained) -> str:
    return trained.uri.rsplit("/", 2)[1]


def _train(store: Store, folder: Path, *, training: Training = TRAINING, workers: int = 2, seed: int = 0) -> Trained:
    return train(_table(store, seed), SPLIT, training, store, folder / "scratch", workers=workers)


def _whys(trained: Trained) -> list[tuple[str, int]]:
    assert trained.outcome is not None
    return [(restart.why, restart.round) for restart in trained.outcome.restarts]


@pytest.mark.parametrize(
    ("faults", "workers", "why", "round_"),
    [
        ([fault(0, 37, "signal:SIGKILL")], 2, "worker 0 was killed by SIGKILL", 30),
        ([fault(1, 37, "signal:SIGKILL")], 2, "worker 1 was killed by SIGKILL", 30),
        ([fault(1, 1, "signal:SIGKILL")], 2, "worker 1 was killed by SIGKILL", 0),
        ([fault(0, 37, "signal:SIGKILL"), fault(2, 37, "signal:SIGKILL")], 3, "was killed by SIGKILL", 30),
        ([fault(1, 37, "signal:SIGSEGV")], 2, "worker 1 was killed by SIGSEGV", 30),
        ([fault(1, 37, "exit:0")], 2, "worker 1 ended as if all was done, while the others were still at work", 30),
        ([fault(0, 37, "exit:0")], 2, "worker 0 ended as if all was done, while the others were still at work", 30),
        ([fault(1, 37, "signal:SIGTERM")], 2, "was told to stop", 40),
        ([fault(1, 37, "signal:SIGSTOP")], 2, "worker 1 did not answer any more", 30),
        ([fault(0, 37, "signal:SIGSTOP")], 2, "worker 0 did not answer any more", 30),
    ],
)
def test_a_worker_is_lost_midway(
    orders: pytest.MonkeyPatch,
    store: Store,
    tmp_path: Path,
    digest: str,
    faults: list[dict[str, object]],
    workers: int,
    why: str,
    round_: int,
) -> None:
    _order(orders, *faults)
    began = time.monotonic()
    trained = _train(store, tmp_path, workers=workers)
    assert _digest(trained) == digest
    ((said, safe),) = _whys(trained)
    assert why in said
    assert safe == round_
    assert time.monotonic() - began < 90
    assert not list(store.list("checkpoints/"))


def test_one_never_starts(orders: pytest.MonkeyPatch, store: Store, tmp_path: Path, digest: str) -> None:
    orders.setenv("LOANWRIGHT_MEETING_SECONDS", "4")
    _order(orders, fault(1, 0, "sleep:3600"))
    trained = _train(store, tmp_path)
    assert _digest(trained) == digest
    assert [why for why, _ in _whys(trained)] == [
        "worker 0 did not meet all the others in time: rank 1 of 2 did not come within 4 s. "
        "Look for the log of a worker that did not start, or raise the deadline"
    ]


def test_one_never_starts_again_and_again(orders: pytest.MonkeyPatch, store: Store, tmp_path: Path) -> None:
    orders.setenv("LOANWRIGHT_MEETING_SECONDS", "2")
    orders.setenv("LOANWRIGHT_RETRIES", "1")
    _order(orders, fault(1, 0, "sleep:3600", attempts=99))
    with pytest.raises(EnvironmentFault, match=r"given up after 2 attempts.*rank 1 of 2 did not come within 2 s"):
        _train(store, tmp_path)


def test_one_comes_after_the_deadline(orders: pytest.MonkeyPatch, store: Store, tmp_path: Path, digest: str) -> None:
    orders.setenv("LOANWRIGHT_MEETING_SECONDS", "4")
    _order(orders, fault(1, 0, "sleep:5"))
    trained = _train(store, tmp_path)
    assert _digest(trained) == digest
    assert "rank 1 of 2 did not come within 4 s" in _whys(trained)[0][0]


def test_somebody_speaks_garbage_to_every_port(
    orders: pytest.MonkeyPatch, store: Store, tmp_path: Path, digest: str
) -> None:
    orders.setenv("LOANWRIGHT_PORTS", "24500-24509")
    with garbage(24500, 24509, connections=40) as hit:
        trained = _train(store, tmp_path)
    assert hit
    assert _digest(trained) == digest


def test_ports_that_are_taken_are_not_used(
    orders: pytest.MonkeyPatch, store: Store, tmp_path: Path, digest: str
) -> None:
    orders.setenv("LOANWRIGHT_PORTS", "24510-24529")
    with _taken(range(24510, 24530, 2)):
        assert _digest(_train(store, tmp_path)) == digest
    orders.setenv("LOANWRIGHT_PORTS", "24530-24532")
    with _taken(range(24530, 24533)), pytest.raises(EnvironmentFault, match="all ports from 24530 to 24532 are taken"):
        _train(store, tmp_path)


@contextmanager
def _taken(ports: range) -> Iterator[None]:
    with ExitStack() as servers:
        for port in ports:
            servers.enter_context(socket.create_server(("", port)))
        yield


def test_two_trainings_of_one_declaration_at_once(
    orders: pytest.MonkeyPatch, store: Store, tmp_path: Path, digest: str
) -> None:
    """They write the same checkpoints, under the same names, and the first to end removes them."""
    with ThreadPoolExecutor(2) as pool:
        trainings = [pool.submit(_train, store, tmp_path / str(number)) for number in range(2)]
        assert [_digest(training.result(120)) for training in trainings] == [digest, digest]


def test_the_checkpoints_go_before_the_booster_is_asked_for(
    store: Store, tmp_path: Path, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an equal training removes them that ends a moment earlier."""

    def late(job: Job, place: Store) -> str:
        job.checkpoints(place).remove()
        return noted_booster(job, place)

    monkeypatch.setattr("loanwright.training.train.noted_booster", late)
    assert _digest(_train(store, tmp_path)) == digest


_DRIVER = """
import logging, sys
from pathlib import Path
from tests.e2e.test_training_faults import TRAINING, _digest, _train
from loanwright.storage import open_store
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
print("booster", _digest(_train(open_store(sys.argv[1]), Path(sys.argv[2]))), flush=True)
"""


def _driver(store: Store, folder: Path, group: Path | None = None, **variables: str) -> subprocess.Popen[str]:
    """A process that trains; in that control group, if one is given."""
    enter = f"echo $$ > {group}/cgroup.procs; " if group else ""
    command = ["sh", "-c", f'{enter}exec "$@"', "sh", sys.executable, "-c", _DRIVER, store.root, str(folder)]
    path = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), variables.pop("PYTHONPATH", ""))))
    return subprocess.Popen(
        command,
        env={**os.environ, **variables, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def test_the_supervisor_is_killed_and_started_again(store: Store, tmp_path: Path, digest: str) -> None:
    first = _driver(store, tmp_path, **ordered(fault(1, 37, "sleep:3600")))
    wait_until(lambda: [stored.key for stored in store.list("checkpoints/") if "000002" in stored.key], 60)
    workers = psutil.Process(first.pid).children()
    kill(first.pid)
    first.communicate()
    _, alive = psutil.wait_procs(workers, timeout=5)
    assert (len(workers), alive) == (2, [])
    second = _driver(store, tmp_path)
    said, _ = second.communicate(timeout=120)
    assert f"booster {digest}" in said
    assert "going on after round 30" in said


def test_the_supervisor_is_told_to_stop_and_leaves_a_checkpoint(store: Store, tmp_path: Path, digest: str) -> None:
    first = _driver(store, tmp_path, **ordered(fault(0, 33, "sleep:0.5")))
    wait_until(lambda: [stored.key for stored in store.list("checkpoints/") if "000002" in stored.key], 60)
    first.terminate()
    said, _ = first.communicate(timeout=60)
    assert "it was told to stop. Run it again: it goes on from its last checkpoint" in said
    said, _ = _driver(store, tmp_path).communicate(timeout=120)
    assert f"booster {digest}" in said
    assert "going on after round" in said


def _interrupted(orders: pytest.MonkeyPatch, store: Store, folder: Path, **how: object) -> list[Path]:
    """Checkpoints of 30 rounds that a training left which was given up."""
    orders.setenv("LOANWRIGHT_RETRIES", "0")
    _order(orders, fault(1, 37, "signal:SIGKILL", attempts=99))
    with pytest.raises(EnvironmentFault, match="given up after 1 attempts"):
        _train(store, folder, **how)  # type: ignore[arg-type]
    orders.delenv("TEST_FAULTS")
    return sorted(Path(store.root).glob("checkpoints/*/segment-*.json"))


def test_a_torn_checkpoint_is_not_gone_on_from(
    orders: pytest.MonkeyPatch, store: Store, tmp_path: Path, digest: str
) -> None:
    kept = _interrupted(orders, store, tmp_path)
    assert len(kept) == 3
    kept[2].write_bytes(kept[2].read_bytes()[:-200])
    said, _ = _driver(store, tmp_path).communicate(timeout=120)
    assert f"{kept[2].name} is not used: it is torn, or was changed" in said
    assert "going on after round 20" in said
    assert f"booster {digest}" in said


@pytest.mark.parametrize("other", ["parameters", "data"])
def test_a_checkpoint_of_another_training_is_not_gone_on_from(
    orders: pytest.MonkeyPatch, store: Store, tmp_path: Path, digest: str, other: str
) -> None:
    kept = _interrupted(orders, store, tmp_path)
    another = open_store(str(tmp_path / "another"))
    changed = TRAINING.model_copy(update={"seed": 9}) if other == "parameters" else TRAINING
    swapped = _interrupted(orders, another, tmp_path, training=changed, seed=0 if other == "parameters" else 1)
    shutil.copy(swapped[1], kept[1])
    said, _ = _driver(store, tmp_path).communicate(timeout=120)
    assert f"{kept[1].name} is not used: it is of another training" in said
    assert "going on after round 10" in said
    assert f"booster {digest}" in said


@contextmanager
def _small_disk(folder: Path, size: str) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_the_disk_is_full_at_a_checkpoint(orders: pytest.MonkeyPatch, tmp_path: Path, digest: str) -> None:
    with _small_disk(tmp_path / "disk", "8m") as disk:
        store = open_store(str(disk / "store"))
        _order(orders, fault(0, 37, f"fill:{disk / 'filler'}"))
        with pytest.raises(StorageFault, match="No space left on device"):
            _train(store, tmp_path)
        (disk / "filler").unlink()
        orders.delenv("TEST_FAULTS")
        assert len(list(store.list("checkpoints/"))) == 3, "nothing half-written is left among the checkpoints"
        assert _digest(_train(store, tmp_path)) == digest


def test_a_memory_limit_that_is_not_seen_beforehand(orders: pytest.MonkeyPatch, store: Store, tmp_path: Path) -> None:
    table = publish_table(store, rows=120_000, features=20)
    _order(orders, fault(1, "loading", "limit:1000000", attempts=99))  # type: ignore[arg-type]
    with pytest.raises(EnvironmentFault) as raised:
        train(table, SPLIT, TRAINING, store, tmp_path / "scratch", workers=2)
    assert "memory ran out" in str(raised.value)
    assert ": training on 71,949 rows and 20 features needs about" in str(raised.value)
    assert "MiB in the largest of 2 workers (1.2 bytes a feature and 100 bytes for each of its" in str(raised.value)


_GROUP = Path("/sys/fs/cgroup/memory")


@pytest.mark.skipif(
    os.geteuid() != 0 or not (_GROUP / "memory.oom_control").exists(), reason="no control group can be made"
)
def test_the_system_kills_a_worker_for_want_of_memory(store: Store, tmp_path: Path) -> None:
    group = _GROUP / f"loanwright-{os.getpid()}"
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text(str(900 << 20))
        driver = _driver(store, tmp_path, group, **ordered(fault(1, 37, "hog", attempts=99)))
        said, _ = driver.communicate(timeout=120)
    finally:
        wait_until(lambda: not (group / "cgroup.procs").read_text(), 10)
        group.rmdir()
    assert "the system killed worker 1 for want of memory: training on" in said
    assert "MiB in the largest of 2 workers (1.2 bytes a feature and 100 bytes for each of its" in said
    assert "the limit for all processes together is 900 MiB" in said


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[dict[str, str]]:
    settings = Settings(project=tmp_path, state=tmp_path, store=None, s3_endpoint=None, s3_port=None, tracking_uri=None)
    server = ObjectServer(settings)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.mark.parametrize("for_ever", [False, True])
def test_s3_fails_at_a_checkpoint(
    orders: pytest.MonkeyPatch, s3: dict[str, str], tmp_path: Path, digest: str, for_ever: bool
) -> None:
    ill_from: list[float] = []
    seconds = 1e9 if for_ever else 30.0

    def ill(method: str, path: str) -> bool:
        if method == "PUT" and "segment-000002" in path and not ill_from:
            ill_from.append(time.monotonic())
        return bool(ill_from) and time.monotonic() - ill_from[0] < seconds

    with proxied(s3["LOANWRIGHT_S3_ENDPOINT"]) as proxy:
        orders.setenv("LOANWRIGHT_WATCHDOG_SECONDS", "120")
        patience = "5" if for_ever else "60"
        with environment({**s3, "LOANWRIGHT_S3_ENDPOINT": proxy.endpoint}):
            orders.setenv("LOANWRIGHT_S3_PATIENCE", patience)
            store = open_store("s3://loanwright/faults")
            table = _table(store)
            proxy.ill = ill
            began = time.monotonic()
            if for_ever:
                with pytest.raises(StorageFault, match=r"failed to write .*segment-000002.json: .*, for \d+ s"):
                    train(table, SPLIT, TRAINING, store, tmp_path / "scratch", workers=2)
                assert time.monotonic() - began < 60
                proxy.ill = None
            trained = train(table, SPLIT, TRAINING, store, tmp_path / "scratch", workers=2)
            assert _digest(trained) == digest
            assert proxy.failed > 1
            assert _whys(trained) == [], "waiting for S3 costs no restart"


def test_twenty_kills_at_random_moments_of_one_training(
    orders: pytest.MonkeyPatch, store: Store, tmp_path: Path
) -> None:
    training = TRAINING.model_copy(update={"rounds": 320, "early_stopping": None})
    undisturbed = _train(open_store(str(tmp_path / "other")), tmp_path / "other-scratch", training=training)
    draw = random.Random(20)
    faults, safe, expected = [], 0, []
    for attempt in range(1, 21):
        # At a segment's very last round it depends on who is killed whether the checkpoint is written.
        at = draw.choice([0, "loading", *(safe + 10 * draw.randint(0, 2) + draw.randint(1, 9) for _ in range(12))])
        faults.append(fault(draw.randint(0, 1), at, "signal:SIGKILL", first=attempt, attempts=attempt))
        safe = max(safe, (at - 1) // training.segment * training.segment) if isinstance(at, int) else safe
        expected.append(safe)
    _order(orders, *faults)
    orders.setenv("LOANWRIGHT_RETRIES", "20")
    trained = _train(store, tmp_path, training=training)
    assert _digest(trained) == _digest(undisturbed)
    assert [round_ for _, round_ in _whys(trained)] == expected
    assert all("was killed by SIGKILL" in why for why, _ in _whys(trained))


def test_the_whole_run_is_killed_and_started_again(project: Project) -> None:
    project.change("rounds: 20", "rounds: 200, segment: 20")
    project.change("learning_rate: 0.1", "learning_rate: 0.01")
    run = project.with_variables(**ordered(fault(1, 110, "sleep:3600"))).started()
    wait_until(lambda: _safe(project) == 100, 120)
    workers = psutil.Process(project.step_record("train")["pid"]).children()
    assert len(workers) == 2
    kill(run.pid)
    run.wait()
    ended, resumed = project.run()
    assert ended.code == 0, ended.out + ended.err
    assert not [worker for worker in workers if worker.is_running()]
    log = (Path(resumed["report"]).parent / "log.txt").read_text()
    assert "going on after round 100" in log
    ended, fresh = project.run("--no-cache")
    assert ended.code == 0, ended.out + ended.err
    assert fresh["bundle_digest"] == resumed["bundle_digest"]


def _safe(project: Project) -> int:
    runs = sorted(project.state.glob("runs/*"), key=lambda path: path.stat().st_mtime)
    try:
        return int(json.loads((runs[-1] / "workers" / "0.json").read_text())["checkpoint"])
    except (OSError, ValueError, IndexError):
        return 0
