"""Turn secrets, keys and roles of the embedded AWS into targets of the evaluator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from moto.kms.models import kms_backends
from moto.utilities.utils import get_partition

from secrets_pipeline.access.evaluator import Context, Layer, TargetResource, grant_policy
from secrets_pipeline.arn import Arn
from secrets_pipeline.emulator.enforcement.documents import policy
from secrets_pipeline.emulator.enforcement.organizations import belonging

if TYPE_CHECKING:
    from moto.iam.models import Role
    from moto.kms.models import Grant, Key

    from secrets_pipeline.access.evaluator import Policy, Values

AWS_MANAGED = "AWS"


class RotationView(Protocol):
    """How a secret is rotated."""

    @property
    def lambda_arn(self) -> str | None:
        """By which function."""


class StoredSecret(Protocol):
    """What decides about a secret, as Secrets Manager's side keeps it."""

    @property
    def arn(self) -> str:
        """Of the secret."""

    @property
    def region(self) -> str:
        """Where it is."""

    @property
    def tags(self) -> Mapping[str, str]:
        """Its tags."""

    @property
    def policy(self) -> str | None:
        """Its resource policy."""

    @property
    def rotation(self) -> RotationView | None:
        """How it is rotated."""

    @property
    def primary(self) -> StoredSecret | None:
        """The secret that it is a replica of."""

    @property
    def replicas(self) -> Mapping[str, object]:
        """Its replicas, by region."""


def anything(account_id: str, arn: str = "*") -> TargetResource:
    """What has no policy of its own: an account's API, or a name that stands for nothing yet."""
    return TargetResource(arn, account_id, Layer.SECRET_POLICY)


def secret_target(secret: StoredSecret) -> TargetResource:
    """A secret with its policy."""
    arn = Arn.parse(secret.arn)
    account_id, belongs = arn.account_id, belonging(arn.account_id, arn.partition)
    about: dict[str, Values] = belongs.context("resource")
    for key, value in secret.tags.items():
        about[f"aws:resourcetag/{key.lower()}"] = about[f"secretsmanager:resourcetag/{key.lower()}"] = (value,)
    if secret.rotation is not None and secret.rotation.lambda_arn:
        about["secretsmanager:resource/allowrotationlambdaarn"] = (secret.rotation.lambda_arn,)
    if secret.primary is not None or secret.replicas:
        about["secretsmanager:secretprimaryregion"] = ((secret.primary or secret).region,)
    return TargetResource(
        secret.arn,
        account_id,
        Layer.SECRET_POLICY,
        policy("secret policy", secret.policy),
        belongs.rcps,
        context=Context(about),
    )


def key_target(key: Key) -> TargetResource:
    """A KMS key with its policy and grants."""
    belongs = belonging(key.account_id, get_partition(key.region))
    tags = kms_backends[key.account_id][key.region].tagger.get_tag_dict_for_resource(key.id)
    about: dict[str, Values] = {
        **belongs.context("resource"),
        **{f"aws:resourcetag/{name.lower()}": (value,) for name, value in tags.items()},
        "kms:keyorigin": (key.origin,),
        "kms:keyspec": (key.key_spec,),
        "kms:keyusage": (key.key_usage,),
        "kms:multiregion": (str(key.multi_region).lower(),),
    }
    aliases = tuple(key.aliases)
    if aliases:
        about["kms:resourcealiases"] = aliases
    return TargetResource(
        key.arn,
        key.account_id,
        Layer.KEY_POLICY,
        policy("key policy", key.policy),
        # RCPs do not restrict AWS managed keys.
        () if key.key_manager == AWS_MANAGED else belongs.rcps,
        tuple(_grant(one) for one in list(key.grants.values())),
        Context(about),
    )


def new_key_target(account_id: str, region: str) -> TargetResource:
    """A KMS key that is being made: its ARN is not known, and it has neither tags nor aliases."""
    partition = get_partition(region)
    belongs = belonging(account_id, partition)
    arn = str(Arn(partition, "kms", region, account_id, "key/*"))
    about = Context(belongs.context("resource"))
    return TargetResource(arn, account_id, Layer.KEY_POLICY, None, belongs.rcps, context=about)


def _grant(grant: Grant) -> Policy:
    constraints = grant.constraints or {}
    return grant_policy(
        grant.id,
        grant.grantee_principal,
        grant.operations,
        equals=constraints.get("EncryptionContextEquals"),
        subset=constraints.get("EncryptionContextSubset"),
    )


def role_target(role: Role) -> TargetResource:
    """A role with its trust policy."""
    belongs = belonging(role.account_id, role.partition)
    tags: dict[str, Values] = {f"aws:resourcetag/{one['Key'].lower()}": (one["Value"],) for one in role.tags}
    return TargetResource(
        role.arn,
        role.account_id,
        Layer.TRUST_POLICY,
        policy("trust policy", role.assume_role_policy_document),
        belongs.rcps,
        context=Context({**belongs.context("resource"), **tags}),
    )
