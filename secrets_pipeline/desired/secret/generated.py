"""Read generated values: a bare password, or the JSON that AWS's rotation templates read.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
"""

from __future__ import annotations

from pydantic import Field

from secrets_pipeline.desired.base import Late, ManifestMap
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.reading.inputs import Inputs
from secrets_pipeline.desired.value.model import GeneratedValue
from secrets_pipeline.desired.value.passwords import family_of, password_policy, rules_of
from secrets_pipeline.references.model import Expression, Output


class GeneratedFields(ManifestMap):
    """Fields beside a generated password, which make the value the JSON that AWS's rotation templates read.

    For the master password of an `rds` component of the stack, what is left out is that database's.
    """

    username: str | None = Field(default=None, description="Database user of the password. It makes the value JSON.")
    engine: str | None = Field(
        default=None, description="Engine of the database. It makes the value JSON.", examples=["postgres", "mysql"]
    )
    dbname: str | None = Field(default=None, description="Name of the database. It makes the value JSON.")
    host: str | None = Field(
        default=None, description="Host of the database's writer, for example `!terraform.state rds address`."
    )
    port: int | None = Field(default=None, ge=1, le=65535, description="Port of the database.")
    ssl: bool | None = Field(
        default=None, description="`false` lets the rotation function log in without TLS. By default it requires TLS."
    )


DOCUMENT_KEYS = frozenset(GeneratedFields.model_fields)
_ASKS_FOR_DOCUMENT = ("username", "engine", "dbname")


def generated_value(component: Inputs, entry: Inputs, master_of: DatabaseSpec | None) -> GeneratedValue:
    """The generated value of one secret; what is wrong is collected.

    Args:
        component: the component's variables.
        entry: the secret.
        master_of: the database whose master password this is; it gives the fields that the entry does not.
    """
    policy = password_policy(component, entry, rules_of(master_of.engine) if master_of else None)
    if not any(entry.has(key) for key in _ASKS_FOR_DOCUMENT):
        for key in ("host", "port", "ssl"):
            if entry.has(key):
                entry.error(
                    key, f"{key} stands in a secret that is a bare password", "Add username, engine and dbname."
                )
        return GeneratedValue(policy=policy)
    found: dict[str, str | int | bool | Expression | None] = {
        "engine": entry.late("engine", family_of(master_of.engine) if master_of else None),
        "host": entry.late("host", Output(master_of.component, ("address",)) if master_of else None),
        "port": _port(entry, master_of),
        "username": entry.late("username", master_of.username if master_of else None),
        "dbname": entry.late("dbname", _db_name(master_of)),
        "ssl": entry.boolean("ssl", default=True) if entry.has("ssl") else None,
    }
    fields = {key: value for key, value in found.items() if value is not None}
    named = (fields.get("username"), master_of.username if master_of else None)
    if master_of and all(isinstance(one, str) for one in named) and named[0] != named[1]:
        entry.error(
            "username",
            f"username is {fields['username']!r}, but component {master_of.component} has the master user "
            f"{str(master_of.username)!r}",
            "Leave username out of one of the two, or write the same.",
        )
    return GeneratedValue(policy=policy, fields=fields)


def _db_name(master_of: DatabaseSpec | None) -> Late | None:
    """What the component says, else what AWS does where somebody else made the database."""
    if master_of is None or master_of.db_name or master_of.create:
        return master_of.db_name if master_of else None
    return Output(master_of.component, ("db_name",))


def _port(entry: Inputs, master_of: DatabaseSpec | None) -> int | str | Expression | None:
    if entry.has("port") and not entry.is_late("port"):
        return entry.integer("port", least=1, most=65535)
    return entry.late("port", Output(master_of.component, ("port",)) if master_of else None)
