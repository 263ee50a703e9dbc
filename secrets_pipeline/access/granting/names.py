"""Build and take apart ARNs of secrets and keys, as far as names tell them.

Sources: https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html,
https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id
"""

from __future__ import annotations

from secrets_pipeline.arn import Arn

_SUFFIX = "-??????"


def secret_arn_pattern(name: str, *, partition: str, region: str, account_id: str) -> str:
    """The ARN of a secret of that name, whichever six characters AWS draws for its end, as an IAM policy says it.

    It matches no other name's: every ARN is its name, a hyphen and six characters, so what matches is as long as the
    name and spells it. For a sibling `NAME-abcdef` there are thirteen characters after `NAME`, not seven; only a
    pattern that ends in `*` would let it in. Names hold neither `*` nor `?`.

    Args:
        name: of the secret.
        partition: `aws`, `aws-cn`, `aws-us-gov` or `aws-eusc`.
        region: of the secret; its replicas elsewhere are not meant.
        account_id: its owner, 12 digits.
    """
    return str(Arn(partition, "secretsmanager", region, account_id, f"secret:{name}{_SUFFIX}"))


def is_pattern(arn: str) -> bool:
    """Whether the end of a secret's ARN is not known."""
    return arn.endswith(_SUFFIX)


def key_arn(name: str, *, partition: str, region: str, account_id: str) -> str:
    """The ARN of a KMS key or alias.

    Args:
        name: key id, alias name (`alias/…`), or an ARN already.
        partition: of the key.
        region: of the key.
        account_id: its owner, 12 digits.
    """
    if name.startswith("arn:"):
        return name
    resource = name if name.startswith("alias/") else f"key/{name}"
    return str(Arn(partition, "kms", region, account_id, resource))


def alias_of(arn: str) -> str | None:
    """`alias/…` of an alias's ARN; None for a key's."""
    resource = Arn.parse(arn).resource
    return resource if resource.startswith("alias/") else None
