"""Make the stacks of a repository for one run: each with its account, its service keys and what AWS holds of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from threading import RLock
from types import MappingProxyType

from secrets_pipeline.aws.account_check import check_account
from secrets_pipeline.aws.service_keys import ServiceKeys, ensure_service_keys, find_key
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.shown import refuse_ungranted
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import GuardError, SpecError
from secrets_pipeline.reconcilers.database.ownership import is_marked_for
from secrets_pipeline.reconcilers.observed.cached import Cached
from secrets_pipeline.reconcilers.observed.kms_keys import KeyInventory
from secrets_pipeline.reconcilers.observed.observed import Observed, Principals
from secrets_pipeline.reconcilers.output_resolver import OutputResolver
from secrets_pipeline.reconcilers.ownership import Ownership
from secrets_pipeline.reconcilers.repository import Repository
from secrets_pipeline.reconcilers.run import Run
from secrets_pipeline.reconcilers.stack import Stack
from secrets_pipeline.reconcilers.tag_keys import STACK
from secrets_pipeline.values.fingerprint import Fingerprinter


class Assembly:
    """Makes each stack of a repository once, for one run.

    Args:
        repository: the stacks.
        sessions: how their accounts are reached.
        run: the run; the service keys are made only if it writes.
        derived: keyed digests that the run has derived already, by the ARN of their KMS key.

    Attributes:
        repository: see above.
        sessions: see above.
        run: see above.
    """

    def __init__(
        self,
        repository: Repository,
        sessions: Sessions,
        run: Run,
        derived: Mapping[str, Fingerprinter] = MappingProxyType({}),
    ) -> None:
        self.repository = repository
        self.sessions = sessions
        self.run = run
        self._derived = derived
        sessions.patience.begin(run.clock, run.sleep)
        self._lock = RLock()
        self._stacks: dict[str, Stack] = {}
        self._referred: dict[str, Stack] = {}
        self._service_keys: dict[str, ServiceKeys] = {}
        self._every_key: Cached[tuple[str, str], KeyInventory] = Cached()
        self._principals: Principals = Cached()

    def stack(self, name: str) -> Stack:
        """Make one stack; the account of its credentials is compared with the one that the operator expects.

        Raises:
            SpecError: if the repository has no such stack, or it has errors of its own.
            NotGrantedError: if a grant is missing.
            GuardError: if the credentials belong to another account.
        """
        if name not in self.repository.specs:
            known = ", ".join(sorted(self.repository.specs)) or "none"
            raise SpecError(f"no stack {name!r} can be used", remedy=f"Stacks without errors: {known}.")
        with self._lock:
            if name not in self._stacks:
                spec, writes = self.repository.specs[name], self.run.writes
                closely = self.run.options.reads_back and not writes
                self._stacks[name] = self._made(spec, writing=writes, closely=closely)
            return self._stacks[name]

    def service_keys(self, stack: Stack) -> ServiceKeys:
        """Find the two keys of the pipeline itself in a stack's account; they are made where they are missing.

        Raises:
            GuardError: if the fingerprint key is gone that proves the marks of this repository.
            AwsError: if KMS refuses.
        """
        return self._keys_of(stack.spec, stack.account, stack.observed)

    def _other(self, name: str) -> Stack | None:
        """A stack that another one refers to: nothing is made in its account for that. None for one with errors."""
        if name not in self.repository.specs:
            return None
        with self._lock:
            if name in self._stacks:
                return self._stacks[name]
            if name not in self._referred:
                self._referred[name] = self._made(self.repository.specs[name], writing=False)
            return self._referred[name]

    def _made(self, spec: StackSpec, *, writing: bool, closely: bool = False) -> Stack:
        refuse_ungranted(spec)
        account = self.sessions.for_target(spec.target)
        check_account(account, spec.target, stack=spec.stack)
        every_key = self._every_key.get((account.account_id, account.region), lambda: KeyInventory(account))
        tags = self.run.settings.tags
        observed = Observed(
            *(spec, account, self.sessions, every_key, self._principals),
            tags=tags,
            read_state=self.repository.read_state,
            closely=closely,
        )
        derive = partial(self._fingerprinter, spec, account, observed, writing=writing)
        ownership = Ownership(spec.stack, self.repository, derive)
        stack = OutputResolver(spec, account, self.run, observed, ownership, other=self._other).stack
        observed.databases.recognise_marks(partial(is_marked_for, stack))
        return stack

    def _fingerprinter(
        self, spec: StackSpec, account: AwsAccount, observed: Observed, *, writing: bool
    ) -> Fingerprinter | None:
        """Keyed digests; None while planning where nothing was ever applied, and where nothing is declared any more."""
        kms = account.client("kms")
        if writing and not spec.retired:
            keys = self._keys_of(spec, account, observed)
            return self._derived.get(keys.fingerprint) or Fingerprinter.derive(kms, keys.fingerprint)
        found = find_key(kms, self.run.settings.fingerprint_key)
        return (self._derived.get(found) or Fingerprinter.derive(kms, found)) if found else None

    def _keys_of(self, spec: StackSpec, account: AwsAccount, observed: Observed) -> ServiceKeys:
        with self._lock:
            if spec.stack not in self._service_keys:
                self._service_keys[spec.stack] = ensure_service_keys(
                    account.client("kms"),
                    seal_alias=self.run.settings.seal_key,
                    fingerprint_alias=self.run.settings.fingerprint_key,
                    before_making=partial(self._refuse_lost_key, spec, account, observed),
                    tags=self.run.settings.tags,
                )
                observed.made_service_keys = set(self._service_keys[spec.stack].made)
            return self._service_keys[spec.stack]

    def _refuse_lost_key(self, spec: StackSpec, account: AwsAccount, observed: Observed) -> None:
        """A new key would make every mark of the old one look forged, those of the repository's other stacks too."""
        named = self.run.settings.fingerprint_key
        declared = {secret.name for secret in spec.secrets}
        marked = sorted(
            secret.name
            for secret in observed.secrets.marked()
            if secret.name in declared or secret.tags.get(STACK) in self.repository.specs
        )
        # Another run may have made the key and these secrets just now.
        if marked and find_key(account.client("kms"), named) is None:
            raise GuardError(
                f"{marked[0]} carries a mark of this pipeline, and KMS key {named}, which proves it, does not exist",
                remedy="Check fingerprint_key in the operator's settings, account and region; a deleted key can be "
                "brought back while its deletion is pending.",
            )
