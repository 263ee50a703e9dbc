"""Decide whether the pipeline may log in at the host that a secret names: whoever writes YAML chooses that host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from secrets_pipeline.desired.boundary import Boundary
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.settings.grants import grant_line, granted
from secrets_pipeline.desired.value.model import DeclaredValue, GeneratedValue
from secrets_pipeline.reconcilers.database.ownership import may_log_in
from secrets_pipeline.reconcilers.observed.login import ServerTrust
from secrets_pipeline.references.model import Literal
from secrets_pipeline.rotation_lambda.secret_value import plain_host

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.observed.database_state import DatabaseState
    from secrets_pipeline.reconcilers.stack import Stack


def trust_at(stack: Stack, host: str, port: int) -> ServerTrust | None:
    """Return which server may answer at a host and port; None if the pipeline must not log in there.

    RDS has to report the endpoint for a database that the stack declares and that is no other stack's, or the operator
    has to grant the host.

    Args:
        stack: whose secret names the host.
        host: name or address.
        port: where the database listens.

    Raises:
        AwsError: if RDS refuses (DescribeDBInstances, DescribeDBClusters).
    """
    place = (plain_host(host), port)
    for database in stack.spec.databases:
        state = stack.observed.databases.find(database)
        if state is None or place not in _endpoints(stack, state):
            continue
        if may_log_in(stack, database, state):
            return stack.observed.databases.trust(host)
    by = granted(stack.run.settings.grants, stack.spec.stack, Boundary.HOST, place[0], f"{place[0]}:{port}")
    return ServerTrust.PUBLIC if by else None


def not_granted(stack: Stack, secret: SecretSpec, host: str, port: int) -> tuple[str, str]:
    """Say why nobody logs in at the host of a secret, and which line under `grants` would let the pipeline.

    The stored host is a part of the value, so show it only if the YAML writes it literally.

    Args:
        stack: the secret's.
        secret: whose value names the host.
        host: as the value names it.
        port: the same.
    """
    shown = _written_host(stack, secret) == host
    line = grant_line(stack.spec.stack, Boundary.HOST, f"{plain_host(host)}:{port}" if shown else "HOST:PORT")
    why = (
        f"its host {f'{host}:{port} ' if shown else ''}is not the endpoint, as RDS reports it, of a database that the "
        "stack declares, and no grant names it"
    )
    return why, line


def _written_host(stack: Stack, secret: SecretSpec) -> str | None:
    match secret.value:
        case GeneratedValue(fields=fields):
            host = fields.get("host")
            return host if isinstance(host, str) else None
        case DeclaredValue(leaves=leaves):
            leaf = next((one for one in leaves if one.path == ("host",)), None)
            found = stack.resolve.leaf(secret, leaf) if leaf is not None else None
            return found.value if isinstance(found, Literal) and isinstance(found.value, str) else None
        case _:
            return None


def _endpoints(stack: Stack, state: DatabaseState) -> Iterator[tuple[str, int | None]]:
    """Yield the endpoints of the instance, or of the cluster and its instances."""
    yield plain_host(state.address or ""), state.port
    if not state.is_cluster:
        return
    yield plain_host(state.reader_address or ""), state.port
    for member in stack.observed.databases.instances().values():
        if member.cluster == state.identifier:
            yield plain_host(member.address or ""), member.port
