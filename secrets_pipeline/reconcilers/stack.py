"""Hold what a reconciler works with: one stack's desired state, its AWS, and the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.desired.base import Late
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.value.model import Leaf
from secrets_pipeline.reconcilers.observed.observed import Observed
from secrets_pipeline.reconcilers.ownership import Ownership
from secrets_pipeline.reconcilers.run import Run
from secrets_pipeline.references.model import Expression, Output
from secrets_pipeline.references.resolve import Lookup, Pending, Resolved


class Resolver(Lookup, Protocol):
    """Resolves late what expressions stand for, once AWS can be asked."""

    def text(self, value: Late) -> str | Pending:
        """Resolve a string, for sinks that must not be secret; or say what it waits for.

        Raises:
            ExpressionError: if it resolves to a secret.
        """
        ...

    def identity(self, output: Output, *, confirmed: bool = False) -> str | Pending:
        """Find what a rendered value's inputs are compared by: a version id for a secret of ours, else its value.

        Of an output of Terraform it is an HMAC of the output, so that another serial of the state changes nothing.

        Args:
            output: of this stack or of another one.
            confirmed: whether DescribeSecret has to show the version; free where this run has asked it already.
        """
        ...

    def ssm_version(self, name: str) -> str | Pending:
        """Read the version number of an SSM parameter, without decrypting it."""
        ...

    def leaf(self, secret: SecretSpec, leaf: Leaf) -> Expression:
        """Read the YAML behind one leaf of a declared value, its variables put in."""
        ...

    def leaves(self, secret: SecretSpec) -> Callable[[Leaf], Resolved]:
        """Resolves the leaves of one declared value; the YAML is read here and not before."""
        ...


@dataclass(frozen=True, eq=False)
class Stack:
    """One stack in one run.

    Attributes:
        spec: desired state.
        account: the stack's account, compared with the one that the operator expects.
        run: the run.
        observed: what AWS holds, read once a run.
        ownership: whose things are.
        resolve: resolves late what expressions stand for.
    """

    spec: StackSpec
    account: AwsAccount
    run: Run
    observed: Observed
    ownership: Ownership
    resolve: Resolver
