"""A user that changes its own password, in PostgreSQL and MariaDB."""

# ruff: noqa: S608 - statements for throw-away databases

from __future__ import annotations

import json

import pg8000.native
import pytest

from secrets_pipeline.rotation_lambda.errors import RotationError
from secrets_pipeline.rotation_lambda.password_rule import DEFAULT_RULE, TAG
from tests.rotation_lambda.grounds import STEPS, Ground, Maria, Postgres, Server, User, new_user


def test_the_new_password_is_accepted_and_the_old_one_refused(ground: Ground, single: User) -> None:
    before = single.current
    token = ground.rotate(single.arn)
    after = single.current
    assert single.accepts(after)
    assert not single.accepts(before)
    assert DEFAULT_RULE.allows(after["password"])
    assert "AWSCURRENT" in ground.stages(single.arn)[token]
    assert ground.document(single.arn, "AWSPREVIOUS") == before
    assert {**after, "password": before["password"]} == before


def test_rotations_follow_one_another(ground: Ground, single: User) -> None:
    seen = [single.current["password"]]
    for _ in range(3):
        ground.rotate(single.arn)
        assert single.accepts(single.current)
        seen.append(single.current["password"])
    assert len(set(seen)) == 4


def test_every_step_may_be_repeated(ground: Ground, single: User) -> None:
    token = ground.start(single.arn)
    for step in STEPS:
        ground.step(step, single.arn, token)
        ground.step(step, single.arn, token)
    rotated = single.current
    ground.steps(single.arn, token)
    assert single.current == rotated
    assert single.accepts(rotated)


def test_other_keys_and_their_order_survive(ground: Ground, server: Server) -> None:
    user = new_user(
        ground, server, note="ü€\\\"'", big=2**70, nested={"b": [1, None], "a": 1.5}, dbInstanceIdentifier="x"
    )
    before = user.current
    ground.rotate(user.arn)
    assert list(user.current) == list(before)
    assert {**user.current, "password": before["password"]} == before


def test_the_tag_says_what_the_password_looks_like(ground: Ground, server: Server) -> None:
    user = new_user(ground, server)
    ground.secrets.tag_resource(SecretId=user.arn, Tags=[{"Key": TAG, "Value": "12/numeric=5/special=1:2d"}])
    ground.rotate(user.arn)
    password = user.current["password"]
    assert len(password) == 12
    assert set(password) <= set("0123456789-")
    assert user.accepts(user.current)


@pytest.mark.parametrize(("tag", "says"), [("42/lower=1", "up to 41"), ("26/special=1:2f40", "'/@'"), ("x", "begin")])
def test_a_rule_that_rds_would_refuse_is_refused(ground: Ground, maria_server: Maria, tag: str, says: str) -> None:
    user = new_user(ground, maria_server)
    ground.secrets.tag_resource(SecretId=user.arn, Tags=[{"Key": TAG, "Value": tag}])
    token = ground.start(user.arn)
    with pytest.raises(RotationError, match=says):
        ground.step("createSecret", user.arn, token)
    assert ground.value(user.arn, "AWSPENDING") is None


def test_a_password_that_was_set_by_hand_to_the_previous_one_is_recovered(ground: Ground, single: User) -> None:
    ground.rotate(single.arn)
    token = ground.start(single.arn)
    _set_by_hand(single, single.first)
    ground.steps(single.arn, token)
    assert single.accepts(single.current)


def test_a_password_that_nobody_knows_stops_the_rotation_and_the_error_says_what_to_do(
    ground: Ground, single: User
) -> None:
    before, token = single.current, ground.start(single.arn)
    _set_by_hand(single, "Set-by-hand-1")
    ground.step("createSecret", single.arn, token)
    pending = ground.document(single.arn, "AWSPENDING")
    with pytest.raises(RotationError, match="Give the user the password of AWSCURRENT") as caught:
        ground.step("setSecret", single.arn, token)
    for secret in (before["password"], pending["password"], "Set-by-hand-1"):
        assert secret not in str(caught.value)
    assert single.current == before
    # What the error says helps.
    _set_by_hand(single, before["password"])
    ground.steps(single.arn, token)
    assert single.accepts(single.current)


def _set_by_hand(user: User, password: str) -> None:
    if isinstance(user.server, Postgres):
        user.server.execute(f"ALTER ROLE {user.name} PASSWORD '{password}'")
    else:
        user.server.execute(f"ALTER USER {user.name} IDENTIFIED BY '{password}'")


def test_names_are_quoted(ground: Ground, server: Server) -> None:
    user = new_user(ground, server)
    strange = f"{user.name} x\"'; DROP TABLE t; --"
    if isinstance(server, Postgres):
        server.execute(f'ALTER ROLE {user.name} RENAME TO "{strange.replace(chr(34), chr(34) * 2)}"')
    else:
        server.execute(f"RENAME USER {user.name} TO `{strange}`")
    value = {**user.current, "username": strange}
    renamed = User(ground, server, strange, ground.secret(json.dumps(value)), user.first)
    ground.rotate(renamed.arn)
    assert renamed.accepts(renamed.current)
    assert not renamed.accepts(value)


def test_the_master_user_of_mariadb_rotates_itself_at_every_host(ground: Ground, maria_server: Maria) -> None:
    user = new_user(ground, maria_server)
    root_like = f"GRANT ALL ON *.* TO {user.name} WITH GRANT OPTION"
    maria_server.execute(
        root_like.replace("ALL", "CREATE USER, SELECT, UPDATE"),
        f"CREATE USER {user.name}@localhost IDENTIFIED BY '{user.first}'",
        f"GRANT CREATE USER, SELECT, UPDATE ON *.* TO {user.name}@localhost",
    )
    ground.rotate(user.arn)
    hashes = maria_server.execute(f"SELECT Host, authentication_string FROM mysql.user WHERE User = '{user.name}'")
    assert sorted(host for host, _ in hashes) == ["%", "localhost"]
    assert len({kept for _, kept in hashes}) == 1
    assert user.accepts(user.current)


def test_no_server_is_told_a_password(ground: Ground, single: User, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    run = pg8000.native.Connection.run

    def recording(connection: object, statement: str, *rest: object, **named: object) -> object:
        told.append(statement)
        return run(connection, statement, *rest, **named)

    monkeypatch.setattr(pg8000.native.Connection, "run", recording)
    ground.rotate(single.arn)
    if isinstance(single.server, Maria):
        log = single.server.server.statements.read_text()
        assert "SET PASSWORD" in log
    else:
        log = "".join(told)
        assert "SCRAM-SHA-256$4096:" in log
    assert single.current["password"] not in log
