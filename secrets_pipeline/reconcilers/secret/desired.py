"""Resolve what a stack asks of a secret, late parts included, and digest it for the mark."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from secrets_pipeline.access.policy_text.canonical import canonical
from secrets_pipeline.access.policy_text.statements import secret_policy
from secrets_pipeline.desired.checks.reader_crossings import not_let_in
from secrets_pipeline.desired.policy.lockout import LOCKOUT_REMEDY, SECRET_RECOVERY, Caller, locks_out
from secrets_pipeline.desired.rotation.model import RotationSpec
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.value.model import GeneratedValue
from secrets_pipeline.errors import SpecError
from secrets_pipeline.reconcilers.kms_key.lookup import usable_as
from secrets_pipeline.reconcilers.marks.secret_mark import Commit, Part
from secrets_pipeline.reconcilers.needed import key_named
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.tag_keys import PASSWORD
from secrets_pipeline.references.resolve import Pending, Plain, substitute
from secrets_pipeline.rotation.password_tag import password_rule
from secrets_pipeline.rotation_lambda.password_rule import DEFAULT_RULE, encode

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Rotation:
    """Rotation as RotateSecret takes it, all known."""

    lambda_arn: str
    rules: dict[str, Any]
    rotate_immediately: bool


class _Late(Generic[Value]):
    """A part that is resolved until it is known, and then kept."""

    def __init__(self, resolve: Callable[[], Value | Pending]) -> None:
        self._resolve = resolve
        self._known: list[Value] = []

    def get(self) -> Value | Pending:
        """The part, or what is still missing."""
        if not self._known:
            found = self._resolve()
            if isinstance(found, Pending):
                return found
            self._known.append(found)
        return self._known[0]


class DesiredSecret:
    """What a stack asks of one secret, its late parts resolved; what is known once is not resolved again.

    Args:
        stack: the stack.
        spec: one of its secrets.

    Attributes:
        spec: see above.
        name: of the secret.
    """

    def __init__(self, stack: Stack, spec: SecretSpec) -> None:
        self.spec = spec
        self.name = spec.name
        self._stack = stack
        self._key = _Late(self._resolved_key)
        self._policy = _Late(self._resolved_policy)
        self._rotation = _Late(self._resolved_rotation)
        self._digests: dict[Part, str] = {}

    @property
    def kms_key(self) -> str | Pending | None:
        """Resolve KmsKeyId: an ARN for keys of ours, the text of the stack otherwise, None for the default key.

        A key under which nothing can be encrypted is waited for; the stage `kms_keys` fails with it.
        """
        key = self._key.get()
        problem = self._stack.observed.keys.problem(key) if isinstance(key, str) else None
        return Pending(f"KMS key {key} {problem.problem}") if problem else key

    def declares(self, part: Part) -> bool:
        """Whether the stack says anything about a part."""
        spec = self.spec
        match part:
            case Part.DESCRIPTION:
                return spec.description is not None
            case Part.KMS_KEY:
                return spec.declares_key
            case Part.TAGS:
                return True
            case Part.POLICY:
                return bool(spec.policy or spec.readers)
            case Part.ROTATION:
                return spec.rotation is not None
            case Part.REPLICAS:
                return bool(spec.replicas)

    def leaves(self, state: SecretState, part: Part) -> bool:
        """Whether a part that a secret had when it was adopted is left alone, as the stack says nothing of it."""
        return not self.declares(part) and self._stack.ownership.marks.keeps(state, part)

    def description(self, state: SecretState) -> str:
        """The description that a secret should have: the declared one, or its own where that is left alone."""
        return state.description if self.leaves(state, Part.DESCRIPTION) else self.spec.description or ""

    def kms_key_of(self, state: SecretState) -> str | Pending | None:
        """The key that a secret should have: see `kms_key`, or its own where that is left alone."""
        return state.kms_key_id if self.leaves(state, Part.KMS_KEY) else self.kms_key

    @cached_property
    def tags(self) -> dict[str, str]:
        """Join the stack's tags and our identity tags.

        Raises:
            SpecError: if the password rule does not fit into a tag.
        """
        return {**self.spec.tags, **self._stack.ownership.owner(self.spec).tags(), **_password_rule(self.spec)}

    @property
    def policy(self) -> dict[str, Any] | Pending | None:
        """Resolve the resource policy that the stack asks for; None for none."""
        return self._policy.get()

    @property
    def rotation(self) -> Rotation | Pending | None:
        """Resolve the rotation that the stack asks for; None for none."""
        return self._rotation.get()

    @property
    def commit(self) -> Commit | None:
        """Digest what the mark has to say; None while a part is not known or nothing was ever applied."""
        digests: dict[Part, str] = {}
        for part in Part:
            digest = self._digest(part)
            if digest is None:
                return None
            digests[part] = digest
        return Commit(self.spec.recovery_window_in_days, digests, self._stack.run.id)

    def intent(self) -> str:
        """Digest everything but the value, as far as it is known."""
        return "-".join(self._digest(part) or "" for part in Part)

    def made(self, state: SecretState, part: Part) -> bool:
        """Whether the mark says that a part was made as the stack declares it: what differs was changed outside."""
        marked = self._stack.ownership.marks.verify(state).commit
        return marked is not None and marked.digests[part] == self._digest(part)

    def finished(self, state: SecretState) -> bool:
        """Whether the mark says that everything but the value was made as the stack declares it."""
        marked = self._stack.ownership.marks.verify(state).commit
        return marked is not None and marked == self.commit

    def _digest(self, part: Part) -> str | None:
        if self._stack.ownership.fingerprinter is None:
            return None
        if part not in self._digests:
            text = self._text(part)
            if isinstance(text, Pending):
                return None
            self._digests[part] = self._stack.ownership.marks.digest(part, self.name, text)
        return self._digests[part]

    def _text(self, part: Part) -> str | Pending | None:
        """What the digest of a part is over; None is a part that the stack does not declare."""
        texts: Mapping[Part, Callable[[], str | Pending | None]] = {
            Part.DESCRIPTION: lambda: self.spec.description or "",
            Part.KMS_KEY: self._key_text,
            Part.TAGS: lambda: json.dumps(self.tags, sort_keys=True),
            Part.POLICY: self._policy_text,
            Part.ROTATION: self._rotation_text,
            Part.REPLICAS: lambda: json.dumps([one.model_dump() for one in self.spec.replicas], sort_keys=True),
        }
        return texts[part]()

    def _key_text(self) -> str | Pending | None:
        key = self._key.get()
        return self._stack.observed.keys.key_id(key) or key if isinstance(key, str) else key

    def _policy_text(self) -> str | Pending | None:
        document = self.policy
        return canonical(document) if isinstance(document, dict) else document

    def _rotation_text(self) -> str | Pending | None:
        turning = self.rotation
        if not isinstance(turning, Rotation):
            return turning
        return json.dumps([turning.lambda_arn, turning.rules], sort_keys=True)

    def _resolved_key(self) -> str | Pending | None:
        if self.spec.kms_key is None:
            return None
        named = self._stack.resolve.text(self.spec.kms_key)
        if isinstance(named, Pending) or all(named != key.alias for key in self._stack.spec.keys):
            return named
        key = usable_as(self._stack, named)
        return Pending(key, on=key_named(named)) if isinstance(key, str) else key.arn

    def _resolved_policy(self) -> dict[str, Any] | Pending | None:
        stack = self._stack
        match substitute(list(self.spec.policy), stack.resolve):
            case Pending() as pending:
                return pending
            case Plain(value=list() as declared):
                if any(locks_out(one, Caller.of(stack.account.caller_arn), SECRET_RECOVERY) for one in declared):
                    raise SpecError(
                        f"the policy of secret {self.name} denies the pipeline ({stack.account.caller_arn}) what would "
                        "repair it",
                        remedy=LOCKOUT_REMEDY,
                    )
                if wrong := not_let_in(declared, stack.account.account_id, stack.spec.stack, stack.run.settings.grants):
                    return Pending(f"its policy {wrong}")
                return secret_policy(declared, self.spec.readers, organization_id=stack.spec.organization_id)
            case _:
                return Pending("its policy holds a secret value")

    def _resolved_rotation(self) -> Rotation | Pending | None:
        spec = self.spec.rotation
        if spec is None:
            return None
        arn = self._rotated_by(spec)
        if isinstance(arn, Pending):
            return arn
        rules = {
            "AutomaticallyAfterDays": spec.automatically_after_days,
            "ScheduleExpression": spec.schedule_expression,
            "Duration": spec.duration,
        }
        return Rotation(arn, {key: rule for key, rule in rules.items() if rule is not None}, spec.rotate_immediately)

    def _rotated_by(self, spec: RotationSpec) -> str | Pending:
        if spec.lambda_arn is not None:
            return self._stack.resolve.text(spec.lambda_arn)
        return managed_function_arn(self._stack) or Pending("the stack has no rotation function")


def desired_secrets(stack: Stack) -> dict[str, DesiredSecret]:
    """Make the desired state of every secret of a stack, by name."""
    return {spec.name: DesiredSecret(stack, spec) for spec in stack.spec.secrets}


def _password_rule(secret: SecretSpec) -> dict[str, str]:
    """The tag that tells the managed function what the next value looks like; none for what it does not rotate."""
    rotation = secret.rotation
    if rotation is None or not rotation.managed:
        return {}
    if isinstance(secret.value, GeneratedValue):
        rule = password_rule(secret.value.policy, key=rotation.json_key)
    else:
        rule = replace(DEFAULT_RULE, key=rotation.json_key)
    try:
        return {PASSWORD: encode(rule)}
    except ValueError as error:
        raise SpecError(
            f"secret {secret.name}: its password rule does not fit into a tag: {error}",
            remedy="Name fewer special characters, or shorten json_key.",
        ) from None


def managed_function_arn(stack: Stack) -> str | None:
    """Build the ARN of the stack's own rotation function, made or not; None where nothing asks for it."""
    function = stack.spec.rotation_function
    return stack.account.function_arn(function.name) if function else None
