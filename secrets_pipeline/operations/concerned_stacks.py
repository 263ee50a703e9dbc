"""Find the stacks that an event concerns: an event is a hint, so AWS is asked whose its secret, key or database is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from secrets_pipeline.aws.credentials import is_same_caller
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import pages
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.followers import followers
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import AwsError, GuardError
from secrets_pipeline.operations.account_stacks import Homes, homes_of
from secrets_pipeline.operations.own_writes import is_own_write
from secrets_pipeline.operations.unread_stacks import UnreadStacks, named
from secrets_pipeline.operations.verdict import AccountConcern, Concern, Dismissed, Unread, Verdict
from secrets_pipeline.reconcilers.database.followed import serving
from secrets_pipeline.reconcilers.observed.databases import DatabaseInventory
from secrets_pipeline.reconcilers.observed.secret_state import SecretState, secret_state
from secrets_pipeline.reconcilers.observed.secrets import tagged_secrets
from secrets_pipeline.reconcilers.tag_keys import STACK
from secrets_pipeline.rotation.events.hints import Hint, HintKind
from secrets_pipeline.rotation.events.names import ORGANIZATIONS

_SUFFIX = 7
"""Of a secret's ARN: a hyphen and six characters."""


class EventStacks:
    """Finds stacks of a repository for events; it keeps what it reads of AWS, so make one a tick.

    A place that does not answer is not asked again.

    Args:
        specs: desired state by stack.
        unread: stacks that have errors: their secrets are known by their tags alone.
        sessions: how AWS is reached.
    """

    def __init__(self, specs: Mapping[str, StackSpec], unread: UnreadStacks, sessions: Sessions) -> None:
        self._specs = specs
        self._unread = unread
        self._sessions = sessions
        self._homes: Homes | None = None
        self._accounts: dict[tuple[str, str], AwsAccount | None] = {}
        self._callers: dict[tuple[str, str], str] = {}
        self._secrets: dict[tuple[str, str, str], SecretState | None] = {}
        self._listed: dict[tuple[str, str], list[SecretState]] = {}
        self._databases: dict[tuple[str, str], DatabaseInventory] = {}
        self._silent: dict[tuple[str, str], AwsError] = {}

    def concerned(self, hint: Hint) -> Verdict:
        """Find the stacks that have to act on an event.

        Raises:
            AwsError: if AWS cannot be asked.
            GuardError: if the credentials for the event's account belong to another one.
        """
        if hint.kind is HintKind.IRRELEVANT:
            return Dismissed("is of no kind that matters")
        where = (hint.account, hint.region)
        if where in self._silent:
            raise self._silent[where]
        try:
            return self._of_access(hint) if hint.kind is HintKind.ACCESS else self._of_place(hint)
        except AwsError as error:
            if error.unanswered:
                self._silent[where] = error
            raise

    def databases(self, hint: Hint, stack: str) -> Mapping[str, str] | None:
        """Map identifier to identity of every database of a stack that an event concerns; None unless all serve.

        Raises:
            AwsError: if AWS cannot be asked.
        """
        account, spec = self._account(hint), self._specs[stack]
        if account is None:
            return None
        found = serving(spec, self._inventory(hint, account))
        return found if len(found) == len(spec.databases) else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """Say which stacks' accounts could not be told where an event made it matter."""
        return self._homes.warnings if self._homes else ()

    def _of_place(self, hint: Hint) -> Verdict:
        account = self._account(hint)
        if account is None:
            return self._nobody(f"no stack lives in account {hint.account}, {hint.region}")
        if self._was_our_own(hint, account):
            return Dismissed(f"{hint.name} was our own call")
        match hint.kind:
            case HintKind.DATABASE:
                return self._of_database(hint, account)
            case HintKind.KEY_CHANGED:
                return self._of_key(hint, account)
            case _:
                return self._of_secret(hint, account)

    def _was_our_own(self, hint: Hint, account: AwsAccount) -> bool:
        actor = hint.actor.arn if hint.actor else ""
        return bool(actor) and is_same_caller(actor, self._caller(hint.account, account))

    def _of_access(self, hint: Hint) -> Verdict:
        """The accounts that are judged anew: that of an event of IAM, and all of them for the organisation's."""
        if self._homes is None:
            self._homes = homes_of(self._specs.values(), self._sessions)
        homes = self._homes.known
        concerned = {*homes.values()} | {one for spec in self._specs.values() for one in spec.reader_accounts}
        accounts = {*homes.values()} if hint.source == ORGANIZATIONS else {hint.account} & concerned
        if not accounts:
            self._homes.raise_unknown()
            return self._nobody(f"no stack lives in account {hint.account} or is read from there")
        own = next((self._specs[stack] for stack, home in homes.items() if home == hint.account), None)
        # What a run of ours changes, that run judges itself.
        if own is not None and self._was_our_own(hint, self._sessions.for_target(own.target)):
            return Dismissed(f"{hint.name} was our own call")
        return tuple(AccountConcern(one) for one in sorted(accounts))

    def _of_secret(self, hint: Hint, account: AwsAccount) -> Verdict:
        named = hint.secret or ""
        try:
            state = self._secret(hint, account, named)
        except AwsError as error:
            declared = self._declared(hint, _name(named), may_be_unread=False)
            if not error.denied or not isinstance(declared, Dismissed):
                raise
            # Events tell of every secret of the account; a role of least privilege sees those of its stacks.
            return Dismissed(f"{declared.reason}, and may not be described")
        if state is None:
            # It is gone for good: whoever still declares it has to know.
            return self._declared(hint, _name(named), may_be_unread=True)
        if hint.version is not None and is_own_write(account, state, hint.version):
            return Dismissed(f"the pipeline itself wrote version {hint.version}")
        stack = state.tags.get(STACK, "")
        named_here = stack in self._specs and _lives_in(self._specs[stack].target, hint)
        if named_here or (stack and stack in self._unread.names):
            return self._with_followers(hint, [stack], state.name, state.current_version)
        # What a stack has applied has a tag, which may name one that is hidden behind an error of the repository.
        hidden = bool(stack) and "" in self._unread.names
        return self._declared(hint, state.name, state.current_version, may_be_unread=hidden)

    def _with_followers(self, hint: Hint, stacks: Sequence[str], name: str, version: str | None) -> Verdict:
        """Of a value that has changed also the stacks that are rendered from it, wherever they live."""
        if hint.kind is not HintKind.ROTATED:
            return tuple(Concern(one, name) for one in dict.fromkeys(stacks))
        behind = [one for stack in stacks for one in followers(self._specs, stack)]
        concerned = dict.fromkeys([*stacks, *behind])
        return self._and_unread(tuple(Concern(one, name, version or "") for one in concerned), concerned)

    def _declared(self, hint: Hint, name: str, version: str | None = None, *, may_be_unread: bool) -> Verdict:
        found = [spec.stack for spec in self._here(hint) if any(one.name == name for one in spec.secrets)]
        if found:
            return self._with_followers(hint, found, name, version)
        nobodys = f"secret {name} belongs to no stack of this repository"
        return self._nobody(nobodys) if may_be_unread else Dismissed(nobodys)

    def _nobody(self, reason: str) -> Dismissed | Unread:
        """An event that concerns no stack, as far as the stacks can be read."""
        unread = self._unread.names
        return Unread(f"{reason}, and {named(sorted(unread))}") if unread else Dismissed(reason)

    def _and_unread(self, found: tuple[Concern, ...], words: Collection[str]) -> tuple[Concern, ...] | Unread:
        """Stacks that are concerned; perhaps further ones are, which have errors and speak of one of these words."""
        others = [one for one in self._unread.mentioning(words) if all(one != known.stack for known in found)]
        return Unread(named(others), found) if others else found

    def _inventory(self, hint: Hint, account: AwsAccount) -> DatabaseInventory:
        where = (hint.account, hint.region)
        if where not in self._databases:
            self._databases[where] = DatabaseInventory(account)
        return self._databases[where]

    def _of_database(self, hint: Hint, account: AwsAccount) -> Verdict:
        noun, _, identifier = (hint.resource or "").rpartition(":")
        cluster = noun.endswith(":cluster")
        found = tuple(
            Concern(spec.stack)
            for spec in self._here(hint)
            for database in spec.databases
            if self._is_meant(hint, account, database, identifier)
            or identifier in ({database.identifier, *(() if cluster else database.member_identifiers)})
        )
        nobodys = Dismissed(f"database {identifier} belongs to no stack of this repository")
        return self._and_unread(found, [identifier]) or nobodys

    def _is_meant(self, hint: Hint, account: AwsAccount, database: DatabaseSpec, identifier: str) -> bool:
        """Whether the database of an event is, or may be, that of a component that names no identifier."""
        if database.identifier is not None:
            return False
        if identifier in database.traits.names:
            return True
        inventory = self._inventory(hint, account)
        found = inventory.find(database)
        instance = inventory.instances().get(identifier)
        return found is not None and found.identifier in (identifier, instance.cluster if instance else None)

    def _of_key(self, hint: Hint, account: AwsAccount) -> Verdict:
        names = self._names_of_key(account, hint.resource or "") | {hint.alias}
        declared = {spec.stack for spec in self._here(hint) if any(key.alias in names for key in spec.keys)}
        used = {
            state.tags.get(STACK, "")
            for state in self._tagged(hint, account)
            if state.kms_key_id is not None and state.kms_key_id.rpartition("key/")[2] in names
        }
        here = {spec.stack for spec in self._here(hint)} | (self._unread.names - {""})
        stacks = sorted((declared | used) & here)
        nobodys = f"no stack uses KMS key {hint.resource}"
        hidden = "" in self._unread.names and not used <= self._specs.keys()
        return tuple(Concern(stack) for stack in stacks) or (self._nobody(nobodys) if hidden else Dismissed(nobodys))

    def _names_of_key(self, account: AwsAccount, key: str) -> set[str]:
        """The key's id and aliases."""
        if "alias/" in key:
            return {"alias/" + key.partition("alias/")[2]}
        key_id = key.rpartition("key/")[2]
        kms = account.client("kms")
        with calling("ListAliases", key):
            try:
                aliases = [str(one["AliasName"]) for one in pages(kms, "list_aliases", KeyId=key_id)]
            except kms.exceptions.NotFoundException:
                aliases = []
        return {key_id, *aliases}

    def _tagged(self, hint: Hint, account: AwsAccount) -> list[SecretState]:
        where = (hint.account, hint.region)
        if where not in self._listed:
            self._listed[where] = tagged_secrets(account)
        return self._listed[where]

    def _secret(self, hint: Hint, account: AwsAccount, named: str) -> SecretState | None:
        key = (hint.account, hint.region, named)
        if key not in self._secrets:
            self._secrets[key] = describe_secret(account, named)
        return self._secrets[key]

    def _here(self, hint: Hint) -> list[StackSpec]:
        return [spec for spec in self._specs.values() if _lives_in(spec.target, hint)]

    def _account(self, hint: Hint) -> AwsAccount | None:
        where = (hint.account, hint.region)
        if where not in self._accounts:
            self._accounts[where] = self._reached(*where)
        return self._accounts[where]

    def _reached(self, account_id: str, region: str) -> AwsAccount | None:
        targets = {spec.target: None for spec in self._specs.values() if spec.target.region == region}
        for target in targets:
            if target.account_id == account_id:
                account = self._sessions.for_target(target)
                if account.account_id != account_id:
                    raise GuardError(
                        f"an event came from account {account_id}, but the credentials for it belong to "
                        f"{account.account_id}",
                        remedy="Give the stacks of that account a role to assume in the operator's settings.",
                    )
                return account
        unnamed = [
            spec for spec in self._specs.values() if spec.target.region == region and spec.target.account_id is None
        ]
        homes = homes_of(unnamed, self._sessions)
        for spec in unnamed:
            if homes.known.get(spec.stack) == account_id:
                return self._sessions.for_target(spec.target)
        homes.raise_unknown()
        return None

    def _caller(self, account_id: str, account: AwsAccount) -> str:
        where = (account_id, account.region)
        if where not in self._callers:
            with calling("GetCallerIdentity", f"in {account.region}"):
                self._callers[where] = account.client("sts").get_caller_identity()["Arn"]
        return self._callers[where]


def describe_secret(account: AwsAccount, secret: str) -> SecretState | None:
    """Call DescribeSecret for a secret; None where there is none.

    Raises:
        AwsError: if Secrets Manager refuses.
    """
    client = account.client("secretsmanager")
    with calling("DescribeSecret", secret):
        try:
            answer: Mapping[str, Any] = client.describe_secret(SecretId=secret)
        except client.exceptions.ResourceNotFoundException:
            return None
    return secret_state(answer, confirmed=True)


def _lives_in(target: Target, hint: Hint) -> bool:
    return target.region == hint.region and target.account_id in (None, hint.account)


def _name(secret: str) -> str:
    return secret.partition(":secret:")[2][:-_SUFFIX] if ":secret:" in secret else secret
