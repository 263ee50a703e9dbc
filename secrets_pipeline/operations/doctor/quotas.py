"""Compare what stacks need with the quotas that AWS documents; Service Quotas is not asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from secrets_pipeline.operations.doctor.model import Answer, Verdict, fine

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

SECRETS = 500_000
"""Secrets of an account and region: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html."""


def quotas(stacks: Sequence[Stack]) -> Iterator[Answer]:
    """Judge the number of secrets after an apply (Secrets Manager ListSecrets).

    Args:
        stacks: of one account and region.
    """
    there = {one.name for one in stacks[0].observed.secrets.in_region()}
    yield of_secrets(len(there | {secret.name for stack in stacks for secret in stack.spec.secrets}), len(there))


def of_secrets(wanted: int, there: int, most: int = SECRETS) -> Answer:
    """Judge a number of secrets. Pure.

    Args:
        wanted: after an apply.
        there: now.
        most: what AWS documents.
    """
    said = f"{there:,} of {most:,} (as documented), {wanted - there:,} to be made"
    if wanted > most:
        remedy = "Ask AWS for more, or move stacks to another account or region."
        return Answer("secrets", Verdict.WILL_FAIL, said, remedy)
    return fine("secrets", said)
