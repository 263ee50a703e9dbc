"""One role of one consumer, asked about in one call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from secrets_pipeline.access.evaluator import Caller
from secrets_pipeline.access.snapshot.model import AccountSnapshot, PrincipalSnapshot
from secrets_pipeline.access.trust.consumer import trusted
from secrets_pipeline.access.trust.role import Surroundings
from secrets_pipeline.access.trust.verdict import Trust
from secrets_pipeline.desired.consumer.model import ConsumerSpec, PodSpec, PrincipalRole, ReaderType

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/orders"
ISSUER = "oidc.eks.eu-west-2.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"


class Desk:
    """Answers whether a role is trusted.

    Attributes:
        providers: of the role's account; None where they could not be read.
        others: further principals of that account.
        profiles: instance profiles that hold the role.
        surroundings: what else has a say.
        arn: of the role.
    """

    def __init__(self) -> None:
        self.providers: tuple[str, ...] | None = (PROVIDER,)
        self.others: tuple[PrincipalSnapshot, ...] = ()
        self.profiles: tuple[str, ...] = (f"arn:aws:iam::{ACCOUNT}:instance-profile/orders",)
        self.surroundings = Surroundings(region="eu-west-2")
        self.arn = ROLE

    def ask(
        self,
        kind: str,
        *statements: Mapping[str, Any],
        role: PrincipalRole = "role",
        pod: PodSpec | None = None,
        assumed_by: tuple[str, ...] = (),
    ) -> Trust:
        """Whether a role with a trust policy of these statements is trusted by a consumer of this type."""
        consumer = ConsumerSpec(
            component="secretsmanager",
            name="orders",
            type=ReaderType(kind),
            principals={role: self.arn},
            secrets=(),
            pod=pod or PodSpec(),
            assumed_by=assumed_by,
        )
        trust = {"Version": "2012-10-17", "Statement": list(statements)}
        principal = PrincipalSnapshot(arn=self.arn, kind="role", trust=trust, instance_profiles=self.profiles)
        account = AccountSnapshot(
            account_id=ACCOUNT, principals=(principal, *self.others), identity_providers=self.providers
        )
        return trusted(consumer, role, principal, account, self.surroundings)

    def knows(self, *callers: Caller) -> None:
        """Let these principals be asked with their own policies."""
        known = {one.arn: one for one in callers}
        self.surroundings = Surroundings(region="eu-west-2", caller=known.__getitem__)


@pytest.fixture
def desk() -> Desk:
    """An account with one cluster's OIDC provider."""
    return Desk()
