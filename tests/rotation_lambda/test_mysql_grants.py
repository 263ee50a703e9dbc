"""SHOW GRANTS of MySQL 5.7, MySQL 8 and MariaDB, and the way from one account's grants to another's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.rotation_lambda.errors import RotationError
from secrets_pipeline.rotation_lambda.mysql_grants import (
    Account,
    GrantedRole,
    Grants,
    Privilege,
    grants,
    requirements,
    statements,
)

APP, CLONE = Account("app", "%"), Account("app_clone", "%")


def test_mysql_5_7_quotes_accounts_as_texts() -> None:
    lines = ["GRANT USAGE ON *.* TO 'app'@'%'", "GRANT SELECT, INSERT ON `orders`.* TO 'app'@'%' WITH GRANT OPTION"]
    assert statements(grants(lines, APP), Grants(), CLONE) == [
        "GRANT GRANT OPTION, INSERT, SELECT ON `orders`.* TO `app_clone`@`%`"
    ]


def test_mysql_8_shows_dynamic_privileges_routines_and_several_roles() -> None:
    lines = [
        "GRANT PROCESS ON *.* TO `app`@`%`",
        "GRANT BACKUP_ADMIN,ROLE_ADMIN ON *.* TO `app`@`%`",
        "GRANT EXECUTE ON PROCEDURE `orders`.`p` TO `app`@`%`",
        "GRANT SELECT (`a`, `b`) ON `orders`.`t` TO `app`@`%`",
        "GRANT `reader`@`%`,`writer`@`10.%` TO `app`@`%` WITH ADMIN OPTION",
    ]
    assert statements(grants(lines, APP), Grants(), CLONE) == [
        "GRANT BACKUP_ADMIN, PROCESS, ROLE_ADMIN ON *.* TO `app_clone`@`%`",
        "GRANT EXECUTE ON PROCEDURE `orders`.`p` TO `app_clone`@`%`",
        "GRANT SELECT (`a`, `b`) ON `orders`.`t` TO `app_clone`@`%`",
        "GRANT `reader`@`%` TO `app_clone`@`%` WITH ADMIN OPTION",
        "GRANT `writer`@`10.%` TO `app_clone`@`%` WITH ADMIN OPTION",
    ]


def test_mariadb_shows_hashes_and_requirements_which_are_no_grants() -> None:
    lines = [
        "GRANT USAGE ON *.* TO `app`@`%` IDENTIFIED BY PASSWORD '*3C32' REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 77",
        "GRANT ALL PRIVILEGES ON `o`.* TO `app`@`%` WITH GRANT OPTION",
        "GRANT `r` TO `app`@`%`",
        "SET DEFAULT ROLE `r` FOR `app`@`%`",
    ]
    made = statements(grants(lines, APP), Grants(), CLONE)
    assert made == [
        "GRANT ALL PRIVILEGES, GRANT OPTION ON `o`.* TO `app_clone`@`%`",
        "GRANT `r` TO `app_clone`@`%`",
        "SET DEFAULT ROLE `r` FOR `app_clone`@`%`",
    ]
    assert "*3C32" not in "".join(made)


@pytest.mark.parametrize(
    "line",
    [
        "GRANT PROXY ON `x`@`%` TO `app`@`%`",
        "REVOKE INSERT ON `orders`.* FROM `app`@`%`",
        "SOMETHING NEW",
    ],
)
def test_a_grant_that_cannot_be_copied_is_said(line: str) -> None:
    with pytest.raises(RotationError, match="single-user strategy"):
        grants([line], APP)


def test_names_that_look_like_sql_are_names() -> None:
    account = Account("a` TO b", "h`; DROP")
    assert str(account) == "`a`` TO b`@`h``; DROP`"
    line = f"GRANT SELECT ON `x TO ``y`` ON z, '\"(`.`t` TO {account}"
    assert grants([line], account).privileges == {Privilege("`x TO ``y`` ON z, '\"(`.`t`", "SELECT")}


NAMES = st.sampled_from(["SELECT", "INSERT", "UPDATE (`a`)", "UPDATE (`a`, `b`)", "GRANT OPTION"])
OBJECTS = st.sampled_from(["*.*", "`o`.*", "`o ON x TO y`.`t`", "FUNCTION `o`.`f`"])
GRANTS = st.builds(
    Grants,
    st.frozensets(st.builds(Privilege, OBJECTS, NAMES)),
    st.dictionaries(st.sampled_from(["`r`", "`s`@`%`"]), st.booleans()).map(
        lambda roles: frozenset(GrantedRole(*one) for one in roles.items())
    ),
    st.none() | st.just("`r`"),
)


def performed(had: Grants, told: list[str]) -> Grants:
    """What a server would have after the statements, read by the code that reads SHOW GRANTS."""
    privileges, roles, default = set(had.privileges), set(had.roles), had.default_role
    for statement in told:
        if statement.startswith("SET DEFAULT ROLE "):
            name = statement.removeprefix("SET DEFAULT ROLE ").split(" FOR ")[0]
            default = None if name == "NONE" else name
            continue
        revoked = statement.startswith("REVOKE ")
        line = statement.replace("REVOKE ", "GRANT ", 1).replace(f" FROM {CLONE}", f" TO {CLONE}")
        found = grants([line], CLONE)
        if revoked:
            privileges -= found.privileges
            roles = {one for one in roles if one.name not in {role.name for role in found.roles}}
        else:
            privileges |= found.privileges
            roles |= found.roles
    return Grants(frozenset(privileges), frozenset(roles), default)


@given(GRANTS, GRANTS)
def test_the_statements_lead_from_any_grants_to_any_others(wanted: Grants, had: Grants) -> None:
    told = statements(wanted, had, CLONE)
    assert performed(had, told) == wanted
    assert bool(told) == (wanted != had)


@pytest.mark.parametrize(
    ("row", "clauses"),
    [
        (("", "", "", "", "0", "0", "0", "0"), "REQUIRE NONE WITH"),
        (("ANY", "", "", "", "1", "2", "3", "4"), "REQUIRE SSL WITH"),
        (("X509", "", "", "", "0", "0", "0", "0"), "REQUIRE X509 WITH"),
        (("SPECIFIED", "c", "", "/CN=x", "0", "0", "0", "0"), "REQUIRE CIPHER 'c' AND SUBJECT '/CN=x' WITH"),
    ],
)
def test_tls_options_and_limits_are_said_in_clauses(row: tuple[str, ...], clauses: str) -> None:
    limits = "MAX_QUERIES_PER_HOUR {} MAX_UPDATES_PER_HOUR {} MAX_CONNECTIONS_PER_HOUR {} MAX_USER_CONNECTIONS {}"
    assert requirements(row, lambda text: f"'{text}'") == f"{clauses} {limits.format(*row[4:])}"
