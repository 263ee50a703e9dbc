"""STS as AWS documents it where moto differs.

What it corrects, measured on moto 5.2.5:

- Credentials that no role issued belong to an IAM user: GetCallerIdentity answers with an `iam` ARN, not an `sts` one.
  https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
- A session keeps what it was issued with: session policies, tags, source identity, also along a chain of roles.
  https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining
- Sessions are found at once, however many were issued.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.models import iam_backends
from moto.sts import urls as moto_urls
from moto.sts.models import AssumedRole, STSBackend, sts_backends
from moto.sts.responses import TokenResponse

from secrets_pipeline.arn import iam_arn
from secrets_pipeline.emulator.core.sessions import OPERATOR, RoleSession, claims


class EmulatedStsBackend(STSBackend):
    """STS whose static credentials are those of a user, and whose sessions keep what limits them.

    Attributes:
        sessions: by access key id, those of roles in this account.
    """

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.sessions: dict[str, RoleSession] = {}

    def assume_role(self, *args: Any, **kwargs: Any) -> AssumedRole:  # noqa: ANN401 - moto's
        """Issue a session, which `remember` may add to."""
        assumed: AssumedRole = super().assume_role(*args, **kwargs)
        remember(RoleSession(assumed))
        return assumed

    def get_assumed_role_from_access_key(self, access_key_id: str) -> AssumedRole | None:
        """The role that issued an access key."""
        session = self.sessions.get(access_key_id)
        return session.assumed if session is not None else None

    def get_caller_identity(self, access_key_id: str, region: str) -> tuple[str, str, str]:
        """User id, ARN and account of the caller."""
        user_id, arn, account = super().get_caller_identity(access_key_id, region)
        if arn.endswith(":user/moto"):
            return user_id, arn.replace(":sts:", ":iam:").replace("user/moto", f"user/{OPERATOR}"), account
        return user_id, arn, account


class EmulatedStsResponse(TokenResponse):
    """Keeps with a session what moto forgets."""

    def assume_role(self) -> ActionResult:
        """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html."""
        answer = super().assume_role()
        caller: RoleSession | None = _backend(self.current_account, self.partition).sessions.get(self.access_key)
        inherited = {key: value for key, value in caller.tags.items() if key in caller.transitive} if caller else {}
        own = {str(one["Key"]): str(one.get("Value") or "") for one in self._get_param("Tags") or ()}
        source = str(self._get_param("SourceIdentity") or "") or (caller.source_identity if caller else "")
        result = _result(answer)
        assumed: AssumedRole = result["Credentials"]
        session = RoleSession(
            assumed,
            tuple(self._policies(assumed)),
            {**own, **inherited},
            frozenset(map(str, self._get_param("TransitiveTagKeys") or ())) | frozenset(inherited),
            source,
        )
        remember(session)
        if source:
            result["SourceIdentity"] = source
        return answer

    def assume_role_with_web_identity(self) -> ActionResult:
        """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html."""
        answer = super().assume_role_with_web_identity()
        result, said = _result(answer), claims(str(self._get_param("WebIdentityToken"))) or {}
        assumed: AssumedRole = result["Credentials"]
        issuer = str(said.get("iss", "")).removeprefix("https://")
        provider = iam_arn(assumed.account_id, f"oidc-provider/{issuer}", partition=self.partition)
        remember(RoleSession(assumed, tuple(self._policies(assumed)), provider=provider))
        result |= {
            "SubjectFromWebIdentityToken": str(said.get("sub", "")),
            "Audience": str(said.get("aud", "")),
            "Provider": provider,
        }
        return answer

    def _policies(self, assumed: AssumedRole) -> Iterator[tuple[str, str]]:
        """The session policies of a request: one inline, managed ones of the role's account."""
        if self._get_param("Policy"):
            yield "session policy", str(self._get_param("Policy"))
        iam = iam_backends[assumed.account_id][self.partition]
        for one in self._get_param("PolicyArns") or ():
            managed = iam.get_policy(str(one["arn"]))
            yield managed.arn, next(version.document for version in managed.versions if version.is_default)


def remember(session: RoleSession) -> None:
    """Keep a session in the account of its role."""
    partition = session.assumed.partition
    _backend(session.account_id, partition).sessions[session.assumed.access_key_id] = session


def _result(answer: ActionResult) -> dict[str, Any]:
    """The answer, which may be added to."""
    result: Any = answer.result
    if not isinstance(result, dict):
        raise TypeError(result)
    return result


def _backend(account_id: str, partition: str) -> EmulatedStsBackend:
    backend = sts_backends[account_id][partition]
    if not isinstance(backend, EmulatedStsBackend):
        raise TypeError(backend)
    return backend


def install() -> None:
    """Put this backend and dispatcher in the place of moto's."""
    sts_backends.backend = EmulatedStsBackend
    moto_urls.url_paths = {"{0}/$": EmulatedStsResponse.dispatch}
