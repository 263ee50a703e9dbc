"""Parse and build Amazon Resource Names, `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from secrets_pipeline.errors import ArnError

_PARTS = 6
_SEPARATOR = re.compile("[:/]")
_FORM = "arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE"


@dataclass(frozen=True, slots=True)
class Arn:
    """An ARN in parts; `str()` gives its text, and parsing that text gives the same parts.

    Attributes:
        partition: `aws`, `aws-cn`, `aws-us-gov` or `aws-eusc`.
        service: namespace, for example `secretsmanager`.
        region: empty for a global service, such as IAM.
        account_id: 12 digits; empty for few resources, such as buckets; `aws` for policies of AWS.
        resource: all that follows, for example `secret:team/dev/api-AbCdEf`.

    Raises:
        ArnError: if a part has a colon where the next part would begin, or one is empty that never is.
    """

    partition: str
    service: str
    region: str
    account_id: str
    resource: str

    def __post_init__(self) -> None:
        if not (self.partition and self.service and self.resource):
            raise ArnError("an ARN has a partition, a service and a resource", remedy=f"It reads {_FORM}.")
        if ":" in f"{self.partition}{self.service}{self.region}{self.account_id}":
            raise ArnError("a colon stands inside a part of an ARN", remedy=f"It reads {_FORM}.")

    @classmethod
    def match(cls, text: str) -> Arn | None:
        """The ARN that a text is; None for any other text."""
        parts = text.split(":", _PARTS - 1)
        if len(parts) < _PARTS or parts[0] != "arn" or not (parts[1] and parts[2] and parts[5]):
            return None
        return cls(*parts[1:])

    @classmethod
    def parse(cls, text: str) -> Arn:
        """The ARN that a text is.

        Raises:
            ArnError: if it is none; the text is not repeated, as it may be anything.
        """
        found = cls.match(text)
        if found is None:
            raise ArnError("an ARN was expected, and this is none", remedy=f"It reads {_FORM}.")
        return found

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account_id}:{self.resource}"

    @property
    def kind(self) -> str:
        """`role` of `role/team/api`, `function` of `function:api:2`; empty for `root`, a queue or a topic."""
        return self._split()[0]

    @property
    def name(self) -> str:
        """`team/api` of `role/team/api`, `api` of `function:api:2`, the whole resource where there is no type."""
        _, separator, rest = self._split()
        return rest.partition(":")[0] if separator == ":" else rest

    @property
    def qualifier(self) -> str:
        """What a colon parts from the name: `2` of `function:api:2`, a function's version; empty if there is none."""
        _, separator, rest = self._split()
        return rest.partition(":")[2] if separator == ":" else ""

    @property
    def unqualified(self) -> Arn:
        """The same resource without the qualifier."""
        kind, separator, _ = self._split()
        return replace(self, resource=f"{kind}:{self.name}") if separator == ":" else self

    def _split(self) -> tuple[str, str, str]:
        found = _SEPARATOR.search(self.resource)
        if found is None:
            return "", "", self.resource
        return self.resource[: found.start()], found[0], self.resource[found.end() :]


def pattern_parts(pattern: str) -> tuple[str, ...]:
    """The six parts of a pattern of ARNs, in any of which wildcards may stand; none if it has fewer."""
    parts = pattern.split(":", _PARTS - 1)
    return tuple(parts) if len(parts) == _PARTS else ()


def account_of(arn: str) -> str:
    """The account in an ARN.

    Raises:
        ArnError: if the text is no ARN.
    """
    return Arn.parse(arn).account_id


def iam_arn(account_id: str, resource: str, *, partition: str = "aws") -> str:
    """The ARN of a role, user, provider or root of an account: IAM is global, so there is no region in it.

    Args:
        account_id: 12 digits.
        resource: for example `role/team/api`, or `root`.
        partition: `aws`, `aws-cn`, `aws-us-gov` or `aws-eusc`.
    """
    return str(Arn(partition, "iam", "", account_id, resource))
