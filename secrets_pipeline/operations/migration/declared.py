"""Compare secrets of a state with those that a stack declares already: what would have to change in the YAML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from secrets_pipeline.access.policy_text.canonical import same_policy
from secrets_pipeline.desired.limits import ACCOUNT_ID, REGION
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.settings.operator import TargetRule
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.value.model import GeneratedValue
from secrets_pipeline.operations.migration.entries import Home, Naming, entry_fields
from secrets_pipeline.operations.migration.model import Generated, MigratedSecret, Place
from secrets_pipeline.operations.migration.yaml_text import Tree
from secrets_pipeline.references.model import Expression
from secrets_pipeline.stacks import AtmosStack, Component


@dataclass(frozen=True, slots=True)
class DeclaredDifference:
    """One key of an entry that is not as the state has it.

    Attributes:
        key: of the entry, for example `description`.
        declared: what the YAML says, for humans.
        state: what the state says, for humans.
    """

    key: str
    declared: str
    state: str

    def __str__(self) -> str:
        return f"{self.key}: the YAML says {self.declared}, Terraform {self.state}"


@dataclass(frozen=True, slots=True)
class Declared:
    """A secret of a state that a stack declares already.

    Attributes:
        secret: of the state.
        spec: of the stack.
        differences: between the two.
    """

    secret: MigratedSecret
    spec: SecretSpec
    differences: tuple[DeclaredDifference, ...]

    @property
    def surplus(self) -> list[str]:
        """Keys of the entry that would have to go to keep all as it is."""
        keys = {one.key for one in self.differences} - {"value"} - entry_fields(self.secret).keys()
        return sorted(key for key in keys if not key.startswith("tags.") or key[5:] not in self.secret.tags)

    @property
    def tree(self) -> Tree:
        """What the entry would have to say to keep all as it is; nothing of a value, and of what is to be taken out."""
        fields = entry_fields(self.secret)
        keys = {one.key.partition(".")[0] for one in self.differences} - {"value"}
        entry = {key: fields[key] for key in sorted(keys & fields.keys())}
        ref = self.spec.ref
        return {"components": {"terraform": {ref.component: {"vars": {"secrets": {ref.key: entry}}}}}}


def place_of(spec: StackSpec) -> Place:
    """Where a stack's secrets are; an account that nothing names is empty."""
    return Place(spec.target.account_id or "", spec.target.region)


def serves(spec: StackSpec, place: Place) -> bool:
    """Whether a stack may hold the secrets of a place: one without an account may be anywhere in its region."""
    own = place_of(spec)
    return own.region == place.region and own.account_id in ("", place.account_id)


def declared_in(spec: StackSpec, secrets: Iterable[MigratedSecret]) -> list[Declared]:
    """Those of some secrets that a stack declares, by their names, with its entries."""
    entries = {one.name: one for one in spec.secrets}
    both = [(one, entries[one.name]) for one in secrets if one.name in entries and serves(spec, one.place)]
    return [Declared(one, entry, tuple(_differences(entry, one))) for one, entry in both]


def home_of(stack: AtmosStack, rule: TargetRule | None = None) -> Home:
    """What is known of a stack: its components, where they are, and each `context_name` and `environment` of theirs.

    A component with a template for names tells nothing: entries of full names mean the same with and without it.

    Args:
        stack: as Atmos resolves it.
        rule: of the operator, whose word on account and region is the last.
    """
    found: dict[Naming, None] = {}
    components = [one for kind in stack.components.values() for one in kind.values()]
    for component in components:
        variables = component.resolved.get("vars")
        settings = component.resolved.get("settings")
        ours = settings.get("secrets_pipeline") if isinstance(settings, Mapping) else None
        templated = isinstance(ours, Mapping) and ours.get("name_template") is not None
        if templated or not isinstance(variables, Mapping):
            continue
        context, environment = variables.get("context_name"), variables.get("environment")
        if isinstance(context, str) and context and "${" not in f"{context}{environment}":
            found[Naming(context, environment if isinstance(environment, str) and environment else None)] = None
    account, region = (rule.account_id, rule.region) if rule else (None, None)
    return Home(
        naming=tuple(found),
        components=frozenset(one.name for one in components),
        accounts=frozenset([account] if account else _said_of(components, "account_id", ACCOUNT_ID)),
        regions=frozenset([region] if region else _said_of(components, "region", REGION)),
    )


def _said_of(components: Iterable[Component], key: str, form: re.Pattern[str]) -> Iterator[str]:
    """What the variables of some components say; nothing of what is known later."""
    for component in components:
        variables = component.resolved.get("vars")
        found = variables.get(key) if isinstance(variables, Mapping) else None
        text = f"{found:012d}" if isinstance(found, int) else found
        if isinstance(text, str) and form.fullmatch(text):
            yield text


def _differences(spec: SecretSpec, secret: MigratedSecret) -> Iterator[DeclaredDifference]:
    pairs: list[tuple[str, Any, Any]] = [
        ("description", spec.description or None, secret.description or None),
        ("recovery_window_in_days", spec.recovery_window_in_days, secret.recovery_window_in_days),
        ("replica_regions", _regions(spec), sorted(_replica_region(one) for one in secret.replicas) or None),
        ("rotation", _rotation(spec), dict(secret.rotation) if secret.rotation else None),
    ]
    if not isinstance(spec.kms_key, Expression):
        pairs.append(("kms_key_id", spec.kms_key, secret.kms_key_id or None))
    for key, declared, state in pairs:
        if declared != state:
            yield DeclaredDifference(key, _said(declared), _said(state))
    if isinstance(spec.kms_key, Expression):
        # Another key encrypts the value anew: that may be so is said.
        yield DeclaredDifference("kms_key_id", f"{spec.kms_key}, known later", _said(secret.kms_key_id or None))
    for key in sorted({*spec.tags, *secret.tags}):
        if spec.tags.get(key) != secret.tags.get(key):
            yield DeclaredDifference(f"tags.{key}", _said(spec.tags.get(key)), _said(secret.tags.get(key)))
    yield from _policy(spec, secret)
    if isinstance(spec.value, GeneratedValue) != isinstance(secret.value, Generated):
        password, other = "a generated password", "a value of another kind"
        said = (password, other) if isinstance(spec.value, GeneratedValue) else (other, password)
        yield DeclaredDifference("value", *said)


def _policy(spec: SecretSpec, secret: MigratedSecret) -> Iterator[DeclaredDifference]:
    if any(isinstance(one, Expression) for statement in spec.policy for one in _leaves(statement)):
        return
    declared = {"Version": "2012-10-17", "Statement": list(spec.policy)} if spec.policy else None
    if not same_policy(declared, secret.policy):
        shown = {True: "a policy", False: "none"}
        both = bool(declared) and bool(secret.policy)
        yield DeclaredDifference("policy", shown[bool(declared)], "another one" if both else shown[bool(secret.policy)])


def _leaves(tree: object) -> Iterator[object]:
    if isinstance(tree, (Mapping, list, tuple)):
        for below in tree.values() if isinstance(tree, Mapping) else tree:
            yield from _leaves(below)
    else:
        yield tree


def _regions(spec: SecretSpec) -> list[str] | None:
    return sorted(one.region for one in spec.replicas) or None


def _replica_region(replica: str | Mapping[str, str]) -> str:
    return replica if isinstance(replica, str) else replica["region"]


def _rotation(spec: SecretSpec) -> dict[str, Any] | None:
    turning = spec.rotation
    if turning is None:
        return None
    said = {
        "lambda_arn": "managed" if turning.managed else str(turning.lambda_arn),
        "schedule_expression": turning.schedule_expression,
        "automatically_after_days": turning.automatically_after_days,
        "duration": turning.duration,
    }
    return {key: one for key, one in said.items() if one is not None}


def _said(value: object) -> str:
    return "nothing" if value is None else repr(value)
