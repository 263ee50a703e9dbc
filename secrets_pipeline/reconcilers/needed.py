"""Turn what a value waits for into a need of a change, and into the outcome of a change that could not be made."""

from __future__ import annotations

from collections.abc import Iterable

from secrets_pipeline.engine.blocking import VALUE_OF
from secrets_pipeline.engine.model import NotYetError, SkippedError
from secrets_pipeline.engine.reason import Need, Standing
from secrets_pipeline.references.resolve import Pending


def secret_named(name: str) -> str:
    """Return what `Need.on` calls a secret."""
    return f"secret {name}"


def value_of(name: str) -> str:
    """Return what `Need.on` calls the value of a secret."""
    return f"{VALUE_OF}{secret_named(name)}"


def database_named(identifier: str) -> str:
    """Return what `Need.on` calls a database."""
    return f"database {identifier}"


def key_named(alias: str) -> str:
    """Return what `Need.on` calls a KMS key."""
    return f"kms-key {alias}"


def function_named(name: str) -> str:
    """Return what `Need.on` calls the stack's rotation function."""
    return f"rotation-function {name}"


def published_as(parameter: str) -> str:
    """Return what `Need.on` calls a parameter that a stack publishes."""
    return f"outputs {parameter}"


def of_stack(on: str, stack: str) -> str:
    """Return what `Need.on` calls a resource of another stack."""
    return f"{on} of stack {stack}"


def need_of(pending: Pending) -> Need:
    """Return what has to be there before something has a value."""
    standing = Standing.ON_ITS_WAY if pending.passes else Standing.MISSING
    return Need((pending.on,) if pending.on else (), pending.reason, standing=standing)


def needs_of(waits: Iterable[Pending]) -> tuple[Need, ...]:
    """Return all that has to be there."""
    return tuple(map(need_of, waits))


def any_of(waits: Iterable[Pending]) -> tuple[Need, ...]:
    """Return one need that is met as soon as one of several things is there; none if there are none."""
    found = list(waits)
    if not found:
        return ()
    standing = Standing.ON_ITS_WAY if any(one.passes for one in found) else Standing.MISSING
    on = tuple(one.on for one in found if one.on)
    return (Need(on, "; ".join(dict.fromkeys(one.reason for one in found)), standing=standing),)


def skipped(*waits: Pending, before: str = "", one_is_enough: bool = False) -> SkippedError:
    """Return the error of a change that cannot be made yet: `NotYetError` if AWS is making all that it waits for.

    Args:
        waits: the missing resources and values.
        before: beginning of the text.
        one_is_enough: whether the change can be made as soon as one of them is there, see `any_of`.
    """
    passing = [one.passes for one in waits]
    kind = NotYetError if all(passing) or (one_is_enough and any(passing)) else SkippedError
    return kind(f"{before}{'; '.join(dict.fromkeys(one.reason for one in waits))}")
