"""Tell which stacks the IAM of an account has a say in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import SecretsPipelineError


@dataclass(frozen=True, slots=True)
class Homes:
    """The accounts of stacks.

    Attributes:
        known: account by stack.
        unknown: by stack, why its account cannot be told: the operator does not say it, and AWS does not answer.
    """

    known: Mapping[str, str]
    unknown: Mapping[str, SecretsPipelineError]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Say each stack whose account is unknown."""
        return tuple(f"nobody knows the account of {stack}: {why.diagnostics()}" for stack, why in self.unknown.items())

    def raise_unknown(self) -> None:
        """Raise why an account is unknown, where one is: whoever looks for a stack of an account may have missed it.

        Raises:
            SecretsPipelineError: the first.
        """
        for why in self.unknown.values():
            raise why


def homes_of(specs: Iterable[StackSpec], sessions: Sessions) -> Homes:
    """Name the account of each stack; AWS is asked where the operator does not say it (GetCallerIdentity)."""
    together: dict[Target, list[str]] = {}
    for spec in specs:
        together.setdefault(spec.target, []).append(spec.stack)
    known, unknown = dict[str, str](), dict[str, SecretsPipelineError]()
    for target, stacks in together.items():
        try:
            known |= dict.fromkeys(stacks, target.account_id or sessions.for_target(target).account_id)
        except SecretsPipelineError as error:
            unknown |= dict.fromkeys(stacks, error)
    return Homes(known, unknown)


def stacks_judged_with(account_id: str, specs: Mapping[str, StackSpec], homes: Homes) -> list[str]:
    """List the stacks whose readers an account's IAM decides, sorted: its own, and those that it has readers of."""
    return sorted(
        stack
        for stack, spec in specs.items()
        if account_id in spec.reader_accounts or homes.known.get(stack) == account_id
    )
