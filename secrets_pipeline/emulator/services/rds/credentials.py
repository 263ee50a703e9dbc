"""Refuse names and passwords of master users that RDS refuses.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.Constraints
"""

from __future__ import annotations

import re
import secrets
import string

from moto.rds.exceptions import RDSClientError

from secrets_pipeline.emulator.postgres import ADMINISTRATOR

POSTGRES_ENGINES = frozenset({"postgres", "aurora-postgresql"})
RESERVED_USERS = frozenset({"admin", ADMINISTRATOR})
_PASSWORD_LENGTHS = {"mysql": 41, "mariadb": 41, "oracle": 30}
_LONGEST_PASSWORD, _SHORTEST_PASSWORD = 128, 8
_USER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_ALPHABET = string.ascii_letters + string.digits + "!#$%&*+-.:;<=>?[]^_{|}~"


def new_password() -> str:
    """A password that every engine takes, as RDS makes for ManageMasterUserPassword."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(28))


def check_user(engine: str, username: str) -> None:
    """Refuse a master user that the engine reserves or cannot have.

    Raises:
        RDSClientError: InvalidParameterValue.
    """
    if engine not in POSTGRES_ENGINES:
        return
    if username.lower() in RESERVED_USERS:
        raise RDSClientError(
            "InvalidParameterValue",
            f"MasterUsername {username} cannot be used as it is a reserved word used by the engine",
        )
    if not _USER.fullmatch(username):
        raise RDSClientError("InvalidParameterValue", "The parameter MasterUsername is not a valid identifier.")


def check_password(engine: str, password: str) -> None:
    """Refuse a master password that the engine does not take.

    Raises:
        RDSClientError: InvalidParameterValue.
    """
    longest = next((most for name, most in _PASSWORD_LENGTHS.items() if name in engine), _LONGEST_PASSWORD)
    if not _SHORTEST_PASSWORD <= len(password) <= longest:
        bound = f"shorter than {_SHORTEST_PASSWORD}" if len(password) < _SHORTEST_PASSWORD else f"longer than {longest}"
        raise RDSClientError(
            "InvalidParameterValue",
            f"The parameter MasterUserPassword is not a valid password because it is {bound} characters.",
        )
    if not all("!" <= letter <= "~" for letter in password) or set(password) & set('/@" '):
        raise RDSClientError(
            "InvalidParameterValue",
            "The parameter MasterUserPassword is not a valid password. "
            "Only printable ASCII characters besides '/', '@', '\"', ' ' may be used.",
        )
