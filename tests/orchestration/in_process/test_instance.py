"""Runs in this process make one engine a database of Dagster's storage, and leave files and tables as Dagster knows."""

import json
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest
import sqlalchemy as db
from dagster._core.storage.event_log import SqliteEventLogStorage
from packaging.version import Version

from secrets_pipeline.orchestration.in_process.instance import open_instance
from secrets_pipeline.orchestration.shared.event_log import PooledConnections
from secrets_pipeline.orchestration.shared.home import prepare_home
from tests.e2e.leases.two_hosts import postgres
from tests.waiting import SECONDS

ROOT = Path(__file__).parents[3]
LOST = 0 if Version(dg.__version__) >= Version("1.13.21") else 3
"""Most connections to PostgreSQL that a run loses to `has_table` of an older Dagster. It gives none back itself."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    return prepare_home()


def test_what_runs_said_is_its_owners_alone_in_a_folder_that_was_there_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = tmp_path / "wide"
    wide.mkdir(mode=0o755)
    monkeypatch.setenv("DAGSTER_HOME", str(wide))
    with open_instance() as instance:
        run(instance)
    assert wide.stat().st_mode & 0o777 == 0o755
    kept = [path.relative_to(wide) for path in wide.rglob("*.db")]
    assert kept
    assert {(wide / path.parts[0]).stat().st_mode & 0o777 for path in kept} == {0o700}


@dg.asset
def orders() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"rows": 3})


@dg.asset_check(asset=orders)
def orders_are_there() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def run(instance: dg.DagsterInstance) -> str:
    built = dg.Definitions(assets=[orders], asset_checks=[orders_are_there]).resolve_implicit_global_asset_job_def()
    done = built.execute_in_process(instance=instance)
    assert done.success
    return done.run_id


def told(instance: dg.DagsterInstance, run_id: str) -> list[tuple[str, str]]:
    entries = instance.all_logs(run_id)
    return [(one.dagster_event_type.name if one.dagster_event_type else "", one.message) for one in entries]


def materialised_by(instance: dg.DagsterInstance) -> list[str]:
    records = instance.fetch_materializations(orders.key, limit=50, ascending=True).records
    return [one.run_id for one in records]


def another_process(script: str, *arguments: str) -> subprocess.Popen[str]:
    """Python with the names of this module, on the same DAGSTER_HOME."""
    code = f"import sys\nfrom tests.orchestration.in_process.test_instance import *\n{script}"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_dagsters_own_storage_and_ours_read_what_the_other_wrote_in_another_process() -> None:
    with dg.DagsterInstance.get() as theirs:
        assert type(theirs.event_log_storage) is SqliteEventLogStorage
        earlier = run(theirs)
    with open_instance() as ours:
        later = run(ours)
        assert materialised_by(ours) == [earlier, later]
        assert [kind for kind, _ in told(ours, later)] == [kind for kind, _ in told(ours, earlier)]
        # A webserver or daemon, while ours is open.
        script = """
with dg.DagsterInstance.get() as theirs:
    print(*materialised_by(theirs), run(theirs))
    assert ("RUN_SUCCESS", told(theirs, sys.argv[1])[-1][1]) == told(theirs, sys.argv[1])[-1]
"""
        with another_process(script, later) as other:
            said, _ = other.communicate(timeout=SECONDS)
        assert other.returncode == 0
        *read, again = said.split()
        assert read == [earlier, later]
        assert materialised_by(ours) == [earlier, later, again]
        assert told(ours, again)[-1][0] == "RUN_SUCCESS"


def described(file: Path) -> tuple[list[Any], list[Any], list[Any]]:
    """Tables and indices of a database, the migration that it is at, and how it is written."""
    with closing(sqlite3.connect(file)) as connection:
        tables = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
        at = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        return tables, at, connection.execute("PRAGMA journal_mode").fetchall()


def test_the_database_of_each_run_is_as_dagster_makes_it_and_holds_that_run_alone(home: Path) -> None:
    with dg.DagsterInstance.get() as theirs:
        first = run(theirs)
    made = []
    for _ in range(2):
        with open_instance() as ours:
            made += [run(ours), run(ours)]
            kinds = [[kind for kind, _ in told(ours, run_id)] for run_id in made]
            assert kinds == [[kind for kind, _ in told(ours, first)]] * len(made)
    (folder,) = {path.parent for path in home.rglob(f"{first}.db")}
    assert [described(folder / f"{one}.db") for one in made] == [described(folder / f"{first}.db")] * 4
    assert not [path for path in folder.iterdir() if path.name.rpartition(".")[2].isdigit()]


def test_what_is_said_outside_of_runs_is_said_once(home: Path) -> None:
    with open_instance() as instance:
        run(instance)
        instance.report_runless_asset_event(dg.AssetObservation("alerts", description="red"))
        said = instance.fetch_observations(dg.AssetKey("alerts"), limit=5).records
    assert [one.asset_observation.description for one in said if one.asset_observation] == ["red"]


def test_no_later_run_has_what_another_process_wrote_while_the_first_database_was_made(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PooledConnections, "_empty", b"")
    with dg.DagsterInstance.get() as theirs, dg.DagsterInstance.get() as ours:
        storage: Any = ours.event_log_storage
        own = storage.run_connection

        def late(run_id: str) -> AbstractContextManager[db.Connection]:
            theirs.report_engine_event("another process", run_id=run_id, job_name="work")
            return own(run_id)  # type: ignore[no-any-return] # Dagster types nothing here

        storage.run_connection = late
        PooledConnections(storage)
        for run_id in (str(uuid4()), str(uuid4())):
            ours.report_engine_event("first", run_id=run_id, job_name="work")
            (file,) = home.rglob(f"{run_id}.db")
            with closing(sqlite3.connect(file)) as connection:
                assert connection.execute("SELECT run_id FROM event_logs").fetchall() == [(run_id,), (run_id,)]


def test_the_webserver_is_told_of_an_event_while_the_run_goes_on() -> None:
    script = """
import queue
heard = queue.Queue()
with dg.DagsterInstance.get() as theirs:
    theirs.watch_event_logs(sys.argv[1], None, lambda event, cursor: heard.put(event.user_message))
    print("watching", flush=True)
    while (said := heard.get(timeout=SECONDS)) != "half-way":
        pass
    print(said, flush=True)
"""

    @dg.op
    def long(context: dg.OpExecutionContext) -> None:
        context.log.info("half-way")
        assert other.stdout
        assert other.stdout.readline() == "half-way\n", "the event is seen only when the run is over"

    @dg.job
    def work() -> None:
        long()

    run_id = str(uuid4())
    with open_instance() as ours, another_process(script, run_id) as other:
        assert other.stdout
        try:
            assert other.stdout.readline() == "watching\n"
            assert work.execute_in_process(instance=ours, run_id=run_id).success
        finally:
            other.kill()


def test_processes_write_at_once_and_no_event_is_lost() -> None:
    script = """
print("ready", flush=True)
with open_instance() as ours:
    print(*(run(ours) for _ in range(4)))
"""
    # Dagster's storage of runs cannot be made by two processes at once.
    with open_instance() as ours:
        runs = [run(ours)]
    with another_process(script) as other:
        assert other.stdout
        assert other.stdout.readline() == "ready\n"
        with open_instance() as ours:
            runs += [run(ours) for _ in range(3)]
        runs += other.stdout.read().split()
    with dg.DagsterInstance.get() as theirs:
        assert sorted(materialised_by(theirs)) == sorted(runs)
        assert len(runs) == 8
        assert len({len(told(theirs, one)) for one in runs}) == 1


def test_a_run_makes_an_engine_for_each_database_and_leaves_none_open(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: Counter[str] = Counter()
    connected: Counter[str] = Counter()

    def create_engine(url: str | db.URL, **more: Any) -> db.Engine:  # noqa: ANN401 - SQLAlchemy's
        name = Path(str(url)).name
        made[name] += 1
        engine = db.create_engine(url, **more)
        db.event.listen(engine, "connect", lambda *_: connected.update([name]))
        return engine

    with open_instance() as ours:
        run(ours)
    monkeypatch.setattr("dagster._core.storage.event_log.sqlite.sqlite_event_log.create_engine", create_engine)
    monkeypatch.setattr("secrets_pipeline.orchestration.shared.event_log.create_engine", create_engine)
    with open_instance() as ours:
        run_id = run(ours)
        assert [name for name in opened_files() if name.endswith("/index.db")]
    # Dagster's own makes the tables, where there are none, over two connections.
    assert made == {"index.db": 2, f"{run_id}.db": 2}
    # A table is looked for while another connection writes.
    assert connected["index.db"] <= 2 + 2
    assert not [name for name in opened_files() if name.startswith(str(home))]


def opened_files() -> list[str]:
    found = []
    for one in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.append(str(one.readlink()))
    return found


def test_a_run_keeps_its_connections_to_postgresql_and_outlives_that_it_was_away(home: Path) -> None:
    with postgres() as url, connections_made() as made:
        (home / "dagster.yaml").write_text(json.dumps({"storage": {"postgres": {"postgres_url": url}}}))
        with open_instance() as instance:
            made.clear()
            run(instance)
            assert 0 < len(made) <= 4 + LOST
            made.clear()
            run(instance)
            assert len(made) <= LOST
            witness = db.create_engine(url, isolation_level="AUTOCOMMIT")
            with witness.connect() as connection:
                others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                ended = f"SELECT count(pg_terminate_backend(pid)) {others}"
                assert connection.execute(db.text(ended)).scalar_one() >= 2
            witness.dispose()
            assert told(instance, run(instance))


@contextmanager
def connections_made() -> Iterator[list[object]]:
    """Every connection to a database that this process makes, whoever made the engine."""
    made: list[object] = []

    def count(connection: object, _: object) -> None:
        made.append(connection)

    db.event.listen(db.Pool, "connect", count)
    try:
        yield made
    finally:
        db.event.remove(db.Pool, "connect", count)


def test_another_storage_is_left_alone(home: Path) -> None:
    with (home / "dagster.yaml").open("a") as settings:
        settings.write(
            "event_log_storage:\n  module: dagster._core.storage.event_log\n"
            f"  class: ConsolidatedSqliteEventLogStorage\n  config: {{base_dir: {home / 'own'}}}\n"
        )
    with open_instance() as ours:
        run_id = run(ours)
    assert (home / "own" / "event_log.db").exists()
    assert not list((home / "history").rglob(f"{run_id}.db"))
