"""Tell what each resource of a stack needs to be as declared: a secret its key, and what its value is rendered from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from secrets_pipeline.arn import account_of
from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.consumer.model import ConsumerSpec
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.followers import value_outputs
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.references.model import Output
from secrets_pipeline.references.walk import expressions, outputs


def needs(spec: StackSpec) -> Mapping[str, frozenset[str]]:
    """Map the name of each resource that a stack declares, as a plan shows it, to the names of those that it needs.

    Secrets, keys, databases, the rotation function, roles that get a policy, deliveries, and who is started anew.
    """
    found: dict[str, set[str]] = {}

    def add(name: str, needed: Iterable[str]) -> None:
        found.setdefault(name, set()).update(needed)

    for key in spec.keys:
        add(key.alias, _behind_all(spec, key.policy))
    for secret in spec.secrets:
        add(secret.name, _of_secret(spec, secret))
    for database in spec.databases:
        add(database.name, _of_database(spec, database))
    if spec.rotation_function is not None:
        add(spec.rotation_function.name, ())
    for consumer in spec.consumers:
        for role in _attached(spec, consumer):
            add(role, _names(spec, consumer.secrets))
    for delivery in spec.deliveries:
        add(delivery.name, _behind_all(spec, delivery.delivered))
    for refresh in spec.refreshes:
        add(refresh.name, _names(spec, refresh.secrets))
    return {name: frozenset(needed) - {name} for name, needed in found.items()}


def _of_secret(spec: StackSpec, secret: SecretSpec) -> Iterator[str]:
    if (key := spec.key_of(secret)) is not None:
        yield key.alias
    yield from _names(spec, secret.depends_on)
    for output in value_outputs(secret):
        yield from _behind(spec, output)
    yield from _behind_all(spec, secret.policy)
    if (rotation := secret.rotation) is None:
        return
    yield from _behind_all(spec, [rotation.lambda_arn])
    if rotation.superuser_secret is not None:
        yield from _names(spec, [rotation.superuser_secret])
    if rotation.managed and spec.rotation_function is not None:
        yield spec.rotation_function.name


def _of_database(spec: StackSpec, database: DatabaseSpec) -> Iterator[str]:
    if database.password is not None:
        yield from _names(spec, [database.password])
    yield from _behind_all(spec, [database.username])


def _attached(spec: StackSpec, consumer: ConsumerSpec) -> Iterator[str]:
    """The roles of the stack's account that get a policy, with their paths."""
    for arn in consumer.readers if consumer.attach_policies else ():
        if spec.target.account_id in (None, account_of(arn)):
            yield arn.partition(":role/")[2]


def _names(spec: StackSpec, refs: Iterable[SecretRef]) -> Iterator[str]:
    return (spec.secret(ref).name for ref in refs if spec.has(ref))


def _behind_all(spec: StackSpec, tree: object) -> Iterator[str]:
    for expression in expressions(tree):
        for output in outputs(expression):
            yield from _behind(spec, output)


def _behind(spec: StackSpec, output: Output) -> Iterator[str]:
    """The resources of this stack that an output tells of."""
    if output.stack not in (None, spec.stack):
        return
    yield from (key.alias for key in spec.keys if output.component in key.components and "key" in output.name)
    yield from (one.name for one in spec.databases if one.component == output.component)
    keys = {str(step) for step in output.path[1:2]}
    if spec.components.get(output.component) == "secretsmanager" and "key" not in output.name:
        own = (one for one in spec.secrets if one.ref.component == output.component)
        yield from (one.name for one in own if not keys or one.ref.key in keys)
