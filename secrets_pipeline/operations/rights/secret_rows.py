"""Declare the permissions for secrets, their keys, and what values are made of.

Sources for the conditions on keys: https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html and
https://docs.aws.amazon.com/kms/latest/developerguide/tag-authorization.html
"""

from __future__ import annotations

from typing import Final

from secrets_pipeline.operations.rights import conditions as when
from secrets_pipeline.operations.rights.model import Need, Right

EVERYTHING: Final = (
    Right(
        Need.EVERYTHING,
        "ListSecretsAndKeys",
        ("any",),
        reads="secretsmanager:ListSecrets kms:ListAliases ListKeys",
        writes="kms:CreateKey",
    ),
    Right(
        Need.EVERYTHING,
        "ReadSecrets",
        ("secrets", "referred_secrets"),
        reads="secretsmanager:DescribeSecret GetResourcePolicy GetSecretValue ListSecretVersionIds",
    ),
    # AWS names no resource for it, and asks for GetSecretValue on each secret besides.
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
    Right(Need.EVERYTHING, "ReadValuesInBatches", ("any",), reads="secretsmanager:BatchGetSecretValue"),
    Right(
        Need.EVERYTHING,
        "WriteSecrets",
        ("secrets",),
        writes="secretsmanager:CreateSecret PutSecretValue UpdateSecret UpdateSecretVersionStage TagResource "
        "UntagResource PutResourcePolicy DeleteResourcePolicy RestoreSecret",
    ),
    Right(
        Need.EVERYTHING,
        "ReadKeys",
        ("keys", "given_keys", "referred_keys", "foreign_keys", "foreign_database_keys"),
        reads="kms:DescribeKey ListResourceTags",
    ),
    # Secrets Manager opens and seals values on the caller's behalf; Encrypt is asked for a key that secrets move to.
    Right(
        Need.EVERYTHING,
        "UseKeysOfSecrets",
        ("keys", "given_keys", "referred_keys"),
        reads="kms:Decrypt",
        writes="kms:GenerateDataKey",
        condition=when.through_secrets_manager,
    ),
    Right(Need.EVERYTHING, "MoveSecretsToKeys", ("keys", "given_keys"), writes="kms:Encrypt"),
    Right(Need.EVERYTHING, "NameKeys", ("aliases",), writes="kms:CreateAlias"),
    Right(
        Need.EVERYTHING,
        "MakeKeys",
        ("keys",),
        writes="kms:CreateAlias EnableKeyRotation TagResource",
        condition=when.has_no_alias,
    ),
    Right(Need.EVERYTHING, "DeleteSpareKeys", ("keys",), writes="kms:ScheduleKeyDeletion", condition=when.is_spare),
    Right(
        Need.EVERYTHING,
        "MakeFingerprints",
        ("fingerprint_key",),
        reads="kms:GenerateMac",
        condition=when.has_fingerprint_alias,
    ),
    Right(
        Need.EVERYTHING,
        "SealValues",
        ("seal_key",),
        writes="kms:Decrypt GenerateDataKey",
        condition=when.has_seal_alias,
    ),
    Right(
        Need.EVERYTHING,
        "MakeFingerprintsByANewKey",
        ("new_service_keys",),
        reads="kms:GenerateMac",
        condition=when.has_no_alias,
    ),
    Right(
        Need.EVERYTHING,
        "SealValuesByANewKey",
        ("new_service_keys",),
        writes="kms:Decrypt GenerateDataKey",
        condition=when.new_seal,
    ),
    # Of stacks that left, too: ARNs and names, nothing secret.
    Right(Need.EVERYTHING, "ReadOutputs", ("every_output",), reads="ssm:GetParametersByPath"),
    Right(Need.EVERYTHING, "PublishOutputs", ("outputs",), writes="ssm:PutParameter DeleteParameter"),
    # Of PutParameter, with tags of the operator's settings.
    Right(Need.EVERYTHING, "TagOutputs", ("tagged_outputs",), writes="ssm:AddTagsToResource"),
)

PRUNE: Final = (
    Right(Need.PRUNE, "PruneSecrets", ("secrets",), writes="secretsmanager:DeleteSecret"),
    Right(
        Need.PRUNE,
        "ReplicateSecrets",
        ("replicated_secrets",),
        writes="secretsmanager:ReplicateSecretToRegions RemoveRegionsFromReplication",
    ),
)

KEYS: Final = (
    Right(Need.KEYS, "ReadKeysOfStacks", ("own_keys",), reads="kms:GetKeyRotationStatus"),
    # Of CreateKey with a policy: KMS refuses it unless the caller may replace the policy. A key that is being made has
    # neither tags nor an alias.
    # https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#prevent-unmanageable-key
    Right(Need.KEYS, "MakeKeysWithPolicies", ("own_keys",), writes="kms:PutKeyPolicy", condition=when.has_no_alias),
    Right(Need.KEYS, "MoveAliases", ("own_aliases",), writes="kms:UpdateAlias"),
    Right(
        Need.KEYS,
        "ChangeKeysOfStacks",
        ("own_keys",),
        writes="kms:UpdateAlias EnableKeyRotation DisableKeyRotation PutKeyPolicy UpdateKeyDescription "
        "TagResource UntagResource ScheduleKeyDeletion",
        condition=when.is_of_a_stack,
    ),
)

PARAMETERS: Final = (
    Right(Need.PARAMETERS, "FindParameters", ("any_parameter",), reads="ssm:DescribeParameters"),
    Right(Need.PARAMETERS, "ReadParameters", ("parameters",), reads="ssm:GetParameter GetParameters"),
    Right(
        Need.PARAMETERS,
        "OpenParameters",
        ("parameter_keys",),
        reads="kms:Decrypt",
        condition=when.through_parameters,
    ),
)

STATES: Final = (
    Right(Need.STATES, "ReadStates", ("states",), reads="s3:GetObject"),
    # Without ListBucket, S3 answers 403 for a state that is not there.
    Right(Need.STATES, "LookAtTheBucketsOfStates", ("state_buckets",), reads="s3:ListBucket"),
    Right(Need.STATES, "OpenStates", ("state_keys",), reads="kms:Decrypt", condition=when.through_states),
)
