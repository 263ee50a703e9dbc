"""Turn KMS grants into policies: a grant allows its grantee some operations, for some encryption contexts.

Source: https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from secrets_pipeline.access.evaluator.document import Policy

_ARN_OR_ACCOUNT = re.compile(r"arn:.+|\d{12}")


def grant_policy(
    grant_id: str,
    grantee: str,
    operations: Sequence[str],
    *,
    equals: Mapping[str, str] | None = None,
    subset: Mapping[str, str] | None = None,
    source_arn: str | None = None,
) -> Policy:
    """The policy that says what one grant says.

    Args:
        grant_id: for messages.
        grantee: ARN of a principal, or the name of a service.
        operations: for example `Decrypt`.
        equals: EncryptionContextEquals: exactly this context.
        subset: EncryptionContextSubset: at least this one.
        source_arn: SourceArn: only on behalf of this resource.
    """
    wanted = {**(subset or {}), **(equals or {})}
    conditions: dict[str, Any] = {}
    if wanted:
        conditions["StringEquals"] = {f"kms:EncryptionContext:{key}": value for key, value in wanted.items()}
    if equals:
        conditions["ForAllValues:StringEquals"] = {"kms:EncryptionContextKeys": sorted(equals)}
    if source_arn:
        conditions["ArnLike"] = {"aws:SourceArn": source_arn}
    statement = {
        "Sid": grant_id,
        "Effect": "Allow",
        "Principal": {"AWS" if _ARN_OR_ACCOUNT.fullmatch(grantee) else "Service": grantee},
        "Action": [f"kms:{operation}" for operation in operations],
        "Resource": "*",
        "Condition": conditions,
    }
    # Version 2008-10-17 has no policy variables: a context is text.
    return Policy(f"grant {grant_id}", {"Version": "2008-10-17", "Statement": [statement]})
