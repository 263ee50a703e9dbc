"""Watches every call, and holds what an apply does against the rules at the moment it does it."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from secrets_pipeline.emulator.services.secretsmanager.model import CURRENT, PENDING, EmulatedSecret
from secrets_pipeline.engine.model import Failed, Outcome, Unchanged
from secrets_pipeline.engine.report import row as row_of
from secrets_pipeline.reconcilers.marks.secret_mark import Commit
from secrets_pipeline.reconcilers.tag_keys import SPEC
from tests.simulation.calls import Call
from tests.simulation.canary import PUBLIC
from tests.simulation.rds import REGION, Instance
from tests.simulation.stacks import NEVER_DECLARED, STACK
from tests.simulation.values import document, password_of

_GENERATED = ("db", "token")


@dataclass(frozen=True)
class Picture:
    """A secret right before a call."""

    name: str
    arn: str
    current: str | None
    value: str | None
    versions: frozenset[str]


@dataclass(frozen=True)
class Read:
    """A value that a run was given.

    Attributes:
        turn: when.
        version: its version id.
    """

    turn: int
    version: str


@dataclass(frozen=True)
class MadeKey:
    """A KMS key as CreateKey made it.

    Attributes:
        turn: when.
        searched: when the run had last looked for one that it could use instead.
        purpose: what it was made for.
    """

    caller: str
    turn: int
    searched: int
    purpose: str


@dataclass
class Fact:
    """What happened to one secret on purpose, beside the applies.

    Attributes:
        foreign_since: turn at which it became somebody else's, None while it is ours.
        replaced_by_human: whether a human wrote its current value.
        ever_replaced: whether a human ever wrote a value of it.
        rotated: whether a rotation of it has finished.
        policy_touched: whether a human changed its policy.
        overtaken: whether a mark that vouches for all parts was written although another run had come after the last
            look, or had changed a part of what it had made itself, which it does not say first.
        destroyed: whether a human deleted it for good.
        replicas_touched: whether a human changed its replicas.
        their_regions: those to which a human replicated it.
        since: virtual second at which its value became the current one.
    """

    foreign_since: int | None = None
    replaced_by_human: bool = False
    policy_touched: bool = False
    overtaken: bool = False
    destroyed: bool = False
    ever_replaced: bool = False
    rotated: bool = False
    replicas_touched: bool = False
    their_regions: set[str] = field(default_factory=set)
    since: float = 0.0


@dataclass
class Ledger:
    """Facts, trace and violations of one seed.

    Attributes:
        secret: the secret behind an id, as it is now.
        turn: number of the call that is being made.
        described: turn at which a run last saw a secret as it was, by run and ARN.
        rotation_since: turn at which the last rotation began.
        values: everything that must be in no text.
        texts: what was said beside the trace: outcomes, errors, parameters of calls, plans.
        keys: KMS keys by id.
        faulted: turn at which a fault struck a run last.
        instance: the database as it is now.
        clock: virtual seconds.
        altered: turn at which a password that was asked for of RDS took effect last.
        tested: turn at which the managed function was last asked to test a login, or to rotate.
        mode: what a human last wrote into the function's own variable.
        consumers_touched: whether a human deployed a consumer, or undid what was delivered.
    """

    secret: Callable[[str], EmulatedSecret | None]
    facts: dict[str, Fact] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    described: dict[tuple[str, str], int] = field(default_factory=dict)
    values: set[str] = field(default_factory=set)
    turn: int = 0
    rotation_since: int = 0
    texts: list[str] = field(default_factory=list)
    keys: dict[str, MadeKey] = field(default_factory=dict)
    faulted: dict[str, int] = field(default_factory=dict)
    instance: Callable[[], Instance | None] = lambda: None
    clock: Callable[[], float] = lambda: 0.0
    altered: int = -1
    tested: int = -1
    mode: str = "first"
    consumers_touched: bool = False
    _read: dict[tuple[str, str], Read] = field(default_factory=dict)
    _shown: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    _searched: dict[str, int] = field(default_factory=dict)
    _created: bool = False
    _last_call: dict[tuple[str, str], str] = field(default_factory=dict)
    _makers: set[tuple[str, str]] = field(default_factory=set)
    _untaken: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    _policy_known: dict[tuple[str, str], int] = field(default_factory=dict)
    _key_giver: dict[str, str] = field(default_factory=dict)
    _put_policy: set[tuple[str, str]] = field(default_factory=set)
    _marked: dict[str, tuple[int, str]] = field(default_factory=dict)
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
        row = row_of(outcome)
        self.texts.append(f"{row} {outcome.change}")
        if isinstance(outcome, Failed):
            self.failure(outcome.error)
            if outcome.error.message.startswith("unexpected"):
                self.violated(f"{row['kind']} {row['name']}: {outcome.error.message}")
        if not isinstance(outcome, Unchanged):
            said = row["detail"].partition("\n")[0]
            self.say(caller, f"  {stage}: {row['kind']} {row['name']} {row['outcome']}: {said}")

    def failure(self, error: BaseException) -> None:
        """Keep all that an error shows, what led to it included."""
        self.texts.append("".join(traceback.format_exception(error)) + repr(error) + str(vars(error)))

    def before(self, call: Call) -> Picture | None:
        """See `calls.Watcher`."""
        self.turn += 1
        self.texts.append(call.public)
        if call.service == "rds":
            self._check_modify(call.caller, call.operation)
        if call.service != "secretsmanager":
            return None
        found = self.secret(call.subject)
        if found is None:
            return None
        self._check_foreign(call.caller, call.operation, found)
        self._check_cancelling(call, found)
        return picture(found)

    def after(self, noted: object, call: Call, answer: Mapping[str, Any], error: str) -> None:
        """See `calls.Watcher`."""
        about = call.subject
        found = self.secret(about) if call.service == "secretsmanager" and about else None
        was = noted if isinstance(noted, Picture) else None
        change = ""
        if found is not None and not call.reads:
            change = self._moved(call.caller, was, found)
        if call.operation == "RotateSecret" and not error:
            self.rotation_since = self.turn
        if call.operation == "CreateSecret":
            self._created = was is None
        if found is not None and not error:
            self._note_change(call, found)
        if found is not None:
            self._last_call[call.caller, found.arn] = call.operation
        if call.operation == "CreateKey" and not error:
            purpose = " ".join(tag["TagValue"] for tag in call.params["Tags"] if tag["TagKey"] != SPEC)
            made = MadeKey(call.caller, self.turn, self._searched.get(call.caller, -1), purpose)
            self.keys[answer["KeyMetadata"]["KeyId"]] = made
        # The suffix of an ARN is random: the trace of a seed is always the same.
        named = found or was
        about = named.name if named is not None else unsuffixed(about)
        where = "" if call.region == REGION else f" in {call.region}"
        self.say(call.caller, f"{call.service} {call.operation} {about}{where}{change}{' → ' + error if error else ''}")

    def _note_change(self, call: Call, found: EmulatedSecret) -> None:
        match call.operation:
            case "CreateSecret":
                self._makers.add((call.caller, found.arn))
            case "TagResource":
                self._note_mark(call, found)
            case "UntagResource" if call.caller != "human" and NEVER_DECLARED in call.params["TagKeys"]:
                self.violated(f"a tag that no YAML ever named is taken from {found.name}")
            case "RotateSecret" | "CancelRotateSecret" if (call.caller, found.arn) in self._makers:
                self._untaken[found.arn, "rotation"] = (self.turn, call.caller)
            case "UpdateSecret" if "KmsKeyId" in call.params:
                self._key_giver[found.arn] = call.caller
            case "PutResourcePolicy" | "DeleteResourcePolicy":
                self._policy_known[call.caller, found.arn] = self.turn
                if call.operation == "PutResourcePolicy":
                    self._put_policy.add((call.caller, found.arn))
                if (call.caller, found.arn) in self._makers:
                    self._untaken[found.arn, "policy"] = (self.turn, call.caller)

    def _note_mark(self, call: Call, found: EmulatedSecret) -> None:
        mark = next((tag["Value"] for tag in call.params["Tags"] if tag["Key"] == SPEC), None)
        if mark is None:
            return
        commit, (turn, writer) = Commit.parse(mark.partition(".")[0]), self._marked.get(found.arn, (-1, call.caller))
        vouches = commit is not None and all(commit.digests.values())
        self._marked[found.arn] = (self.turn, call.caller)
        run = (call.caller, found.arn)
        looked, read = self.described.get(run, -1), self._policy_known.get(run, -1)
        nothing = (-1, call.caller)
        overtaking = (
            (looked, (turn, writer)),
            (looked, self._untaken.get((found.arn, "rotation"), nothing)),
            (read, self._untaken.get((found.arn, "policy"), nothing)),
        )
        # Whoever could look, and did not right before, is not excused.
        no_room = run in self._makers and run in self._put_policy and found.rotation is not None
        if not no_room and self._last_call.get(run) != "DescribeSecret":
            return
        if vouches and any(who != call.caller and at > known for known, (at, who) in overtaking):
            self.fact(found.name).overtaken = True

    def answered(self, call: Call) -> Callable[[], None]:
        """Right after a call was performed: what to do if its answer reaches the run, which then knows more."""
        turn = self.turn
        # CreateSecret answers alike where an earlier try of the same request had made the secret: that shows nothing.
        seen = -1 if call.operation == "CreateSecret" and not self._created else turn
        found = self.secret(call.subject) if call.service == "secretsmanager" and call.subject else None
        shown = picture(found) if found else None
        key = (found.kms_key_id or "") if found else ""

        def learn() -> None:
            if call.operation == "ListKeys":
                self._searched[call.caller] = turn
            if shown is not None and call.operation in ("DescribeSecret", "CreateSecret"):
                self.described[call.caller, shown.arn] = seen
                self._shown[call.caller, shown.arn] = (shown.current or "", key)
            if shown is not None and call.operation == "GetResourcePolicy":
                self._policy_known[call.caller, shown.arn] = turn
            if shown is not None and call.operation == "GetSecretValue":
                version = str(call.params.get("VersionId") or shown.current or "")
                self._read[call.caller, shown.arn] = Read(turn, version)

        return learn

    def password_took_effect(self, instance: Instance) -> None:
        """See `calls.Watcher`."""
        self.values.add(instance.password)
        self.altered = self.turn

    def function_set(self, instance: Instance) -> None:
        """The managed function sets what waits under AWSPENDING, and nothing that nobody could read again."""
        found = self.secret(f"{STACK}/db")
        known = [found.staged(stage) for stage in (CURRENT, PENDING)] if found is not None else []
        if any(version and password_of(version.string) == instance.password for version in known):
            return
        if not self._is_excused(f"{STACK}/db"):
            self.violated("the function set a password that is neither AWSCURRENT nor AWSPENDING")

    def _is_excused(self, name: str) -> bool:
        """Whether a human wrote a value, which takes AWSPENDING off, or the secret is not ours any more."""
        fact = self.fact(name)
        return fact.ever_replaced or fact.destroyed or fact.foreign_since is not None

    def _check_promoted(self, found: EmulatedSecret) -> None:
        """The managed function makes current only what the database accepts, unless RDS changed it after the test."""
        instance, current = self.instance(), found.staged(CURRENT)
        if found.name != f"{STACK}/db" or instance is None or current is None or self.altered > self.tested:
            return
        if password_of(current.string) != instance.password and document(current.string) is not None:
            self.violated(f"{found.name}: the function made a password current that the database refuses")

    def _moved(self, caller: str, was: Picture | None, found: EmulatedSecret) -> str:
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
        if moved:
            self.fact(found.name).since = self.clock()
        if moved and caller == "function":
            self._check_promoted(found)
        said = "".join(f" +{self.alias(version)}" for version in sorted(made))
        if moved:
            said += f" current {self.alias(was.current if was else None)}→{self.alias(now.current)}"
        return said

    def _check_once(self, caller: str, found: EmulatedSecret, version: str) -> None:
        """One version for one intended write: what replaces the same version by the same value is written once.

        A writer means to replace what it has read.
        """
        made, base = found.versions[version], self._read.get((caller, found.arn))
        value = (made.string or "") if base else "first"
        # Part of the intent is what the run was shown last: the key that it writes under, and the version that it
        # renders from. The value may come out the same; writing it again under another key is another intent, and so
        # it is where the first one came under the key that a human had just given the secret.
        sources = self.secret(found.name.replace("/config", "/api").replace("/url", "/db"))
        source = self._read.get((caller, sources.arn)) if sources is not None and sources is not found else None
        rendered_from = source.version if source and base and source.turn > base.turn else ""
        shown_source = self._shown.get((caller, sources.arn), ("", ""))[0] if sources and rendered_from else ""
        replaced, key = base.version if base else "", self._shown.get((caller, found.arn), ("", ""))[1]
        under = (made.kms_key_id or "") if self._key_giver.get(found.arn, "").startswith("human") else ""
        write = (found.arn, replaced, value, key, under, rendered_from, shown_source)
        self._writes[write] += 1
        if self._writes[write] > 1:
            self.violated(f"{found.name}: {self.alias(version)} repeats a write over {self.alias(replaced)}")

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
        owned = PUBLIC if key in _GENERATED else ("mode", "api")
        lost = [name for name in before if name not in owned and before[name] != after.get(name)]
        if lost:
            self.violated(
                f"{now.name}: an apply lost or changed the key {', '.join(lost)} of {self.alias(was.current)}"
            )

    def _check_foreign(self, caller: str, operation: str, found: EmulatedSecret) -> None:
        """Nothing of a foreign owner is written or read, unless it became foreign after the run had looked."""
        # CreateSecret cannot change what exists.
        reads = Call(caller, "secretsmanager", operation, {}).reads
        harmless = operation == "CreateSecret" or (reads and operation != "GetSecretValue")
        since = self.fact(found.name).foreign_since
        if harmless or since is None or not caller.startswith("apply"):
            return
        if self.described.get((caller, found.arn), since + 1) > since:
            self.violated(f"{found.name} is not ours, and {caller} did {operation}")

    def _check_cancelling(self, call: Call, found: EmulatedSecret) -> None:
        """A rotation that a run has seen in progress is not cancelled: its version would stay pending for ever."""
        if call.operation != "CancelRotateSecret" or not call.caller.startswith("apply") or found.rotating() is None:
            return
        if self.described.get((call.caller, found.arn), -1) > self.rotation_since:
            self.violated(f"{call.caller} cancelled the rotation of {found.name}, which was in progress")

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


def unsuffixed(name: str) -> str:
    """The last part of an ARN, a secret's without its suffix."""
    last = name.rsplit(":", 1)[-1]
    return last.rpartition("-")[0] if ":secret:" in name else last


def picture(secret: EmulatedSecret) -> Picture:
    """A secret as it is now."""
    current = secret.staged(CURRENT)
    return Picture(
        name=secret.name,
        arn=secret.arn,
        current=current.id if current else None,
        value=current.string if current else None,
        versions=frozenset(one.id for one in secret.versions.values() if one.has_value),
    )
