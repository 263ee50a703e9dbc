"""Give a session the credentials of another one, or those of a role that is assumed with them (STS AssumeRole)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.credentials import AssumeRoleCredentialFetcher, CredentialProvider, DeferredRefreshableCredentials
from botocore.exceptions import ClientError

from secrets_pipeline.aws.faults import raise_without_context, translate
from secrets_pipeline.desired.base import AssumedRole

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3
    from botocore.credentials import Credentials
    from botocore.session import Session

ROLE_SESSION_NAME = "secrets-pipeline"
"""How CloudTrail names what this project does under an assumed role."""


class GivenCredentials(CredentialProvider):
    """The base session's credentials, or those of a role assumed with them, renewed before they expire.

    Args:
        base: whose credentials they come from.
        session: calls STS.
        role: the role to assume, if it names one.
        own: whether the role is the pipeline's own. AWS's refusal of another one is an answer about that role; without
            its own one the pipeline can ask nothing.
    """

    METHOD = "secrets-pipeline"

    def __init__(self, base: boto3.Session, session: Session, role: AssumedRole, *, own: bool = True) -> None:
        super().__init__()
        self._own = own
        self._base = base
        self._session = session
        self._role = role

    def load(self) -> Credentials | None:
        """Return the credentials; STS AssumeRole is called when a call needs them."""
        own = self._base.get_credentials()
        if own is None or self._role.role_arn is None:
            return own
        asked = {"RoleSessionName": ROLE_SESSION_NAME}
        if self._role.external_id is not None:
            asked["ExternalId"] = self._role.external_id
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=self._session.create_client,
            source_credentials=own,
            role_arn=self._role.role_arn,
            extra_args=asked,
        )
        fetch = fetcher.fetch_credentials if self._own else _as_visitor(fetcher.fetch_credentials, self._role.role_arn)
        return DeferredRefreshableCredentials(refresh_using=fetch, method="assume-role")


def _as_visitor(fetch: Callable[[], Any], role_arn: str) -> Callable[[], Any]:
    def fetched() -> Any:  # noqa: ANN401 - botocore's credentials
        try:
            return fetch()
        except ClientError as error:
            raise_without_context(translate(error, action="AssumeRole", resource=role_arn, own_role=False))

    return fetched


def is_same_caller(actor: str, own: str) -> bool:
    """Compare the ARN of an API call's caller with our own one: whether the call was ours.

    Sessions of one role are told apart where we named ours; a session that the platform named (an instance, a task) has
    another name in each process of the same role.
    """
    if actor == own:
        return True
    role, _, session = own.rpartition("/")
    return ":assumed-role/" in own and session != ROLE_SESSION_NAME and actor.rpartition("/")[0] == role
