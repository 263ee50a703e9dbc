"""Two users that take turns, made alike by the superuser that `masterarn` names."""

# ruff: noqa: S608 - statements for throw-away databases

from __future__ import annotations

import json
from contextlib import closing

import pg8000.exceptions
import pytest

from secrets_pipeline.rotation_lambda.errors import RotationError
from tests.rotation_lambda.grounds import (
    MASTER_PASSWORD,
    STEPS,
    Ground,
    Maria,
    Postgres,
    Server,
    User,
    managed,
    master_secret,
    new_user,
)


def test_the_user_before_keeps_working_while_its_clone_takes_over(ground: Ground, alternating: User) -> None:
    before = alternating.current
    ground.rotate(alternating.arn)
    after = alternating.current
    assert after["username"] == f"{alternating.name}_clone"
    assert alternating.accepts(before)
    assert alternating.accepts(after)
    same = {"username": 0, "password": 0}
    assert {**after, **same} == {**before, **same}


def test_the_two_take_turns_and_only_the_last_two_passwords_are_accepted(ground: Ground, alternating: User) -> None:
    documents = [alternating.current]
    for _ in range(4):
        ground.rotate(alternating.arn)
        documents.append(alternating.current)
        assert [alternating.accepts(one) for one in documents[-2:]] == [True, True]
        assert not any(alternating.accepts(one) for one in documents[:-2])
    names = [one["username"].removeprefix(alternating.name) for one in documents]
    assert names == ["", "_clone", "", "_clone", ""]


def test_every_step_may_be_repeated(ground: Ground, alternating: User) -> None:
    for _ in range(2):
        token = ground.start(alternating.arn)
        for step in STEPS:
            ground.step(step, alternating.arn, token)
            ground.step(step, alternating.arn, token)
        assert alternating.accepts(alternating.current)


def test_in_postgresql_what_one_of_them_makes_the_other_may_alter_and_drop(
    ground: Ground, postgres_server: Postgres
) -> None:
    user = new_user(ground, postgres_server, superuser=master_secret(ground, postgres_server))
    schema = f"s_{user.name}"
    postgres_server.execute(
        f"CREATE SCHEMA {schema}",
        f"GRANT ALL ON SCHEMA {schema} TO {user.name}",
        f"CREATE TABLE {schema}.given (a int)",
        f"GRANT SELECT ON {schema}.given TO {user.name}",
    )
    first = user.current
    user.run(first, f"CREATE TABLE {schema}.made_before (a int)")
    ground.rotate(user.arn)
    clone = user.current
    user.run(clone, f"SELECT * FROM {schema}.given", f"DROP TABLE {schema}.made_before")
    user.run(clone, f"CREATE TABLE {schema}.made_by_clone (a int)")
    with pytest.raises(pg8000.exceptions.DatabaseError):
        user.run(clone, f"INSERT INTO {schema}.given VALUES (1)")
    ground.rotate(user.arn)
    user.run(user.current, f"ALTER TABLE {schema}.made_by_clone ADD b int", f"DROP TABLE {schema}.made_by_clone")
    # A right that the user gets or loses later, the clone gets or loses with it.
    postgres_server.execute(f"GRANT INSERT ON {schema}.given TO {user.name}")
    ground.rotate(user.arn)
    user.run(user.current, f"INSERT INTO {schema}.given VALUES (1)")
    postgres_server.execute(f"REVOKE INSERT ON {schema}.given FROM {user.name}")
    with pytest.raises(pg8000.exceptions.DatabaseError):
        user.run(user.current, f"INSERT INTO {schema}.given VALUES (1)")


def shown(server: Maria, user: str, host: str = "%") -> list[str]:
    """The grants of a MariaDB account, without its name and password."""
    rows = server.execute(f"SHOW GRANTS FOR `{user}`@`{host}`")
    hidden = server.execute(f"SELECT authentication_string FROM mysql.user WHERE User = '{user}' AND Host = '{host}'")
    return sorted(row[0].replace(f"`{user}`@", "`u`@").replace(hidden[0][0], "-") for row in rows)


def test_in_mariadb_the_clone_has_the_same_grants_roles_tls_options_and_limits_at_every_host(
    ground: Ground, maria_server: Maria
) -> None:
    user = new_user(ground, maria_server, superuser=master_secret(ground, maria_server))
    name, clone = user.name, f"{user.name}_clone"
    maria_server.execute(
        f"CREATE TABLE orders.`t {name} TO ``x``, y` (a int, b int)",
        f"CREATE ROLE r_{name}",
        f"GRANT r_{name} TO {name} WITH ADMIN OPTION",
        f"SET DEFAULT ROLE r_{name} FOR {name}",
        f"GRANT SELECT, INSERT (a), UPDATE (a, b) ON orders.`t {name} TO ``x``, y` TO {name} WITH GRANT OPTION",
        f"GRANT ALL ON `other\\_db`.* TO {name}",
        f"GRANT PROCESS ON *.* TO {name} WITH MAX_QUERIES_PER_HOUR 7777 MAX_USER_CONNECTIONS 7",
        f"CREATE USER {name}@'10.%' IDENTIFIED BY '{user.first}'",
        f"GRANT SELECT, DELETE ON orders.* TO {name}@'10.%'",
    )
    ground.rotate(user.arn)
    for host in ("%", "10.%"):
        assert shown(maria_server, clone, host) == shown(maria_server, name, host)
    # What was revoked from the user in use does not come back by way of the other.
    maria_server.execute(
        f"REVOKE UPDATE (a, b), GRANT OPTION ON orders.`t {name} TO ``x``, y` FROM {clone}",
        f"GRANT UPDATE (a) ON orders.`t {name} TO ``x``, y` TO {clone}",
        f"REVOKE r_{name} FROM {clone}",
        f"REVOKE ALL PRIVILEGES ON `other\\_db`.* FROM {clone}",
        f"GRANT SHOW DATABASES ON *.* TO {clone}",
        f"ALTER USER {clone}@'10.%' REQUIRE SUBJECT '/CN=x' AND ISSUER '/CN=y'",
    )
    ground.rotate(user.arn)
    assert user.current["username"] == name
    for host in ("%", "10.%"):
        assert shown(maria_server, clone, host) == shown(maria_server, name, host)
    assert "SUBJECT '/CN=x'" in str(shown(maria_server, name, "10.%"))
    maria_server.execute(f"ALTER USER {name}@'10.%' REQUIRE SSL")
    ground.rotate(user.arn)
    assert "REQUIRE SSL" in str(shown(maria_server, clone, "10.%"))


def test_in_mariadb_nothing_is_said_about_grants_that_are_equal(ground: Ground, maria_server: Maria) -> None:
    user = new_user(ground, maria_server, superuser=master_secret(ground, maria_server))
    ground.rotate(user.arn)
    ground.rotate(user.arn)
    before = maria_server.server.statements.stat().st_size
    ground.rotate(user.arn)
    with maria_server.server.statements.open() as log:
        log.seek(before)
        told = log.read()
    assert "ALTER USER" in told
    assert not [word for word in ("GRANT ", "REVOKE ", "REQUIRE") if word in told.replace("SHOW GRANTS ", "")]


def test_in_mariadb_a_grant_that_cannot_be_copied_stops_the_rotation(ground: Ground, maria_server: Maria) -> None:
    user = new_user(ground, maria_server, superuser=master_secret(ground, maria_server))
    with closing(maria_server.server.root()) as root, root.cursor() as cursor:
        cursor.execute(f"GRANT PROXY ON somebody TO {user.name}")
    token = ground.start(user.arn)
    ground.step("createSecret", user.arn, token)
    with pytest.raises(RotationError, match="PROXY"):
        ground.step("setSecret", user.arn, token)
    assert user.accepts(user.current)


def test_a_superuser_without_the_rights_is_told_what_it_lacks(ground: Ground, server: Server) -> None:
    weak = new_user(ground, server)
    user = new_user(ground, server, superuser=weak.arn)
    token = ground.start(user.arn)
    ground.step("createSecret", user.arn, token)
    with pytest.raises(RotationError, match="Grant it what it lacks"):
        ground.step("setSecret", user.arn, token)
    assert user.accepts(user.current)


def test_without_a_valid_current_login_the_superuser_does_nothing(ground: Ground, alternating: User) -> None:
    ground.secrets.put_secret_value(
        SecretId=alternating.arn, SecretString=json.dumps({**alternating.current, "password": "Wrong-password-1"})
    )
    token = ground.start(alternating.arn)
    ground.step("createSecret", alternating.arn, token)
    with pytest.raises(RotationError, match="refuses the current login"):
        ground.step("setSecret", alternating.arn, token)
    assert not alternating.accepts(ground.document(alternating.arn, "AWSPENDING"))


@pytest.mark.parametrize("key", ["host", "port", "engine"])
def test_a_superuser_of_another_server_is_refused(ground: Ground, server: Server, key: str) -> None:
    other = {"host": "localhost", "port": 1, "engine": "mysql"}[key]
    place = {"engine": server.engine, "host": "127.0.0.1", "port": server.port, "ssl": False, key: other}
    master = ground.secret(json.dumps({**place, "username": server.master, "password": MASTER_PASSWORD}))
    user = new_user(ground, server, superuser=master)
    token = ground.start(user.arn)
    ground.step("createSecret", user.arn, token)
    with pytest.raises(RotationError, match="of another database server"):
        ground.step("setSecret", user.arn, token)


def test_a_user_cannot_be_its_own_superuser(ground: Ground, server: Server) -> None:
    user = new_user(ground, server)
    ground.secrets.put_secret_value(SecretId=user.arn, SecretString=json.dumps({**user.current, "masterarn": user.arn}))
    token = ground.start(user.arn)
    ground.step("createSecret", user.arn, token)
    with pytest.raises(RotationError, match="the user that is rotated"):
        ground.step("setSecret", user.arn, token)


def test_a_superuser_whose_password_rds_manages_is_known_by_what_rds_says_of_its_secret(
    ground: Ground, postgres_server: Postgres
) -> None:
    with managed(ground.session) as (managed_server, managed_secret):
        user = new_user(ground, managed_server, superuser=managed_secret)
        ground.rotate(user.arn)
        assert user.accepts(user.current)
        elsewhere = new_user(ground, postgres_server, superuser=managed_secret)
        token = ground.start(elsewhere.arn)
        ground.step("createSecret", elsewhere.arn, token)
        with pytest.raises(RotationError, match="of another database server"):
            ground.step("setSecret", elsewhere.arn, token)


@pytest.mark.parametrize(("engine", "longest"), [("postgres", 57), ("mysql", 26), ("mariadb", 74)])
def test_a_name_without_room_for_the_suffix_is_refused(ground: Ground, engine: str, longest: int) -> None:
    value = {"engine": engine, "host": "h", "password": "First-password-1", "masterarn": "m"}
    for length in (longest, longest + 1):
        arn = ground.secret(json.dumps({**value, "username": "u" * length}))
        token = ground.start(arn)
        if length == longest:
            ground.step("createSecret", arn, token)
        else:
            with pytest.raises(RotationError, match="longer name"):
                ground.step("createSecret", arn, token)
