"""Read secrets by ListSecrets, DescribeSecret, GetResourcePolicy and ListSecretVersionIds.

They are read once a run and kept up to date by its own writes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from secrets_pipeline.access.snapshot.calls import at_once
from secrets_pipeline.access.snapshot.secret_metadata import DEFAULT_KEY
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import pages
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.observed.cached import Cached, Once
from secrets_pipeline.reconcilers.observed.secret_state import UNREAD, SecretState, Unread, secret_state
from secrets_pipeline.reconcilers.tag_keys import SPEC, STACK

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.type_defs import SecretVersionsListEntryTypeDef

_PREFIXES_PER_FILTER = 10
_MOST_BY_NAME = 30
"""Beyond three calls' worth of names, what they have in common is asked for instead."""


class Secrets:
    """Reads the secrets of one account and region, as far as one stack looks at them.

    ListSecrets may be five minutes old, so a write is preceded by `confirm`, and our own writes are noted here.

    Args:
        account: whose AWS.
        stack: logical stack name; secrets tagged with it are listed even when they left the YAML.
        names: secret names that the stack declares.
        closely: whether DescribeSecret is called for each of these names when secrets are listed, and their policies
            and versions are read together; for a run that writes nothing.

    Attributes:
        made: names of the secrets that this run made.
        made_before: names of those that it believed to make, and that an earlier run had made.
        replaced: version that this project wrote → the one that this run wrote over it.
        own_policies: names of those whose policy this run wrote, and AWS acknowledged that.
        policies_at_creation: names of those whose policy it put right behind their creation, until their stage tells.
    """

    def __init__(self, account: AwsAccount, stack: str, names: tuple[str, ...], *, closely: bool = False) -> None:
        self.account = account
        self.made: set[str] = set()
        self.made_before: set[str] = set()
        self.replaced: dict[str, str] = {}
        self.own_policies: set[str] = set()
        self.policies_at_creation: set[str] = set()
        self._stack = stack
        self._names = names
        self._closely = closely
        self._ahead: Once[bool] = Once()
        self._lock = threading.RLock()
        self._in_list: Mapping[str, SecretState] | None = None
        self._noted: dict[str, SecretState | None] = {}
        self._unanswered: set[str] = set()
        self._versions: Cached[tuple[str, str | None], Sequence[SecretVersionsListEntryTypeDef]] = Cached()

    def all(self) -> Mapping[str, SecretState]:
        """List every secret that is tagged for this stack or has a name that it declares, by name; a copy.

        Raises:
            AwsError: if Secrets Manager refuses.
        """
        with self._lock:
            listed = self._list()
            for name in sorted(self._unanswered):
                self.refresh(name)
            found = {**listed, **self._noted}
        return {name: state for name, state in found.items() if state is not None}

    def get(self, name: str) -> SecretState | None:
        """Find the secret of that name as this run knows it, or None.

        Raises:
            AwsError: if Secrets Manager refuses.
        """
        with self._lock:
            listed = self._list() if name not in self._noted else {}
            if name in self._unanswered:
                self.refresh(name)
            return self._noted.get(name, listed.get(name))

    def _list(self) -> Mapping[str, SecretState]:
        if self._in_list is None:
            self._in_list = self._list_secrets()
            for name, state in self._described(self._names) if self._closely else ():
                self._noted.setdefault(name, state)
        return self._in_list

    def _described(self, names: Iterable[str]) -> Iterator[tuple[str, SecretState | None]]:
        """Call DescribeSecret for each; where AWS denies it the list has to do, after an outage it is called again."""

        def described(name: str) -> tuple[str, SecretState | None] | None:
            try:
                return name, self._describe(name)
            except AwsError as error:
                if not error.denied:
                    self._unanswered.add(name)
                return None

        yield from filter(None, at_once(described, names))

    def confirm(self, name: str) -> SecretState | None:
        """Call DescribeSecret, unless this run already confirmed the secret; None where there is none."""
        known = self._noted.get(name)
        if known is None and self._closely:
            known = self.get(name)
        return known if known is not None and known.confirmed else self.refresh(name)

    def confirm_again(self, name: str) -> SecretState | None:
        """Call DescribeSecret now, unless this run made the secret; None where there is none.

        Between two stages minutes may pass, in which others may take a secret over.
        """
        return self.confirm(name) if name in self.made else self.refresh(name)

    def refresh(self, name: str) -> SecretState | None:
        """Call DescribeSecret now; None where there is no such secret."""
        known, state = self._noted.get(name), self._describe(name)
        # Under another mark somebody may have changed what DescribeSecret does not show.
        if state and known and known.arn == state.arn and known.tags.get(SPEC) == state.tags.get(SPEC):
            state = replace(state, policy=known.policy)
        if state and known and known.arn == state.arn and name in self.made:
            # Made by this run, at a time that the mark says by its clock, however far off that is.
            state = replace(state, created_at=known.created_at)
        self._note(name, state)
        return state

    def _describe(self, name: str) -> SecretState | None:
        client = self.account.client("secretsmanager")
        with calling("DescribeSecret", name):
            try:
                return secret_state(client.describe_secret(SecretId=name), confirmed=True)
            except client.exceptions.ResourceNotFoundException:
                return None

    def note(self, state: SecretState) -> None:
        """Record what a write of this run made."""
        self._note(state.name, state)

    @contextmanager
    def writing_policy(self, state: SecretState, policy: str | None) -> Iterator[None]:
        """Note a policy as unread before the call that writes it, and as this run's own once AWS has acknowledged that.

        A call whose answer is lost may have been performed: whoever asks for the policy then reads it.
        """
        self.own_policies.discard(state.name)
        self.note(replace(state, policy=UNREAD))
        yield
        self.note(replace(state, policy=policy))
        self.own_policies.add(state.name)

    def forget_own_policy(self, name: str) -> None:
        """Have the policy read when it is asked for next, where this run knows it from its own write alone."""
        state = self.get(name)
        if state is not None and name in self.own_policies:
            self.own_policies.discard(name)
            self.note(replace(state, policy=UNREAD))

    def policy(self, name: str) -> str | None:
        """Read the resource policy's text where nobody has; None where there is none or no such secret."""
        if self._closely:
            self._ahead.get(self._read_ahead)
        return self._policy(name)

    def _policy(self, name: str) -> str | None:
        state = self.get(name)
        if state is None:
            return None
        if isinstance(state.policy, Unread):
            state = replace(state, policy=self.policy_now(state))
            self._note(name, state)
        return None if state.policy is UNREAD else state.policy

    def _read_ahead(self) -> bool:
        """Read policies and versions side by side, as each has a rate of its own."""

        def read(state: SecretState) -> None:
            # What AWS refuses is asked again, and told, by who needs it.
            with suppress(AwsError):
                self._policy(state.name)
            with suppress(AwsError):
                self.versions(state)

        known = (self.get(name) for name in self._names)
        at_once(read, [state for state in known if state is not None and state.deleted_at is None])
        return True

    def policy_now(self, state: SecretState) -> str | None:
        """Read the resource policy's text by GetResourcePolicy now; None where there is none.

        Raises:
            AwsError: if Secrets Manager refuses.
        """
        with calling("GetResourcePolicy", state.name):
            answer = self.account.client("secretsmanager").get_resource_policy(SecretId=state.arn)
        return answer.get("ResourcePolicy") or None

    def versions(self, state: SecretState) -> Sequence[SecretVersionsListEntryTypeDef]:
        """Read the versions with a label by ListSecretVersionIds; once a run and AWSCURRENT version.

        Raises:
            AwsError: if Secrets Manager refuses.
        """
        return self._versions.get((state.arn, state.current_version), lambda: self.versions_now(state))

    def versions_now(self, state: SecretState) -> Sequence[SecretVersionsListEntryTypeDef]:
        """Read the versions with a label by ListSecretVersionIds now.

        Raises:
            AwsError: if Secrets Manager refuses.
        """
        return _labelled_versions(self.account, state)

    def version_dates(self, state: SecretState) -> Mapping[str, datetime]:
        """Read when each version with a label was made, by its id; see `versions`.

        Raises:
            AwsError: if Secrets Manager refuses.
        """
        return _dates(self.versions(state))

    def version_dates_now(self, state: SecretState) -> Mapping[str, datetime]:
        """Read when each version with a label was made, by its id, by ListSecretVersionIds now.

        Raises:
            AwsError: if Secrets Manager refuses.
        """
        return _dates(self.versions_now(state))

    def version_keys_now(self, state: SecretState, version: str) -> Sequence[str | None]:
        """Read which KMS keys open a version with a label, by ListSecretVersionIds now; none where AWS does not say.

        None among them stands for `aws/secretsmanager`.

        Raises:
            AwsError: if Secrets Manager refuses.
        """
        found = (one for one in self.versions_now(state) if one.get("VersionId") == version)
        keys = next((one.get("KmsKeyIds", []) for one in found), [])
        return [None if key == DEFAULT_KEY else key for key in keys]

    def _note(self, name: str, state: SecretState | None) -> None:
        with self._lock:
            self._noted[name] = state
            self._unanswered.discard(name)

    def _list_secrets(self) -> dict[str, SecretState]:
        found = {}
        owned = [{"Key": "tag-key", "Values": [STACK]}, {"Key": "tag-value", "Values": [self._stack]}]
        for state in self._listed(owned):
            if state.tags.get(STACK) == self._stack or state.name in self._names:
                found[state.name] = state
        missing = [name for name in self._names if name not in found]
        wanted = frozenset(missing)
        prefixes = _prefixes(missing)
        for start in range(0, len(prefixes), _PREFIXES_PER_FILTER):
            some = prefixes[start : start + _PREFIXES_PER_FILTER]
            found |= {s.name: s for s in self._listed([{"Key": "name", "Values": some}]) if s.name in wanted}
        return found

    def in_region(self) -> list[SecretState]:
        """List every secret of the account and region by ListSecrets now, whosever it is."""
        return self._listed([])

    def marked(self) -> list[SecretState]:
        """List every secret of the account and region that carries a mark by ListSecrets now, whoever wrote it."""
        return [state for state in self._listed([{"Key": "tag-key", "Values": [SPEC]}]) if SPEC in state.tags]

    def _listed(self, filters: list[dict[str, Any]]) -> list[SecretState]:
        return _list(self.account, f"of stack {self._stack}", Filters=filters, IncludePlannedDeletion=True)


def tagged_secrets(account: AwsAccount) -> list[SecretState]:
    """List every secret of an account and region that carries the tag of a stack, by ListSecrets.

    Raises:
        AwsError: if Secrets Manager refuses.
    """
    return _list(account, f"in {account.region}", Filters=[{"Key": "tag-key", "Values": [STACK]}])


def version_dates(account: AwsAccount, state: SecretState) -> Mapping[str, datetime]:
    """Read when each version with a label was made, by its id, by ListSecretVersionIds.

    Raises:
        AwsError: if Secrets Manager refuses.
    """
    return _dates(_labelled_versions(account, state))


def _dates(versions: Iterable[SecretVersionsListEntryTypeDef]) -> Mapping[str, datetime]:
    return {one["VersionId"]: one["CreatedDate"] for one in versions if "VersionId" in one and "CreatedDate" in one}


def _labelled_versions(account: AwsAccount, state: SecretState) -> list[SecretVersionsListEntryTypeDef]:
    with calling("ListSecretVersionIds", state.name):
        client = account.client("secretsmanager")
        answer = client.list_secret_version_ids(SecretId=state.arn, MaxResults=100)
        found = list(answer["Versions"])
        # boto3 has no paginator for it.
        while token := answer.get("NextToken"):
            answer = client.list_secret_version_ids(SecretId=state.arn, MaxResults=100, NextToken=token)
            found += answer["Versions"]
        return found


def _list(account: AwsAccount, of: str, **parameters: object) -> list[SecretState]:
    with calling("ListSecrets", of):
        return [secret_state(entry) for entry in pages(account.client("secretsmanager"), "list_secrets", **parameters)]


def _prefixes(names: Sequence[str]) -> list[str]:
    """What to filter by: the names themselves, or the first two parts of many (`{context}/{environment}/`)."""
    if len(names) <= _MOST_BY_NAME:
        return list(names)
    return sorted({"/".join(name.split("/")[:2]) + ("/" if name.count("/") > 1 else "") for name in names})
