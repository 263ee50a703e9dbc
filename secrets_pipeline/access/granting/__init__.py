"""What consumers need to read their secrets, and nothing else: policy documents, from names and ARNs alone. Pure."""

from secrets_pipeline.access.granting.attached import (
    ROTATION_POLICY,
    attachable,
    differences,
    inline_policy_name,
    inline_text,
    is_as_attached,
    readable_arns,
)
from secrets_pipeline.access.granting.consumer import (
    ConsumerDocuments,
    consumers_named,
    documents,
)
from secrets_pipeline.access.granting.identity import PolicyDocument, Readable, identity_policy
from secrets_pipeline.access.granting.names import key_arn, secret_arn_pattern
from secrets_pipeline.access.granting.rotation import rotated_arns, rotation_policy, rotation_trust
from secrets_pipeline.access.granting.stack import StackInAws

__all__ = [
    "ROTATION_POLICY",
    "ConsumerDocuments",
    "PolicyDocument",
    "Readable",
    "StackInAws",
    "attachable",
    "consumers_named",
    "differences",
    "documents",
    "identity_policy",
    "inline_policy_name",
    "inline_text",
    "is_as_attached",
    "key_arn",
    "readable_arns",
    "rotated_arns",
    "rotation_policy",
    "rotation_trust",
    "secret_arn_pattern",
]
