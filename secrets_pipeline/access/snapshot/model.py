"""Define what an audit looks at: principals, policies, secrets, keys and organisation of one moment, as plain JSON.

It holds no secret: neither values nor anything that opens them. Policies are kept as AWS handed them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

PolicyDocument: TypeAlias = Mapping[str, Any]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NamedPolicy(_Model):
    """A policy with its name, for example `FullAWSAccess`."""

    name: str
    document: PolicyDocument


class GroupSnapshot(_Model):
    """A group of users.

    Attributes:
        inline: documents by name.
        attached: ARNs of managed policies.
    """

    inline: Mapping[str, PolicyDocument] = {}
    attached: tuple[str, ...] = ()


class PrincipalSnapshot(_Model):
    """A role or user.

    Attributes:
        arn: with its path.
        inline: documents by name.
        attached: ARNs of managed policies, whose documents the account holds.
        groups: names of a user's groups.
        boundary: ARN of the managed policy that is its permissions boundary.
        trust: of a role, who may assume it.
        instance_profiles: ARNs of the instance profiles that hold a role.
    """

    arn: str
    kind: Literal["role", "user"]
    inline: Mapping[str, PolicyDocument] = {}
    attached: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    boundary: str | None = None
    tags: Mapping[str, str] = {}
    trust: PolicyDocument | None = None
    instance_profiles: tuple[str, ...] = ()


class AccountSnapshot(_Model):
    """The principals of one account.

    Attributes:
        managed: documents of managed policies, by ARN: the default versions.
        identity_providers: ARNs of OpenID Connect providers; None where they could not be read.
        unread: why the account could not be read, empty if it was; nothing else is known of it then.
    """

    account_id: str
    principals: tuple[PrincipalSnapshot, ...] = ()
    groups: Mapping[str, GroupSnapshot] = {}
    managed: Mapping[str, PolicyDocument] = {}
    identity_providers: tuple[str, ...] | None = None
    unread: str = ""


class OrganizationSnapshot(_Model):
    """The organisation, as far as it may be read.

    Attributes:
        id: `o-…`; None for an account in no organisation.
        management_account: SCPs and RCPs do not apply to it.
        paths: account → `o-…/r-…/ou-…/`, as `aws:PrincipalOrgPaths` has it, of those accounts of the snapshot that
            belong to it; none where they could not be listed.
        scps: account → policies of each level, from the root down to the account; no level at all where none apply:
            the management account, an organisation without SCPs.
        rcps: the same of resource control policies.
        unread: why it could not be read, or which part; what is not there is unknown then.
    """

    id: str | None = None
    management_account: str | None = None
    paths: Mapping[str, str] = {}
    scps: Mapping[str, tuple[tuple[NamedPolicy, ...], ...]] = {}
    rcps: Mapping[str, tuple[tuple[NamedPolicy, ...], ...]] = {}
    unread: str = ""


class GrantSnapshot(_Model):
    """A grant of a key, as ListGrants tells it.

    Attributes:
        grantee: ARN of a principal, or the name of a service.
        equals: EncryptionContextEquals.
        subset: EncryptionContextSubset.
        source_arn: the only resource on whose behalf a service may use it; None for no such constraint.
    """

    grant_id: str
    grantee: str
    operations: tuple[str, ...]
    equals: Mapping[str, str] = {}
    subset: Mapping[str, str] = {}
    source_arn: str | None = None


class KeySnapshot(_Model):
    """A KMS key under which secrets are encrypted.

    Attributes:
        arn: of the key; of an alias only where the key behind it could not be read.
        aliases: names, with `alias/`.
        state: KeyState, for example `Enabled`; empty if it could not be read.
        aws_managed: whether it is `aws/secretsmanager`, which serves nobody outside its account.
        policy: its statements and those of `AWS_RAM`, by which RAM shares a key; None where either could not be read.
        unread: why policy, grants or state could not be read.
    """

    arn: str
    aliases: tuple[str, ...] = ()
    state: str = "Enabled"
    aws_managed: bool = False
    policy: PolicyDocument | None = None
    grants: tuple[GrantSnapshot, ...] = ()
    tags: Mapping[str, str] = {}
    spec: str = "SYMMETRIC_DEFAULT"
    usage: str = "ENCRYPT_DECRYPT"
    origin: str = "AWS_KMS"
    multi_region: bool = False
    unread: str = ""


class RotationSnapshot(_Model):
    """Rotation as ListSecrets tells it.

    Attributes:
        enabled: RotationEnabled; absent counts as off.
        lambda_role: ARN of the role that its function runs under; None where it could not be read.
        external_role: ARN of the role by which Secrets Manager rotates a managed external secret at its partner.
    """

    enabled: bool = False
    lambda_arn: str | None = None
    lambda_role: str | None = None
    external_role: str | None = None


class SecretSnapshot(_Model):
    """A secret without its value.

    Attributes:
        kms_key_id: as ListSecrets tells it; None for `aws/secretsmanager`.
        keys: ARNs of the keys that open its AWSCURRENT version: several after a change of key, until a new version is
            written. Empty where it has no current version.
        policy: its resource policy, None for none.
        primary_region: of a replica, where its primary is.
        unread: why its policy or its versions could not be read.
    """

    arn: str
    name: str
    kms_key_id: str | None = None
    keys: tuple[str, ...] = ()
    policy: PolicyDocument | None = None
    tags: Mapping[str, str] = {}
    rotation: RotationSnapshot = RotationSnapshot()
    primary_region: str | None = None
    unread: str = ""


class Snapshot(_Model):
    """Everything that an audit of one account and region looks at.

    Attributes:
        format: of this file; a reader refuses another.
        taken_at: with time zone.
        caller_arn: who took it, as GetCallerIdentity says.
        accounts: by account id: that of the secrets, and others whose roles read them.
        keys: by ARN.
    """

    format: Literal[2] = 2
    taken_at: datetime
    account_id: str
    region: str
    partition: str
    caller_arn: str
    organization: OrganizationSnapshot
    accounts: Mapping[str, AccountSnapshot]
    secrets: tuple[SecretSnapshot, ...]
    keys: Mapping[str, KeySnapshot]
