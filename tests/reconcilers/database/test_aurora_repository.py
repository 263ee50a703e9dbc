"""From YAML to a login: a repository with an Aurora cluster, applied as a whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pg8000.native

from secrets_pipeline.engine.model import Applied, Outcome, Unchanged
from secrets_pipeline.operations.open_repository import open_repository
from secrets_pipeline.operations.stages import plan_stack
from tests.applying import apply_stack

if TYPE_CHECKING:
    from secrets_pipeline.aws.session import Sessions
    from tests.bench import Bench

FIXTURE = Path(__file__).parents[2] / "fixtures" / "aurora"
STACK, CLUSTER = "shop-dev", "shop-dev-aurora"
_pg8000: Any = pg8000.native  # it ships no types


def applied(sessions: Sessions) -> list[Outcome]:
    context = open_repository(FIXTURE).assemble(sessions, writing=True).stack(STACK)
    return [outcome for outcomes in apply_stack(context).values() for outcome in outcomes]


def document(bench: Bench, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bench.secrets.get_secret_value(SecretId=name)["SecretString"])
    return found


def user_at(host: str, port: int, database: str, username: str, password: str) -> str:
    connection = _pg8000.Connection(username, host=host, port=port, database=database, password=password)
    try:
        return str(connection.run("SELECT current_user")[0][0])
    finally:
        connection.close()


def test_a_repository_with_an_aurora_cluster_is_provisioned_and_its_secrets_open_writer_and_reader(
    bench: Bench, sessions: Sessions
) -> None:
    outcomes = applied(sessions)
    assert {type(outcome) for outcome in outcomes} <= {Applied, Unchanged}, outcomes
    cluster = bench.rds.describe_db_clusters(DBClusterIdentifier=CLUSTER)["DBClusters"][0]
    assert [one["DBInstanceIdentifier"] for one in cluster["DBClusterMembers"]] == [f"{CLUSTER}-1", f"{CLUSTER}-2"]
    assert cluster["ServerlessV2ScalingConfiguration"] == {"MinCapacity": 0.5, "MaxCapacity": 4.0}
    writer = document(bench, "shop/dev/database/writer")
    assert (
        user_at(writer["host"], int(writer["port"]), writer["dbname"], writer["username"], writer["password"]) == "shop"
    )
    reader = urlsplit(bench.secrets.get_secret_value(SecretId="shop/dev/database/reader")["SecretString"])
    assert reader.hostname == cluster["ReaderEndpoint"]
    place = (reader.hostname or "", reader.port or 0, reader.path[1:])
    assert user_at(*place, reader.username or "", unquote(reader.password or "")) == "shop"
    credentials = document(bench, "shop/dev/database/credentials")
    assert {**credentials, "password": ""} == {
        "engine": "postgres",
        "host": cluster["Endpoint"],
        "port": cluster["Port"],
        "username": "shop",
        "dbname": "shop",
        "password": "",
    }
    bench.reset_calls()
    assert {type(outcome) for outcome in applied(sessions)} == {Unchanged}
    assert bench.calls()["GetSecretValue"] == 0
    planned = plan_stack(open_repository(FIXTURE).assemble(sessions).stack(STACK))
    assert not [change for changes in planned.values() for change in changes if change.action.writes]
