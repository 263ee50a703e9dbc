"""STS as AWS documents it where moto differs.

What it corrects, measured on moto 5.2.5:

- Credentials that no role issued belong to an IAM user: GetCallerIdentity answers with an `iam` ARN, not an `sts` one.
  https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
"""

from __future__ import annotations

from types import ModuleType

from moto.sts import urls as moto_urls
from moto.sts.models import STSBackend, sts_backends

OPERATOR = "local-operator"


class Backend(STSBackend):
    """STS whose static credentials are those of a user."""

    @property
    def _url_module(self) -> ModuleType:
        return moto_urls

    def get_caller_identity(self, access_key_id: str, region: str) -> tuple[str, str, str]:
        """User id, ARN and account of the caller."""
        user_id, arn, account = super().get_caller_identity(access_key_id, region)
        if arn.endswith(":user/moto"):
            return user_id, arn.replace(":sts:", ":iam:").replace("user/moto", f"user/{OPERATOR}"), account
        return user_id, arn, account


def install() -> None:
    """Put this backend in the place of moto's."""
    sts_backends.backend = Backend
