"""Read KMS keys, each when it is asked for, in as few calls as that takes, and once a run.

Source: https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, TypeVar

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import pages
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.engine.reason import Because, Missing, Reason
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.observed.key_state import (
    NAME_ANOTHER,
    UNKNOWN_STATE,
    KeyRotation,
    KeyState,
    key_state,
)
from secrets_pipeline.reconcilers.observed.secret_state import DEFAULT_KEY_ALIAS
from secrets_pipeline.reconcilers.observed.tags import tag_map

_ARN = re.compile(r"arn:[\w-]+:kms:(?P<region>[\w-]+):(?P<account>\d{12}):(?P<rest>(?:key|alias)/.+)")
_MOST_SEARCHED, _MOST_CARRYING = 100, 1_000
"""Keys without an alias, and keys in all, whose tags are read at most."""
_CONCLUDED = "concluded"

Read = TypeVar("Read")

_ABSENT = Missing(
    "does not exist", "Name an existing key of the same region by ARN, id or alias, or let the stack make one."
)


class KeyInventory:
    """Reads the keys of one account and region.

    Args:
        account: whose AWS.
        lists_aliases: whether aliases come from one ListAliases; without it each costs its own DescribeKey, which is
            less where only a few are asked for.
    """

    def __init__(self, account: AwsAccount, *, lists_aliases: bool = True) -> None:
        self._account = account
        self._lists = lists_aliases
        self._lock = threading.RLock()
        self._aliases: dict[str, str] | None = None
        self._memory: dict[tuple[str, str], Any] = {}

    def aliases(self) -> Mapping[str, str]:
        """Read every alias of the account by ListAliases: alias name → key id."""
        with self._lock:
            if self._aliases is None:
                with calling("ListAliases", "of the account"):
                    entries = pages(self._account.client("kms"), "list_aliases")
                    self._aliases = {a["AliasName"]: a["TargetKeyId"] for a in entries if "TargetKeyId" in a}
            return self._aliases

    def key_id(self, name: str) -> str | None:
        """Find the key id behind an alias name, alias ARN, key ARN or key id; None for an alias that does not exist."""
        found = _ARN.fullmatch(name)
        short = found["rest"] if found else name
        if short.startswith("key/"):
            return short.removeprefix("key/")
        if not short.startswith("alias/"):
            return short
        if self._lists and not self._is_elsewhere(name):
            return self.aliases().get(short)
        about = self.about(name)
        return about.key_id if about else None

    def called(self, name: str) -> str:
        """Return the alias of a key, for a human; what it was named by where it has none, or none can be read."""
        if not self._lists or self._is_elsewhere(name):
            return name
        try:
            known, key_id = self.aliases(), self.key_id(name)
        except AwsError:
            return name
        return min((alias for alias, target in known.items() if target == key_id), default=name)

    def about(self, name: str) -> KeyState | None:
        """Read a key by DescribeKey, by any spelling; None where there is none, or it is in another region."""
        found = _ARN.fullmatch(name)
        if found and found["region"] != self._account.region:
            return None
        listed = self._lists and not self._is_elsewhere(name)
        # A new alias is listed late, so an unknown one is asked for by its name.
        wanted = (self.key_id(name) or name) if listed else name
        state = self._remember("about", wanted, lambda: self._describe(wanted))
        if state is not None:
            # So that its other spellings cost no call.
            self._remember("about", state.key_id, lambda: state)
        return state

    def problem(self, name: str) -> Reason | None:
        """Say why a secret cannot be encrypted under a key, as the rest of a sentence; None where it can.

        A key that we may not look at is left to Secrets Manager, which uses it on behalf of others; its own default key
        is made by AWS when it is first used.
        """
        if name.endswith(DEFAULT_KEY_ALIAS):
            return None
        found = _ARN.fullmatch(name)
        if found and found["region"] != self._account.region:
            return Because(f"is in {found['region']}, and the secret in {self._account.region}", NAME_ANOTHER)
        about = self.about(name)
        return _ABSENT if about is None else about.problem

    def tags(self, key_id: str) -> Mapping[str, str]:
        """Read a key's tags by ListResourceTags."""

        def read() -> dict[str, str]:
            with calling("ListResourceTags", key_id):
                return tag_map(pages(self._account.client("kms"), "list_resource_tags", KeyId=key_id))

        return self._remember("tags", key_id, read)

    def rotation(self, key_id: str) -> KeyRotation:
        """Read whether and how often KMS rotates a key's material, by GetKeyRotationStatus."""

        def read() -> KeyRotation:
            with calling("GetKeyRotationStatus", key_id):
                status = self._account.client("kms").get_key_rotation_status(KeyId=key_id)
            return KeyRotation(bool(status.get("KeyRotationEnabled")), status.get("RotationPeriodInDays"))

        return self._remember("rotation", key_id, read)

    def policy(self, key_id: str) -> str:
        """Read a key's policy by GetKeyPolicy, once a run."""
        return self._remember("policy", key_id, lambda: key_policy(self._account, key_id))

    def grantee_now(self, key_id: str) -> str | None:
        """Read by ListGrants now who has a grant on a key: the first of them, or None.

        Raises:
            AwsError: if KMS refuses.
        """
        with calling("ListGrants", key_id):
            granted = next(pages(self._account.client("kms"), "list_grants", KeyId=key_id), None)
        return granted.get("GranteePrincipal", "somebody") if granted else None

    def carrying(self, tag: str) -> tuple[Mapping[str, Mapping[str, str]], bool]:
        """Find by ListKeys and ListResourceTags the keys that carry a tag, once a run.

        Returns:
            Their tags by id, and whether the account has more keys than were looked at.
        """

        def read() -> tuple[Mapping[str, Mapping[str, str]], bool]:
            with calling("ListKeys", "of the account"):
                every = [entry["KeyId"] for entry in pages(self._account.client("kms"), "list_keys")]
            asked = every[:_MOST_CARRYING]
            return {key_id: tags for key_id, tags in self._visible_tags(asked) if tag in tags}, asked != every

        return self._remember("carrying", tag, read)

    def without_alias(self, tag: str) -> Mapping[str, Mapping[str, str]]:
        """Find by ListKeys the keys that carry a tag and have no alias, which a run or a person left so: tags by id."""

        def read() -> dict[str, Mapping[str, str]]:
            with calling("ListKeys", "of the account"):
                aliased = set(self.aliases().values())
                every = (entry["KeyId"] for entry in pages(self._account.client("kms"), "list_keys"))
                bare = list(islice((key_id for key_id in every if key_id not in aliased), _MOST_SEARCHED))
            return {key_id: tags for key_id, tags in self._visible_tags(bare) if tag in tags}

        return self._remember("without alias", tag, read)

    def concluded(self, name: str, conclude: Callable[[], Read]) -> Read:
        """Keep what follows from what was read, until something is read again or noted."""
        return self._remember(_CONCLUDED, name, conclude)

    def note_alias(self, alias: str, key_id: str) -> None:
        """Record an alias that this run made; a list may not show it for a while."""
        with self._lock:
            self._aliases = {**self.aliases(), alias: key_id}
            self._drop(lambda kind, name: (kind, name) == ("about", alias))

    def confirm_alias(self, alias: str) -> None:
        """Read again where an alias leads, by its name since a list may be old, and the tags of that key."""
        about = self._describe(alias)
        if about is not None:
            self.note_alias(alias, about.key_id)
            self.forget(about.key_id)

    def note(self, state: KeyState, tags: Mapping[str, str]) -> None:
        """Record a key that this run made; KMS may not show it for a while."""
        with self._lock:
            self._drop(lambda _kind, name: name == state.key_id)
            self._memory["about", state.key_id] = state
            self._memory["tags", state.key_id] = dict(tags)

    def forget(self, key_id: str) -> None:
        """Read a key again next time."""
        with self._lock:
            self._drop(lambda _kind, name: name == key_id)

    def forget_search(self, tag: str) -> None:
        """Search again next time."""
        with self._lock:
            self._drop(lambda kind, name: (kind, name) == ("without alias", tag))

    def _drop(self, outdated: Callable[[str, str], bool]) -> None:
        self._memory = {key: read for key, read in self._memory.items() if key[0] != _CONCLUDED and not outdated(*key)}

    def _remember(self, kind: str, name: str, read: Callable[[], Read]) -> Read:
        with self._lock:
            if (kind, name) not in self._memory:
                self._memory[kind, name] = read()
            remembered: Read = self._memory[kind, name]
            return remembered

    def _is_elsewhere(self, name: str) -> bool:
        found = _ARN.fullmatch(name)
        return found is not None and found["account"] != self._account.account_id

    def _describe(self, name: str) -> KeyState | None:
        client = self._account.client("kms")
        try:
            with calling("DescribeKey", name):
                return key_state(client.describe_key(KeyId=name)["KeyMetadata"])
        except AwsError as error:
            if error.missing:
                return None
            if error.denied:
                return KeyState(key_id=name.rsplit("/", 1)[-1], arn=name, state=UNKNOWN_STATE)
            raise

    def _visible_tags(self, key_ids: Iterable[str]) -> Iterable[tuple[str, Mapping[str, str]]]:
        for key_id in key_ids:
            try:
                yield key_id, self.tags(key_id)
            except AwsError as error:
                # Somebody else's key, which its policy hides from us.
                if not error.denied:
                    raise


def key_policy(account: AwsAccount, key_id: str) -> str:
    """Call GetKeyPolicy now.

    Raises:
        AwsError: if KMS refuses.
    """
    with calling("GetKeyPolicy", key_id):
        return account.client("kms").get_key_policy(KeyId=key_id, PolicyName="default")["Policy"]
