"""What AWS holds, read in bulk, cached for one run and kept up to date by the run's own writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from secrets_pipeline.aws import AwsAccount, calling, pages
from secrets_pipeline.reconcilers.database_inventory import DatabaseInventory
from secrets_pipeline.reconcilers.marks import STACK
from secrets_pipeline.reconcilers.states import (
    UNREAD,
    KeyState,
    SecretState,
    Unread,
    secret_state,
    tag_map,
)

_NAME_PREFIXES_PER_FILTER = 10


class Inventory:
    """One account and region, as far as one stack looks at it.

    ListSecrets may be five minutes old, so a write is preceded by `confirm`, and our own writes are noted here.

    Args:
        account: whose AWS.
        stack: logical stack name; secrets tagged with it are listed even when they left the YAML.
        names: secret names that the stack declares.

    Attributes:
        databases: what RDS holds.
    """

    def __init__(self, account: AwsAccount, stack: str, names: tuple[str, ...]) -> None:
        self.account = account
        self.databases = DatabaseInventory(account)
        self._stack = stack
        self._names = names
        self._lock = threading.RLock()
        self._secrets: dict[str, SecretState] | None = None
        self._aliases: dict[str, str] | None = None
        self._keys: dict[str, KeyState] = {}
        self._memory: dict[tuple[str, ...], Any] = {}

    def remember(self, *key: str, read: Callable[[], Any]) -> Any:  # noqa: ANN401 - the caller knows its type
        """What `read` returned the first time; `forget` with the same key makes it be read again."""
        with self._lock:
            if key not in self._memory:
                self._memory[key] = read()
            return self._memory[key]

    def forget(self, *key: str) -> None:
        """Read that again next time."""
        with self._lock:
            self._memory.pop(key, None)

    # secrets

    def secrets(self) -> Mapping[str, SecretState]:
        """Every secret that is tagged for this stack or has a name that it declares, by name."""
        with self._lock:
            if self._secrets is None:
                self._secrets = self._list_secrets()
            return self._secrets

    def secret(self, name: str) -> SecretState | None:
        """The secret of that name, or None."""
        return self.secrets().get(name)

    def confirm(self, name: str) -> SecretState | None:
        """The secret as DescribeSecret shows it now, or None; free where this run already confirmed it."""
        known = self.secret(name)
        if known is not None and known.confirmed:
            return known
        return self.refresh(name)

    def refresh(self, name: str) -> SecretState | None:
        """The secret as DescribeSecret shows it now, or None."""
        client = self.account.client("secretsmanager")
        known = self.secret(name)
        with calling("DescribeSecret", name):
            try:
                answer = client.describe_secret(SecretId=name)
            except client.exceptions.ResourceNotFoundException:
                self._note(name, None)
                return None
        state = secret_state(answer, confirmed=True)
        if known is not None and known.arn == state.arn:
            state = replace(state, policy=known.policy)
        self._note(name, state)
        return state

    def note(self, state: SecretState) -> None:
        """Record what a write of this run made."""
        self._note(state.name, state)

    def policy(self, name: str) -> str | None:
        """The resource policy's text, read when nobody has; None where there is none or no such secret."""
        state = self.secret(name)
        if state is None:
            return None
        if isinstance(state.policy, Unread):
            with calling("GetResourcePolicy", name):
                answer = self.account.client("secretsmanager").get_resource_policy(SecretId=state.arn)
            state = replace(state, policy=answer.get("ResourcePolicy") or None)
            self._note(name, state)
        return None if state.policy is UNREAD else state.policy

    def _note(self, name: str, state: SecretState | None) -> None:
        with self._lock:
            secrets = dict(self.secrets())
            if state is None:
                secrets.pop(name, None)
            else:
                secrets[name] = state
            self._secrets = secrets

    def _list_secrets(self) -> dict[str, SecretState]:
        found = {}
        owned = [{"Key": "tag-key", "Values": [STACK]}, {"Key": "tag-value", "Values": [self._stack]}]
        for state in self._listed(owned):
            if state.tags.get(STACK) == self._stack or state.name in self._names:
                found[state.name] = state
        missing = [name for name in self._names if name not in found]
        for start in range(0, len(missing), _NAME_PREFIXES_PER_FILTER):
            wanted = missing[start : start + _NAME_PREFIXES_PER_FILTER]
            for state in self._listed([{"Key": "name", "Values": wanted}]):
                if state.name in wanted:
                    found[state.name] = state
        return found

    def _listed(self, filters: list[dict[str, Any]]) -> list[SecretState]:
        client = self.account.client("secretsmanager")
        with calling("ListSecrets", f"of stack {self._stack}"):
            entries = pages(client, "list_secrets", Filters=filters, IncludePlannedDeletion=True, MaxResults=100)
            return [secret_state(entry) for entry in entries]

    # keys

    def key_id(self, name: str) -> str | None:
        """Key id behind an alias name, alias ARN, key ARN or key id; None for an alias that does not exist."""
        name = name.rsplit(":", 1)[-1]
        if name.startswith("key/"):
            return name.removeprefix("key/")
        return self.aliases().get(name) if name.startswith("alias/") else name

    def aliases(self) -> Mapping[str, str]:
        """Alias name → key id."""
        with self._lock:
            if self._aliases is None:
                with calling("ListAliases", "of the account"):
                    entries = pages(self.account.client("kms"), "list_aliases")
                    self._aliases = {a["AliasName"]: a["TargetKeyId"] for a in entries if "TargetKeyId" in a}
            return self._aliases

    def key(self, alias: str) -> KeyState | None:
        """The key behind an alias, with tags, policy and rotation; None where the alias does not exist."""
        key_id = self.aliases().get(alias)
        if key_id is None:
            return None
        with self._lock:
            if alias not in self._keys:
                self._keys[alias] = self._read_key(alias, key_id)
            return self._keys[alias]

    def forget_key(self, alias: str) -> None:
        """Read a key again next time; its alias stays known, as a list may not show a new one for a while."""
        with self._lock:
            self._keys.pop(alias, None)

    def note_alias(self, alias: str, key_id: str) -> None:
        """Record an alias that this run made."""
        with self._lock:
            self._aliases = {**self.aliases(), alias: key_id}

    def _read_key(self, alias: str, key_id: str) -> KeyState:
        client = self.account.client("kms")
        with calling("DescribeKey", alias):
            about = client.describe_key(KeyId=key_id)["KeyMetadata"]
        with calling("GetKeyPolicy", alias):
            policy = client.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"]
        with calling("ListResourceTags", alias):
            tags = tag_map(pages(client, "list_resource_tags", KeyId=key_id))
        rotation: Mapping[str, Any] = {}
        if about.get("KeyState") == "Enabled" and about.get("KeySpec") == "SYMMETRIC_DEFAULT":
            with calling("GetKeyRotationStatus", alias):
                rotation = client.get_key_rotation_status(KeyId=key_id)
        return KeyState(
            alias=alias,
            key_id=key_id,
            arn=about["Arn"],
            state=about.get("KeyState", ""),
            description=about.get("Description", ""),
            manager=about.get("KeyManager", ""),
            tags=tags,
            rotation_enabled=bool(rotation.get("KeyRotationEnabled")),
            rotation_period_in_days=rotation.get("RotationPeriodInDays"),
            policy=policy,
        )
