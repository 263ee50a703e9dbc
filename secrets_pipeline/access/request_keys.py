"""Condition keys that a snapshot knows: about principals, secrets, KMS keys and the moment. Pure.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from secrets_pipeline.access.evaluator import Context, Values
from secrets_pipeline.access.session_tags import session_tags
from secrets_pipeline.access.snapshot import KeySnapshot, PrincipalSnapshot, SecretSnapshot

SESSION_KEYS = frozenset(
    {
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:signinsessionarn",
        "aws:sourceidentity",
        "aws:tokenissuetime",
        "aws:userid",
    }
)
"""What only a session, or how somebody signed in, tells."""
ROLE_KEYS = frozenset(
    {
        "aws:chatbotsourcearn",
        "aws:federatedprovider",
        "codebuild:buildarn",
        "codebuild:projectarn",
        "ec2:roledelivery",
        "ec2:sourceinstancearn",
        "glue:credentialissuingservice",
        "glue:roleassumedby",
        "identitystore:userid",
        "lambda:sourcefunctionarn",
        "ssm:sourceinstancearn",
    }
)
"""What depends on who runs under a role: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html."""


def about_moment(moment: datetime) -> Mapping[str, Values]:
    """Keys about when a request is made."""
    return {
        "aws:currenttime": (moment.isoformat(),),
        "aws:epochtime": (str(int(moment.timestamp())),),
    }


def about_principal(principal: PrincipalSnapshot, belonging: Context) -> Context:
    """Keys about a role or user."""
    tags = {f"aws:principaltag/{key.lower()}": (value,) for key, value in principal.tags.items()}
    if principal.kind == "user":
        name = {"aws:username": (principal.arn.rsplit("/", 1)[1],)}
        return Context({**belonging.values, **tags, **name}, belonging.unknown | SESSION_KEYS)
    from_session = session_tags(principal.trust)
    known = {key: values for key, values in tags.items() if not key.startswith(from_session.prefixes or ("\0",))}
    return Context(
        {**belonging.values, **known},
        belonging.unknown | SESSION_KEYS | ROLE_KEYS | from_session.keys,
        from_session.prefixes,
    )


def about_secret(secret: SecretSnapshot, belonging: Context) -> Context:
    """Keys about a secret: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html."""
    values: dict[str, Values] = {**belonging.values}
    for key, value in secret.tags.items():
        values[f"aws:resourcetag/{key.lower()}"] = values[f"secretsmanager:resourcetag/{key.lower()}"] = (value,)
    if secret.rotation.lambda_arn:
        values["secretsmanager:resource/allowrotationlambdaarn"] = (secret.rotation.lambda_arn,)
    if secret.primary_region:
        values["secretsmanager:secretprimaryregion"] = (secret.primary_region,)
    return Context(values, belonging.unknown)


def about_key(key: KeySnapshot, belonging: Context) -> Context:
    """Keys about a KMS key: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html."""
    values: dict[str, Values] = {
        **belonging.values,
        **{f"aws:resourcetag/{name.lower()}": (value,) for name, value in key.tags.items()},
        "kms:keyorigin": (key.origin,),
        "kms:keyspec": (key.spec,),
        "kms:keyusage": (key.usage,),
        "kms:multiregion": (str(key.multi_region).lower(),),
    }
    if key.aliases:
        values["kms:resourcealiases"] = key.aliases
    return Context(values, belonging.unknown)
