"""Watches every call, and holds what an apply does against the rules at the moment it does it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from secrets_pipeline.engine import Failed, Outcome, Unchanged, rows
from secrets_pipeline.local.corrections.secretsmanager.model import CURRENT, PENDING, Secret

from .rds import Instance
from .stacks import OWNED, STACK

_READS = ("Describe", "Get", "List", "Validate", "BatchGet")
_OURS = "secrets-pipeline:"
_GENERATED = ("db", "token")


@dataclass(frozen=True)
class Picture:
    """A secret right before a call."""

    name: str
    arn: str
    current: str | None
    value: str | None
    versions: frozenset[str]


@dataclass
class Fact:
    """What happened to one secret on purpose, beside the applies.

    Attributes:
        foreign_since: turn at which it became somebody else's, None while it is ours.
        replaced_by_human: whether a human wrote its current value.
        ever_replaced: whether a human ever wrote a value of it.
        rotated: whether a rotation of it has finished.
        policy_touched: whether a human changed its policy.
        destroyed: whether a human deleted it for good.
    """

    foreign_since: int | None = None
    replaced_by_human: bool = False
    policy_touched: bool = False
    destroyed: bool = False
    ever_replaced: bool = False
    rotated: bool = False


@dataclass
class Ledger:
    """Facts, trace and violations of one seed.

    Attributes:
        secret: the secret behind an id, as it is now.
        turn: number of the call that is being made.
        described: turn at which a run last saw a secret as it was, by run and ARN.
        rotation_since: turn at which the last rotation began.
        lost_keys: faults at calls of KMS; CreateKey has no token, so each may have left a key behind.
        values: everything that must be in no trace.
    """

    secret: Callable[[str], Secret | None]
    facts: dict[str, Fact] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    described: dict[tuple[str, str], int] = field(default_factory=dict)
    values: set[str] = field(default_factory=set)
    turn: int = 0
    rotation_since: int = 0
    lost_keys: int = 0
    _read: dict[tuple[str, str], str] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _writes: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def fact(self, name: str) -> Fact:
        """What happened to a secret."""
        return self.facts.setdefault(name, Fact())

    def violated(self, text: str) -> None:
        """Note a violation where it happens."""
        self.trace.append(f"      VIOLATION {text}")
        self.violations.append(text)

    def alias(self, version: str | None) -> str:
        """A readable name for a version id, the same in every run of a seed."""
        if version is None:
            return "none"
        return self._names.setdefault(version, f"v{len(self._names) + 1}")

    def say(self, caller: str, text: str) -> None:
        """A line of the trace."""
        self.trace.append(f"{self.turn:5} {caller:<10} {text}")

    def outcome(self, caller: str, stage: str, outcome: Outcome) -> None:
        """What became of a change; bugs are told apart from what AWS refused."""
        row = rows([outcome])[0]
        if isinstance(outcome, Unchanged):
            return
        self.say(
            caller,
            f"  {stage}: {row['kind']} {row['name']} {row['outcome']}: {row['detail'].splitlines()[0] if row['detail'] else ''}",
        )
        if isinstance(outcome, Failed) and outcome.error.message.startswith("unexpected"):
            self.violated(f"{row['kind']} {row['name']}: {outcome.error.message}")

    def before(self, caller: str, service: str, operation: str, params: Mapping[str, Any]) -> Picture | None:
        """See `cloud.Watcher`."""
        self.turn += 1
        if service == "rds":
            self._check_modify(caller, operation)
            return None
        if service != "secretsmanager":
            return None
        found = self.secret(str(params.get("SecretId") or params.get("Name")))
        if found is None:
            return None
        self._check_foreign(caller, operation, found)
        if operation == "DescribeSecret":
            self.described[caller, found.arn] = self.turn
        if operation == "GetSecretValue":
            held = found.staged(CURRENT)
            self._read[caller, found.arn] = str(params.get("VersionId") or (held.id if held else ""))
        return picture(found)

    def after(
        self, noted: object, caller: str, service: str, operation: str, params: Mapping[str, Any], error: str
    ) -> None:
        """See `cloud.Watcher`."""
        about = str(params.get("SecretId") or params.get("Name") or params.get("KeyId") or "")
        found = self.secret(about) if service == "secretsmanager" and about else None
        was = noted if isinstance(noted, Picture) else None
        change = ""
        if found is not None and not operation.startswith(_READS):
            change = self._moved(caller, was, found)
        if service == "secretsmanager" and found is not None and not error:
            if operation == "CreateSecret":
                self.described[caller, found.arn] = self.turn
            if operation == "RotateSecret":
                self.rotation_since = self.turn
        about = found.name if found is not None else about.rsplit(":", 1)[-1]
        self.say(caller, f"{service} {operation} {about}{change}{' → ' + error if error else ''}")

    def password_took_effect(self, instance: Instance) -> None:
        """See `cloud.Watcher`."""
        self.values.add(instance.password)

    def _moved(self, caller: str, was: Picture | None, found: Secret) -> str:
        if was is not None and was.arn != found.arn:
            was = None
        now = picture(found)
        made = now.versions - (was.versions if was else frozenset())
        for version in made:
            text = found.versions[version].string
            if text is not None:
                self.values.add(text)
            if caller.startswith("apply"):
                self._check_once(caller, found, version)
        moved = now.current != (was.current if was else None)
        if moved and was is not None and was.current is not None and caller.startswith("apply"):
            self._check_kept(was, now)
        if moved and not caller.startswith("human"):
            self.fact(found.name).replaced_by_human = False
        said = "".join(f" +{self.alias(version)}" for version in sorted(made))
        if moved:
            said += f" current {self.alias(was.current if was else None)}→{self.alias(now.current)}"
        return said

    def _check_once(self, caller: str, found: Secret, version: str) -> None:
        """One version for one intended write: what replaces the same version by the same value is written once.

        A writer means to replace what it has read.
        """
        made = found.versions[version]
        base = self._read.get((caller, found.arn))
        value = (made.string or "") if base else "first"
        # What it was rendered from is part of the intent, even where the value comes out the same.
        sources = self.secret(found.name.replace("/config", "/api").replace("/url", "/db"))
        rendered_from = picture(sources).current if sources is not None and sources is not found else None
        write = (found.arn, base or "", value, made.kms_key_id or "", rendered_from or "")
        self._writes[write] += 1
        if self._writes[write] > 1:
            self.violated(f"{found.name}: {self.alias(version)} repeats a write over {self.alias(base)}")

    def _check_kept(self, was: Picture, now: Picture) -> None:
        """What an apply writes over a value keeps everything that is not its own."""
        stack, _, key = now.name.partition("/")
        if stack != STACK or was.value is None or now.value is None:
            return
        before, after = document(was.value), document(now.value)
        if key in _GENERATED and (before is None or after is None):
            if was.value != now.value:
                self.violated(f"{now.name}: a generated value was replaced by an apply")
            return
        if before is None or after is None:
            return
        owned = OWNED if key in _GENERATED else ("mode", "api")
        lost = [name for name in before if name not in owned and before[name] != after.get(name)]
        if lost:
            self.violated(
                f"{now.name}: an apply lost or changed the key {', '.join(lost)} of {self.alias(was.current)}"
            )

    def _check_foreign(self, caller: str, operation: str, found: Secret) -> None:
        """Nothing of a foreign owner is written or read, unless it became foreign after the run had looked."""
        # CreateSecret cannot change what exists.
        harmless = operation == "CreateSecret" or (operation.startswith(_READS) and operation != "GetSecretValue")
        since = self.fact(found.name).foreign_since
        if harmless or since is None or not caller.startswith("apply"):
            return
        # A list may be old: enough to read what was ours when it was made, not to write.
        unseen = -1 if operation == "GetSecretValue" and since else since + 1
        if self.described.get((caller, found.arn), unseen) > since:
            self.violated(f"{found.name} is not ours, and {caller} did {operation}")

    def _check_modify(self, caller: str, operation: str) -> None:
        """The API sets a password only while no rotation is under way or behind the secret."""
        found = self.secret(f"{STACK}/db")
        if operation != "ModifyDBInstance" or found is None:
            return
        pending = found.staged(PENDING)
        rotating = pending is not None and CURRENT not in pending.stages
        rotated = found.rotation is not None and found.rotation.last_date is not None
        since = self.rotation_since
        looked = self.described.get((caller, found.arn))
        if (rotating or rotated) and (looked is None or looked > since):
            self.violated(f"{caller} set the database's password although {found.name} was rotated")


def picture(secret: Secret) -> Picture:
    """A secret as it is now."""
    current = secret.staged(CURRENT)
    return Picture(
        name=secret.name,
        arn=secret.arn,
        current=current.id if current else None,
        value=current.string if current else None,
        versions=frozenset(one.id for one in secret.versions.values() if one.has_value),
    )


def document(text: str | None) -> dict[str, Any] | None:
    """The JSON object that a value is, or None."""
    if text is None or not text.startswith("{"):
        return None
    found: dict[str, Any] = json.loads(text)
    return found
