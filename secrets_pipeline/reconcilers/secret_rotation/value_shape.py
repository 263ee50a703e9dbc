"""Check that the managed function can work with a secret's value, by the function's own parser. Pure.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import SecretStr

from secrets_pipeline.desired.rotation.model import RotationSpec, RotationStrategy
from secrets_pipeline.reconcilers.observed.database_state import DatabaseState
from secrets_pipeline.reconcilers.secret_rotation.problem import Problem, Requirement
from secrets_pipeline.rotation_lambda.errors import RotationError
from secrets_pipeline.rotation_lambda.secret_value import (
    DatabaseAddress,
    DatabaseSecret,
    GenericSecret,
    parse,
    plain_host,
)

_READER = ".cluster-ro-"


def value_problems(
    rotation: RotationSpec, value: SecretStr, *, superuser_arn: str | None = None, superuser: SecretStr | None = None
) -> Iterator[Problem]:
    """Find why the function would fail with a value.

    Args:
        rotation: managed.
        value: of the secret's current version.
        superuser_arn: of the superuser's secret.
        superuser: its value.
    """
    try:
        found = parse(value.get_secret_value())
        if rotation.strategy is RotationStrategy.RANDOM:
            yield from _random(rotation, found)
        elif isinstance(found, GenericSecret):
            yield _problem(
                "its value is no JSON object with the key engine", "Add engine, host, username and password."
            )
        else:
            yield from _database(rotation, found, superuser_arn, superuser)
    except RotationError as error:
        # Its text speaks of keys alone, as the function's log must.
        yield _problem(str(error), "Correct the value, or what the stack says of it, then apply again.")


def binary_value_problem() -> Problem:
    """Say that the managed function rotates no bytes."""
    return _problem("its value is binary", "Put text or JSON, or name a function that rotates bytes: lambda_arn.")


def _random(rotation: RotationSpec, found: DatabaseSecret | GenericSecret) -> Iterator[Problem]:
    if isinstance(found, DatabaseSecret):
        yield _problem(
            "its value is that of a database's user, which strategy random would not change",
            "Write strategy: single-user.",
        )
    else:
        found.renewed("", rotation.json_key)


def _database(
    rotation: RotationSpec, found: DatabaseSecret, superuser_arn: str | None, superuser: SecretStr | None
) -> Iterator[Problem]:
    if rotation.strategy is RotationStrategy.SINGLE_USER:
        if found.superuser:
            yield _problem(
                "its value names a superuser (masterarn), and its strategy is single-user",
                "Take the key masterarn out of the value, or write superuser_secret.",
            )
        return
    if found.superuser != superuser_arn:
        yield _problem(
            "its value does not name the superuser's secret (masterarn)",
            "Apply again: the key is completed with the others.",
        )
    if superuser is None:
        return
    other = parse(superuser.get_secret_value())
    if not isinstance(other, DatabaseSecret):
        # Without them the function asks RDS, which knows the secrets that it manages itself, and no other.
        yield _problem(
            "the superuser's value is no JSON object with the key engine", "Add engine and host to the superuser's."
        )
    elif other.address.place != found.address.place:
        yield _problem(
            "the superuser's value names another engine, host or port than the secret's",
            "Name the superuser of the same engine, host and port.",
        )


def _problem(text: str, remedy: str) -> Problem:
    return Problem(Requirement.VALUE, text, remedy)


def address_of(value: SecretStr) -> DatabaseAddress | None:
    """Find where the database of a secret is; None where the value is no database's."""
    try:
        found = parse(value.get_secret_value())
    except RotationError:
        return None
    return found.address if isinstance(found, DatabaseSecret) else None


def writer_problem(
    host: str, port: int, instances: Iterable[DatabaseState], clusters: Iterable[DatabaseState]
) -> Problem | None:
    """Say why passwords cannot be set at an address: whoever only reads copies them from elsewhere.

    Args:
        host: as the secret names it.
        port: the same.
        instances: of the account and region.
        clusters: of the account and region.
    """
    here = at(host, port)
    by_name = {cluster.identifier: cluster for cluster in clusters}
    for cluster in by_name.values():
        if here == at(cluster.reader_address, cluster.port) != at(cluster.address, cluster.port):
            return _no_writer(f"{host} is the reader endpoint of cluster {cluster.identifier}", cluster.address)
    if _READER in here[0]:
        return _no_writer(f"{host} is the reader endpoint of a cluster", None)
    for instance in instances:
        if here != at(instance.address, instance.port):
            continue
        if instance.replica_of:
            return _no_writer(f"{host} is a read replica of {instance.replica_of}", None)
        of = by_name.get(instance.cluster or "")
        if of is not None and of.writer not in (None, instance.identifier) and here != at(of.address, of.port):
            return _no_writer(f"{host} is a reader of cluster {of.identifier}", of.address)
    return None


def at(host: str | None, port: int | None) -> tuple[str, int | None]:
    """An address, in one form."""
    return plain_host(host or ""), port


def _no_writer(text: str, writer: str | None) -> Problem:
    return Problem(
        Requirement.WRITER,
        f"{text}, where no password can be set",
        f"Write the writer's endpoint as host{f': {writer}' if writer else ''}.",
    )
