"""Parse SHOW GRANTS, and write the statements that give one account what another has.

https://dev.mysql.com/doc/refman/8.4/en/show-grants.html, https://mariadb.com/kb/en/show-grants/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from .errors import RotationError

_LIMITS = ("MAX_QUERIES_PER_HOUR", "MAX_UPDATES_PER_HOUR", "MAX_CONNECTIONS_PER_HOUR", "MAX_USER_CONNECTIONS")
_QUOTED = re.compile(r"`(?:[^`]|``)*`|'(?:[^'\\]|''|\\.)*'|\"(?:[^\"\\]|\"\"|\\.)*\"", re.DOTALL)
_BRACKETS = re.compile(r"\([^()]*\)")


@dataclass(frozen=True, slots=True)
class Account:
    """A user at a host; as text, quoted."""

    user: str
    host: str

    def __str__(self) -> str:
        return f"{_name(self.user)}@{_name(self.host)}"


@dataclass(frozen=True, slots=True, order=True)
class Privilege:
    """A privilege on an object, for example ``UPDATE (`a`)`` on `` `orders`.`t` ``, both as SHOW GRANTS writes them."""

    on: str
    name: str


@dataclass(frozen=True, slots=True, order=True)
class GrantedRole:
    """A role that an account may take on, quoted, and whether it may grant it."""

    name: str
    admin: bool


@dataclass(frozen=True, slots=True)
class Grants:
    """All that an account was granted; `default_role` is MariaDB's, quoted, or None."""

    privileges: frozenset[Privilege] = frozenset()
    roles: frozenset[GrantedRole] = frozenset()
    default_role: str | None = None


def grants(lines: Iterable[str], account: Account) -> Grants:
    """Parse the lines of SHOW GRANTS for an account.

    Raises:
        RotationError: if a line says what is not known here.
    """
    privileges: set[Privilege] = set()
    roles: set[GrantedRole] = set()
    default_role = None
    for line in lines:
        masked = _masked(line)
        if line.startswith("SET DEFAULT ROLE "):
            default_role = line[len("SET DEFAULT ROLE ") : masked.index(" FOR ")]
        elif not line.startswith("GRANT ") or line.startswith("GRANT PROXY "):
            raise RotationError(
                f"A grant of {account} is of a kind that cannot be copied to its alternate user.",
                "Take it away (a PROXY right, a partial revoke), or use the single-user strategy: remove masterarn.",
            )
        elif " ON " in masked:
            privileges |= _privileges(line, masked)
        else:
            given = line[len("GRANT ") : masked.index(" TO ")]
            roles |= {GrantedRole(name, " WITH ADMIN OPTION" in masked) for name in _parts(given)}
    return Grants(frozenset(privileges), frozenset(roles), default_role)


def statements(wanted: Grants, had: Grants, account: Account) -> list[str]:
    """What makes an account that has some grants have others; nothing if they are equal.

    Rights that are too many go as well: one that was revoked would come back with the next rotation.
    """
    made = [
        f"REVOKE {', '.join(names)} ON {on} FROM {account}"
        for on, names in _by_object(had.privileges - wanted.privileges)
    ]
    made += [f"REVOKE {role.name} FROM {account}" for role in sorted(had.roles - wanted.roles)]
    made += [
        f"GRANT {', '.join(names)} ON {on} TO {account}" for on, names in _by_object(wanted.privileges - had.privileges)
    ]
    made += [
        f"GRANT {role.name} TO {account}{' WITH ADMIN OPTION' if role.admin else ''}"
        for role in sorted(wanted.roles - had.roles)
    ]
    if wanted.default_role != had.default_role:
        made.append(f"SET DEFAULT ROLE {wanted.default_role or 'NONE'} FOR {account}")
    return made


def requirements(row: Sequence[str], quote: Callable[[str], str]) -> str:
    """The clauses REQUIRE and WITH of ALTER USER that say what mysql.user says.

    Args:
        row: ssl_type, ssl_cipher, x509_issuer, x509_subject, and the four limits of queries, updates, connections per
            hour and connections at once.
        quote: makes a string literal.
    """
    kind, *details = row[:4]
    parts = [
        f"{name} {quote(text)}" for name, text in zip(("CIPHER", "ISSUER", "SUBJECT"), details, strict=True) if text
    ]
    require = {"": "NONE", "ANY": "SSL", "X509": "X509"}.get(kind) or " AND ".join(parts)
    limits = " ".join(f"{name} {int(value)}" for name, value in zip(_LIMITS, row[4:], strict=True))
    return f"REQUIRE {require} WITH {limits}"


def _by_object(privileges: Iterable[Privilege]) -> list[tuple[str, list[str]]]:
    grouped = groupby(sorted(privileges), key=lambda one: one.on)
    return [(on, [one.name for one in group]) for on, group in grouped]


def _privileges(line: str, masked: str) -> set[Privilege]:
    on, end = masked.index(" ON "), masked.rindex(" TO ")
    where = line[on + len(" ON ") : end]
    found = {Privilege(where, name) for name in _parts(line[len("GRANT ") : on]) if name != "USAGE"}
    return found | {Privilege(where, "GRANT OPTION")} if " WITH GRANT OPTION" in masked[end:] else found


def _parts(text: str) -> list[str]:
    """Split at commas outside of quotes and brackets."""
    masked, parts, start = _masked(text), [], 0
    for at, character in enumerate(masked):
        if character == ",":
            parts.append(text[start:at].strip())
            start = at + 1
    return [*parts, text[start:].strip()]


def _masked(text: str) -> str:
    """The text with blanks of the same length where quotes and brackets hold something."""
    without = _QUOTED.sub(lambda found: "\0" * len(found[0]), text)
    return _BRACKETS.sub(lambda found: "\0" * len(found[0]), without)


def _name(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
