"""Read the KMS keys that open secrets: ListAliases, DescribeKey, GetKeyPolicy, ListGrants and ListResourceTags.

Sources: https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html,
https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html and
https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from secrets_pipeline.access.evaluator.elements import listed
from secrets_pipeline.access.snapshot.calls import UnreadParts, at_once, parsed
from secrets_pipeline.access.snapshot.model import GrantSnapshot, KeySnapshot, PolicyDocument
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import pages
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.errors import MISSING, AwsError

DEFAULT_ALIAS = "alias/aws/secretsmanager"
_SHARED = "AWS_RAM"
"""The name of the policy that RAM keeps for a key."""
_ACCOUNT = re.compile(r"arn:[\w-]+:kms:[\w-]+:(?P<account>\d{12}):.+")
_UNREADABLE = (*MISSING, "KMSInvalidStateException")
"""A key that is gone, or half made, or whose policy lets nobody know that it is there."""


class KeyReader:
    """Reads keys by whatever name secrets call them.

    Args:
        account: account and region of the secrets.
        others: credentials for further accounts, by account id: KMS shows a key's policy to its own account alone.
    """

    def __init__(self, account: AwsAccount, others: Mapping[str, AwsAccount]) -> None:
        self._account = account
        self._others = others

    def read(self, names: Collection[str]) -> tuple[dict[str, KeySnapshot], dict[str, str]]:
        """Read keys.

        Args:
            names: key ids, key ARNs, alias names and alias ARNs; names of one key are read once.

        Returns:
            The keys by ARN, and the ARN behind every name. A key that cannot be told from its name has the alias's ARN.

        Raises:
            AwsError: for anything but a refusal.
        """
        wanted = sorted(names)
        described = dict(zip(wanted, at_once(self._describe, wanted), strict=True))
        keys = {key.arn: key for key in described.values()}
        reading = UnreadParts()
        aliases = (reading.attempt(self._aliases) or {}) if keys else {}
        read = at_once(partial(self._complete, aliases, reading.unread), keys.values())
        return {key.arn: key for key in read}, {name: key.arn for name, key in described.items()}

    def _describe(self, name: str) -> KeySnapshot:
        arn, reading = self._arn(name), UnreadParts()

        def read() -> Mapping[str, Any]:
            with calling("DescribeKey", name):
                return self._reader(arn).client("kms").describe_key(KeyId=arn)["KeyMetadata"]

        about = reading.attempt(read, *_UNREADABLE)
        if about is None:
            ours = arn.endswith(f":{DEFAULT_ALIAS}")
            return KeySnapshot(arn=arn, state="", aws_managed=ours, unread=reading.unread)
        return KeySnapshot(
            arn=about["Arn"],
            state=about["KeyState"],
            aws_managed=about.get("KeyManager") == "AWS",
            spec=about.get("KeySpec") or "SYMMETRIC_DEFAULT",
            usage=about.get("KeyUsage") or "ENCRYPT_DECRYPT",
            origin=about.get("Origin") or "AWS_KMS",
            multi_region=bool(about.get("MultiRegion")),
        )

    def _complete(self, aliases: Mapping[str, tuple[str, ...]], unlisted: str, key: KeySnapshot) -> KeySnapshot:
        """A described key with the rest; `unlisted` is why there are no aliases."""
        if not key.state:
            return key
        account, reading = self._reader(key.arn), UnreadParts()
        client = account.client("kms")

        def policy() -> PolicyDocument:
            return _policy_document(account, key)

        def grants() -> tuple[GrantSnapshot, ...]:
            with calling("ListGrants", key.arn):
                return tuple(map(_grant, pages(client, "list_grants", KeyId=key.arn)))

        def tags() -> dict[str, str]:
            with calling("ListResourceTags", key.arn):
                return {tag["TagKey"]: tag["TagValue"] for tag in pages(client, "list_resource_tags", KeyId=key.arn)}

        found = {
            "policy": reading.attempt(policy, *_UNREADABLE),
            "grants": reading.attempt(grants, *_UNREADABLE) or (),
            "tags": reading.attempt(tags, *_UNREADABLE) or {},
        }
        unread = "; ".join(filter(None, (reading.unread, unlisted)))
        return key.model_copy(update={**found, "aliases": aliases.get(key.arn, ()), "unread": unread})

    def _aliases(self) -> dict[str, tuple[str, ...]]:
        """Key ARN → alias names, of the account's own keys."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        with calling("ListAliases", "of the account"):
            for alias in pages(self._account.client("kms"), "list_aliases"):
                if "TargetKeyId" in alias:
                    found[self._arn(alias["TargetKeyId"])].append(alias["AliasName"])
        return {arn: tuple(sorted(names)) for arn, names in found.items()}

    def _arn(self, name: str) -> str:
        if name.startswith("arn:"):
            return name
        resource = name if name.startswith("alias/") else f"key/{name}"
        return self._account.arn("kms", resource)

    def _reader(self, arn: str) -> AwsAccount:
        named = _ACCOUNT.fullmatch(arn)
        return self._others.get(named["account"], self._account) if named else self._account


def _policy_document(account: AwsAccount, key: KeySnapshot) -> PolicyDocument:
    """Read the policy of a key, with the statements of `AWS_RAM`, by which RAM shares it: KMS adds the two up.

    A key that AWS manages serves nobody outside its account, so it is not shared.

    Raises:
        AwsError: if either could not be read.
    """
    default = _key_policy(account, key.arn, "default")
    try:
        shared = {} if key.aws_managed else _key_policy(account, key.arn, _SHARED)
    except AwsError as error:
        if not error.missing:
            raise
        return default
    if not shared:
        return default
    numbered = enumerate(listed(shared.get("Statement")), start=1)
    added = [{**one, "Sid": f"{_SHARED} {one.get('Sid') or f'#{number}'}"} for number, one in numbered]
    return {**shared, **default, "Statement": [*listed(default.get("Statement")), *added]}


def _key_policy(account: AwsAccount, arn: str, name: str) -> PolicyDocument:
    with calling("GetKeyPolicy", arn):
        text = account.client("kms").get_key_policy(KeyId=arn, PolicyName=name)["Policy"]
    return parsed(text, f"the policy {name} of key {arn}")


def _grant(entry: Mapping[str, Any]) -> GrantSnapshot:
    constraints = entry.get("Constraints") or {}
    return GrantSnapshot(
        grant_id=entry["GrantId"],
        grantee=entry.get("GranteePrincipal") or entry.get("GranteeServicePrincipal") or "",
        operations=tuple(entry.get("Operations") or ()),
        equals=constraints.get("EncryptionContextEquals") or {},
        subset=constraints.get("EncryptionContextSubset") or {},
        source_arn=constraints.get("SourceArn"),
    )
