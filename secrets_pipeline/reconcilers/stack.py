"""What a reconciler works with: one stack's desired state, its AWS, and the options of the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from threading import RLock
from typing import Any

from secrets_pipeline.access.controls.model import ControlResult
from secrets_pipeline.access.reach.compiled import Estate
from secrets_pipeline.access.snapshot.collect import take_snapshot
from secrets_pipeline.aws.account_check import check_account
from secrets_pipeline.aws.consistency import Patience
from secrets_pipeline.aws.service_keys import ServiceKeys, ensure_service_keys, find_key
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.value.model import Leaf
from secrets_pipeline.errors import GuardError, SpecError
from secrets_pipeline.reconcilers.access_checks.security_hub import control_results
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.marks.secret_mark import Marks, Owner
from secrets_pipeline.reconcilers.observed.cached import Once
from secrets_pipeline.reconcilers.observed.kms_keys import KeyInventory
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.observed.secrets import Inventory
from secrets_pipeline.reconcilers.output_resolver import StackOutputs
from secrets_pipeline.reconcilers.surroundings import Surroundings
from secrets_pipeline.reconcilers.tag_keys import STACK
from secrets_pipeline.references.model import Expression
from secrets_pipeline.references.resolve import Resolved, resolve
from secrets_pipeline.values.bundle import GeneratedPasswords
from secrets_pipeline.values.fingerprint import Fingerprinter

ReadLeaf = Callable[[str, str, Leaf], Expression]
"""(stack, component, leaf of a declared value) → what the YAML says; called only to compare or write."""


@dataclass
class World:
    """Every stack of a repository and the accounts that they live in, for one run.

    Attributes:
        specs: desired state by stack.
        read_leaf: reads what a leaf of the desired state points at.
        read_file: reads a file inside the repository's base path.
        environment: an environment variable that the operator allows, or None.
        writing: whether this run may make the service keys.
        complete: whether every stack could be read; a broken one may hide secrets that are still declared.
        repository: its id, which marks name; empty where nobody said one.
        surroundings: databases and time.
        run: names this run in the marks that it writes.
        patience: how long the run waits for what AWS does not show yet.
    """

    specs: Mapping[str, StackSpec]
    read_leaf: ReadLeaf
    read_file: Callable[[str], str]
    environment: Callable[[str], str | None]
    sessions: Sessions
    settings: OperatorSettings
    options: ApplyOptions = field(default_factory=ApplyOptions)
    writing: bool = False
    complete: bool = True
    repository: str = ""
    surroundings: Surroundings = field(default_factory=Surroundings)
    run: str = field(default_factory=lambda: token_hex(4))
    patience: Patience = field(init=False)
    _contexts: dict[str, StackContext] = field(default_factory=dict)
    _referred: dict[str, StackContext] = field(default_factory=dict)
    _declared: dict[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.patience = Patience(clock=self.surroundings.clock, sleep=self.surroundings.sleep)

    def context(self, stack: str) -> StackContext:
        """The context of one stack, made once.

        Raises:
            SpecError: if the repository has no such stack, or it has errors of its own.
        """
        if stack not in self.specs:
            known = ", ".join(sorted(self.specs)) or "none"
            raise SpecError(f"no stack {stack!r} can be used", remedy=f"Stacks without errors: {known}.")
        if stack not in self._contexts:
            self._contexts[stack] = StackContext(self.specs[stack], self, writing=self.writing)
        return self._contexts[stack]

    def referred(self, stack: str) -> StackContext:
        """The context of a stack that another one refers to: nothing is made in its account for that."""
        if stack in self._contexts:
            return self._contexts[stack]
        if stack not in self._referred:
            self._referred[stack] = StackContext(self.specs[stack], self, writing=False)
        return self._referred[stack]

    def may_take(self, owner: Owner, declares: Callable[[StackSpec], bool]) -> bool:
        """Whether the operator may hand over what the mark of another stack holds: it is not that stack's any more.

        Of another repository nothing is known, so that naming the thing has to do; what a repository with an id has
        marked is not taken by one without.

        Args:
            owner: whom the mark names.
            declares: whether a stack of this repository declares the thing.
        """
        if owner.repository not in ("", self.repository):
            return bool(self.repository)
        # A stack with errors may be the one, or declare the thing.
        return self.complete and not (owner.stack in self.specs and declares(self.specs[owner.stack]))

    def declares_secret(self, spec: StackSpec, name: str) -> bool:
        """Whether a stack declares a secret of that name."""
        if spec.stack not in self._declared:
            self._declared[spec.stack] = frozenset(one.name for one in spec.secrets)
        return name in self._declared[spec.stack]

    def names_in(self, target: Target) -> frozenset[str]:
        """The secret names that any stack declares in a region, in an account that may be the same one."""
        return frozenset(
            secret.name
            for spec in self.specs.values()
            if spec.target.region == target.region
            # A stack that names no account may live in this one.
            if None in (spec.target.account_id, target.account_id) or spec.target.account_id == target.account_id
            for secret in spec.secrets
        )


class StackContext:
    """One stack in one run.

    Attributes:
        spec: desired state.
        world: the other stacks.
        writing: whether the service keys may be made in its account.
        passwords: the unsealed generated values, set before secrets are created.
        lock: held while something is made once.
        made: what was.
    """

    def __init__(self, spec: StackSpec, world: World, *, writing: bool) -> None:
        self.lock = RLock()
        self.made: dict[str, Any] = {}
        self.spec = spec
        self.world = world
        self.writing = writing
        self.passwords = GeneratedPasswords({})

    @property
    def options(self) -> ApplyOptions:
        """What the operator asked for."""
        return self.world.options

    @Once
    def account(self) -> AwsAccount:
        """The stack's account, compared with the one that the operator expects.

        Raises:
            GuardError: if the credentials belong to another account.
        """
        account = self.world.sessions.for_target(self.spec.target)
        check_account(account, self.spec.target, stack=self.spec.stack)
        return account

    def guard(self) -> None:
        """Compare the accounts now, before anything else is done.

        Raises:
            GuardError: if the credentials belong to another account.
        """
        _ = self.account

    @Once
    def inventory(self) -> Inventory:
        """What AWS holds of this stack."""
        return Inventory(self.account, self.spec.stack, tuple(secret.name for secret in self.spec.secrets))

    def account_in(self, region: str) -> AwsAccount:
        """The stack's account in another region, under the same credentials."""
        return self.world.sessions.for_target(self.spec.target.model_copy(update={"region": region}))

    def keys_in(self, region: str) -> KeyInventory:
        """The KMS keys of another region, few of which are asked for."""
        keys: KeyInventory = self.inventory.remember(
            "keys", region, read=lambda: KeyInventory(self.account_in(region), lists_aliases=False)
        )
        return keys

    @Once
    def service_keys(self) -> ServiceKeys:
        """The two keys of the pipeline itself, made where they are missing."""
        settings = self.world.settings
        return ensure_service_keys(
            self.account.client("kms"),
            seal_alias=settings.seal_key,
            fingerprint_alias=settings.fingerprint_key,
            patience=self.world.patience,
            before_making=self._refuse_lost_key,
        )

    @Once
    def fingerprinter(self) -> Fingerprinter | None:
        """Keyed digests; None while planning where nothing was ever applied."""
        kms = self.account.client("kms")
        if self.writing:
            return Fingerprinter.derive(kms, self.service_keys.fingerprint, self.world.patience)
        found = find_key(kms, self.world.settings.fingerprint_key)
        return Fingerprinter.derive(kms, found) if found else None

    def _refuse_lost_key(self) -> None:
        """A new key would make every mark of the old one look forged, those of the repository's other stacks too."""
        named = self.world.settings.fingerprint_key
        declared = {secret.name for secret in self.spec.secrets}
        marked = sorted(
            secret.name
            for secret in self.inventory.marked()
            if secret.name in declared or secret.tags.get(STACK) in self.world.specs
        )
        # Another run may have made the key and these secrets just now.
        if marked and find_key(self.account.client("kms"), named) is None:
            raise GuardError(
                f"{marked[0]} carries a mark of this pipeline, and KMS key {named}, which proves it, does not exist",
                remedy="Check fingerprint_key in the operator's settings, account and region; a deleted key can be "
                "brought back while its deletion is pending.",
            )

    @Once
    def outputs(self) -> StackOutputs:
        """Late resolution of this stack's outputs."""
        return StackOutputs(self)

    @Once
    def estate(self) -> Estate:
        """Who could read the stack's secrets, as one snapshot taken when it is first asked for."""
        own = self.account.account_id
        readers = {arn.split(":")[4] for consumer in self.spec.consumers for arn in consumer.principals.values()}
        settings = self.world.settings.access
        snapshot = take_snapshot(
            self.account,
            settings=settings,
            sessions=self.world.sessions,
            accounts=sorted(readers - {own, ""}),
            secret_names=[secret.name for secret in self.spec.secrets],
            now=self.world.surroundings.now(),
        )
        return Estate(snapshot, organization_policies=settings.organization_policies)

    @Once
    def controls(self) -> tuple[ControlResult, ...]:
        """What Security Hub's controls say of the stack's secrets, as of that snapshot."""
        return control_results(self)

    @Once
    def marks(self) -> Marks:
        """Ownership marks."""
        return Marks(self.fingerprinter)

    def owner(self, secret: SecretSpec) -> Owner:
        """Who declares a secret."""
        return Owner(self.spec.stack, secret.ref.component, secret.ref.key, self.world.repository)

    def claims(self, owner: Owner | None) -> bool:
        """Whether whom a verified mark names is this very stack of this repository."""
        return owner is not None and owner.is_of(self.spec.stack, self.world.repository)

    def owns(self, state: SecretState) -> bool:
        """Whether a secret's mark proves that this very stack made or adopted it; a replica belongs to its primary."""
        if state.is_replica:
            return False
        mark = self.marks.verify(state)
        return mark.ours and self.claims(mark.owner)

    def leaf(self, secret: SecretSpec, leaf: Leaf) -> Expression:
        """The YAML behind one leaf of a declared value, its variables put in."""
        return self.world.read_leaf(self.spec.stack, secret.ref.component, leaf)

    def leaves(self, secret: SecretSpec) -> Callable[[Leaf], Resolved]:
        """Resolves the leaves of one declared value; the YAML is read here and not before."""

        def leaf_value(leaf: Leaf) -> Resolved:
            return resolve(self.leaf(secret, leaf), self.outputs)

        return leaf_value
