"""What a reconciler works with: one stack's desired state, its AWS, and the options of the run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from pydantic import SecretStr

from secrets_pipeline.aws import AwsAccount, ServiceKeys, Sessions, check_account, ensure_service_keys, find_key
from secrets_pipeline.errors import SpecError
from secrets_pipeline.reconcilers.inventory import Inventory
from secrets_pipeline.reconcilers.login import Address, Login, log_in
from secrets_pipeline.reconcilers.marks import Marks, Owner
from secrets_pipeline.reconcilers.outputs import StackOutputs
from secrets_pipeline.reconcilers.states import SecretState
from secrets_pipeline.references import Expression, Resolved, resolve
from secrets_pipeline.spec import Leaf, OperatorSettings, SecretSpec, StackSpec, Target
from secrets_pipeline.values import Fingerprinter, GeneratedPasswords

ReadLeaf = Callable[[str, str, Leaf], Expression]
"""(stack, component, leaf of a declared value) → what the YAML says; called only to compare or write."""


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """What only an operator may ask for.

    Attributes:
        adopt: take over secrets and databases that exist without our tags.
        prune: delete, with the recovery window, what left the YAML.
    """

    adopt: bool = False
    prune: bool = False


class LogIn(Protocol):
    """Tries a login; `reconcilers.login.log_in` is the real one."""

    def __call__(self, address: Address, password: SecretStr, *, ca_file: str | None = None) -> Login:
        """Log in once and say what the database answered."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run meets beside AWS: databases and time.

    Attributes:
        log_in: tries a login.
        clock: seconds from any origin, never going back.
        sleep: waits some seconds.
    """

    log_in: LogIn = log_in
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


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
        surroundings: databases and time.
    """

    specs: Mapping[str, StackSpec]
    read_leaf: ReadLeaf
    read_file: Callable[[str], str]
    environment: Callable[[str], str | None]
    sessions: Sessions
    settings: OperatorSettings
    options: ApplyOptions = ApplyOptions()
    writing: bool = False
    complete: bool = True
    surroundings: Surroundings = Surroundings()
    _contexts: dict[str, StackContext] = field(default_factory=dict)

    def context(self, stack: str) -> StackContext:
        """The context of one stack, made once.

        Raises:
            SpecError: if the repository has no such stack, or it has errors of its own.
        """
        if stack not in self.specs:
            known = ", ".join(sorted(self.specs)) or "none"
            raise SpecError(f"no stack {stack!r} can be used", remedy=f"Stacks without errors: {known}.")
        if stack not in self._contexts:
            self._contexts[stack] = StackContext(self.specs[stack], self)
        return self._contexts[stack]

    def names_in(self, target: Target) -> frozenset[str]:
        """The secret names that any stack declares in an account and region."""
        return frozenset(
            secret.name
            for spec in self.specs.values()
            if (spec.target.account_id, spec.target.region) == (target.account_id, target.region)
            for secret in spec.secrets
        )


class StackContext:
    """One stack in one run.

    Attributes:
        spec: desired state.
        world: the other stacks.
        passwords: the unsealed generated values, set before secrets are created.
    """

    def __init__(self, spec: StackSpec, world: World) -> None:
        self.spec = spec
        self.world = world
        self.passwords = GeneratedPasswords({})

    @property
    def options(self) -> ApplyOptions:
        """What the operator asked for."""
        return self.world.options

    @cached_property
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

    @cached_property
    def inventory(self) -> Inventory:
        """What AWS holds of this stack."""
        return Inventory(self.account, self.spec.stack, tuple(secret.name for secret in self.spec.secrets))

    @cached_property
    def service_keys(self) -> ServiceKeys:
        """The two keys of the pipeline itself, made where they are missing."""
        settings = self.world.settings
        return ensure_service_keys(
            self.account.client("kms"), seal_alias=settings.seal_key, fingerprint_alias=settings.fingerprint_key
        )

    @cached_property
    def fingerprinter(self) -> Fingerprinter | None:
        """Keyed digests; None while planning where nothing was ever applied."""
        kms = self.account.client("kms")
        if self.world.writing:
            return Fingerprinter.derive(kms, self.service_keys.fingerprint)
        found = find_key(kms, self.world.settings.fingerprint_key)
        return Fingerprinter.derive(kms, found) if found else None

    @cached_property
    def outputs(self) -> StackOutputs:
        """Late resolution of this stack's outputs."""
        return StackOutputs(self)

    @cached_property
    def marks(self) -> Marks:
        """Ownership marks."""
        return Marks(self.fingerprinter)

    def owner(self, secret: SecretSpec) -> Owner:
        """Who declares a secret."""
        return Owner(self.spec.stack, secret.ref.component, secret.ref.key)

    def owns(self, state: SecretState) -> bool:
        """Whether a secret's mark proves that this very stack made or adopted it."""
        mark = self.marks.verify(state)
        return mark.ours and mark.owner is not None and mark.owner.stack == self.spec.stack

    def leaf(self, secret: SecretSpec, leaf: Leaf) -> Expression:
        """The YAML behind one leaf of a declared value, its variables put in."""
        return self.world.read_leaf(self.spec.stack, secret.ref.component, leaf)

    def leaves(self, secret: SecretSpec) -> Callable[[Leaf], Resolved]:
        """Resolves the leaves of one declared value; the YAML is read here and not before."""

        def leaf_value(leaf: Leaf) -> Resolved:
            return resolve(self.leaf(secret, leaf), self.outputs)

        return leaf_value
