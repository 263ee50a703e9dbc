"""Digest what a value is rendered from as one keyed fingerprint, without reading any secret of ours.

Template and literals by their text, other secrets by the id of their current version, everything else by its value: a
sensitive output of Terraform by an HMAC of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.value.model import DeclaredValue, GeneratedValue
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.reconcilers.secret_value.fields import kept_as_declared, known_fields
from secrets_pipeline.reconcilers.secret_value.taken_in import name_digests, taken_in, with_name_digests
from secrets_pipeline.reconcilers.state_output import default_serves
from secrets_pipeline.references.model import Environment, Expression, FileContents
from secrets_pipeline.references.resolve import Pending
from secrets_pipeline.references.walk import nodes

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def declared_inputs(stack: Stack, secret: SecretSpec, *, confirmed: bool = False) -> str | Pending:
    """Digest a declared value's inputs.

    Args:
        stack: the stack.
        secret: with a declared value.
        confirmed: whether DescribeSecret has to show the versions, as before a write; a list may be old.

    Returns:
        64 hexadecimal characters and the digests of what the value takes in (`taken_in`), or what is still missing.
    """
    if not isinstance(secret.value, DeclaredValue):
        raise TypeError("only a declared value is rendered from inputs")
    fingerprinter = stack.ownership.fingerprinter
    if fingerprinter is None:
        return next(_declared_waits(stack, secret), _NOTHING_APPLIED)
    parts: list[str | None] = []
    for leaf in sorted(secret.value.leaves, key=lambda leaf: json.dumps(leaf.path)):
        parts.append(json.dumps(leaf.path))
        expression = stack.resolve.leaf(secret, leaf)
        parts.append(str(expression))
        parts.extend(_local_values(stack, expression))
        for output in leaf.outputs:
            identity: str | Pending | None = stack.resolve.identity(output, confirmed=confirmed)
            if isinstance(identity, Pending):
                if not default_serves(expression, output, identity):
                    return identity
                identity = None
            parts.append(identity)
        for name in leaf.ssm:
            version = stack.resolve.ssm_version(name)
            if isinstance(version, Pending):
                return version
            parts.append(version)
    names = name_digests(fingerprinter, secret, taken_in(stack, secret))
    return with_name_digests(fingerprinter.digest("inputs", *parts), names)


_NOTHING_APPLIED = Pending("nothing was applied in this account yet")


def value_waits(stack: Stack, secret: SecretSpec) -> tuple[Pending, ...]:
    """List what the value of a secret waits for, for example a database that is being made; empty for nothing."""
    if isinstance(secret.value, GeneratedValue):
        return known_fields(stack, secret)[1] if secret.value.fields else ()
    return tuple(_declared_waits(stack, secret))


def not_there(stack: Stack, secret: SecretSpec, on: str) -> Pending:
    """Say that a secret does not exist yet; it is on its way if AWS is making all that its value waits for.

    Args:
        stack: the stack.
        secret: one of its secrets.
        on: what is needed of it, see `engine.reason.Need.on`.
    """
    return Pending(f"secret {secret.name} does not exist yet", on=on, passes=_is_on_its_way(stack, secret))


_ASKED: Final[ContextVar[frozenset[tuple[str, str]]]] = ContextVar("asked", default=frozenset())
"""Stacks and secrets that are being asked for: secrets of two stacks may need each other."""


def _is_on_its_way(stack: Stack, secret: SecretSpec) -> bool:
    here, asked = (stack.spec.stack, secret.name), _ASKED.get()
    if here in asked:
        return False
    token = _ASKED.set(asked | {here})
    try:
        waits = _declared_waits(stack, secret)
        # The first thing that nobody is making decides.
        first = next(waits, None)
        return first is not None and first.passes and all(one.passes for one in waits)
    except SecretsPipelineError:
        # The secret's own change says what is wrong with it.
        return False
    finally:
        _ASKED.reset(token)


def _declared_waits(stack: Stack, secret: SecretSpec) -> Iterator[Pending]:
    for leaf in secret.value.leaves if isinstance(secret.value, DeclaredValue) else ():
        for output in leaf.outputs:
            of_terraform = stack.spec.state_of(output) is not None
            found = stack.resolve.output(output) if of_terraform else stack.resolve.identity(output)
            if isinstance(found, Pending) and not default_serves(stack.resolve.leaf(secret, leaf), output, found):
                yield found
        versions = map(stack.resolve.ssm_version, leaf.ssm)
        yield from (one for one in versions if isinstance(one, Pending))


def _local_values(stack: Stack, expression: Expression) -> list[str]:
    """What `${env:…}` and `${file:…}` stand for now."""
    values = []
    for node in nodes(expression):
        if isinstance(node, Environment):
            values.append(json.dumps(stack.ownership.repository.environment(node.name)))
        elif isinstance(node, FileContents):
            values.append(stack.resolve.file(node.path))
    return values


def field_inputs(stack: Stack, secret: SecretSpec, fields: Mapping[str, str | int | bool]) -> str:
    """Digest the keys that we own in a generated credentials document."""
    if stack.ownership.fingerprinter is None:
        raise RuntimeError("inputs are fingerprinted under the fingerprint key, which apply makes first")
    return stack.ownership.fingerprinter.digest("fields", secret.name, json.dumps(kept_as_declared(secret, fields)))


def waits_for_endpoint(secret: SecretSpec) -> bool:
    """Whether the whole secret is made with the connections: its declared value waits for a database."""
    return isinstance(secret.value, DeclaredValue) and secret.needs_endpoint
