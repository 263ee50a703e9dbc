"""List the condition keys that a snapshot knows: about principals, secrets, KMS keys and the moment.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from secrets_pipeline.access.evaluator import Context, PrincipalKind, Values
from secrets_pipeline.access.policy_text.principals import identity_providers
from secrets_pipeline.access.reach.session_tags import session_tags
from secrets_pipeline.access.snapshot.model import KeySnapshot, PrincipalSnapshot, SecretSnapshot

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

FEDERATION_KEYS = (
    "accounts.google.com:",
    "cognito-identity.amazonaws.com:",
    "graph.facebook.com:",
    "saml:",
    "www.amazon.com:",
)
"""Families of keys that a session keeps of how its user signed in, for example `cognito-identity.amazonaws.com:sub`.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
"""


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
    signed_in = (f"{one.lower()}:" for one in identity_providers(principal.trust or {}))
    known = {key: values for key, values in tags.items() if not key.startswith(from_session.prefixes or ("\0",))}
    return Context(
        {**belonging.values, **known},
        belonging.unknown | SESSION_KEYS | ROLE_KEYS | from_session.keys,
        (*from_session.prefixes, *dict.fromkeys((*FEDERATION_KEYS, *signed_in))),
    )


def about_unread(arn: str, kind: PrincipalKind, belonging: Context, *, tags_known: bool) -> Context:
    """Keys about a principal of which a policy tells no more than the name.

    Args:
        arn: its ARN.
        kind: what it is.
        belonging: of its account.
        tags_known: whether it is known to have no tags.
    """
    tags = () if tags_known else ("aws:principaltag/",)
    if kind is PrincipalKind.ROLE:
        unknown = belonging.unknown | SESSION_KEYS | ROLE_KEYS
        return Context(belonging.values, unknown, (*tags, *FEDERATION_KEYS))
    name = {"aws:username": (arn.rsplit("/", 1)[1],)} if kind is PrincipalKind.USER else {}
    return Context({**belonging.values, **name}, belonging.unknown | SESSION_KEYS, tags)


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


def about_key(key: KeySnapshot, belonging: Context, *, aliases_known: bool = True) -> Context:
    """Keys about a KMS key: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html.

    Args:
        key: the key; without tags, of one that was read in part, they may be what was not read.
        belonging: of its account.
        aliases_known: whether it is known to have no alias beyond those that it is known to have.
    """
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
    unknown = belonging.unknown if aliases_known else belonging.unknown | {"kms:resourcealiases"}
    return Context(values, unknown, ("aws:resourcetag/",) if key.unread and not key.tags else ())
