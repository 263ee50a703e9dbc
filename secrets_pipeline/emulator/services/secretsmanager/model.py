"""A secret, its versions and its staging labels: plain state without AWS calls.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from secrets_pipeline.emulator.control.delays import REPLICATING
from secrets_pipeline.emulator.control.pace import PACE
from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.core.secret_key import DEFAULT_ALIAS
from secrets_pipeline.emulator.services.secretsmanager.schedule import Window

CURRENT = "AWSCURRENT"
PENDING = "AWSPENDING"
PREVIOUS = "AWSPREVIOUS"
VERSIONS_KEPT = 100


@dataclass(slots=True)
class Version:
    """One version of a value.

    Attributes:
        id: VersionId, which is the ClientRequestToken of the call that made it.
        string: SecretString; None if binary or not yet written.
        binary: SecretBinary in base64, as it travels.
        kms_key_id: key under which this version is encrypted; None for `aws/secretsmanager`.
        former_key_ids: keys that open it still, as it was under them before the secret's key changed.
        trial: whether it is there for the test of a rotation function only, which alone sees it.
        stages: staging labels, in the order they were attached.
        created: epoch seconds.
        accessed: epoch seconds of the day of the last GetSecretValue.
    """

    id: str
    string: str | None = None
    binary: str | None = None
    kms_key_id: str | None = None
    stages: list[str] = field(default_factory=list)
    created: float = field(default_factory=CLOCK.now)
    accessed: float | None = None
    former_key_ids: tuple[str | None, ...] = ()
    trial: bool = False

    @property
    def key_ids(self) -> tuple[str | None, ...]:
        """Every key that opens it, the latest first."""
        return self.kms_key_id, *self.former_key_ids

    def encrypt_again(self, key_id: str | None) -> None:
        """Encrypt it under one more key, which is the latest then."""
        self.former_key_ids = tuple(one for one in self.key_ids if one != key_id)
        self.kms_key_id = key_id

    @property
    def has_value(self) -> bool:
        """False for the version that a rotation created and its Lambda has not filled yet."""
        return self.string is not None or self.binary is not None

    def same_value(self, string: str | None, binary: str | None) -> bool:
        """Whether a request carries exactly this value."""
        return self.string == string and self.binary == binary


@dataclass(slots=True)
class RotationConfiguration:
    """What RotateSecret configured.

    Attributes:
        rules: RotationRules exactly as sent.
        window: when the next rotation may happen, or should have happened; None when nothing is scheduled.
        due: epoch seconds of the next attempt: within a window that is open, or when the next one opens.
    """

    enabled: bool = True
    lambda_arn: str | None = None
    rules: dict[str, Any] = field(default_factory=dict)
    last_date: float | None = None
    window: Window | None = None
    due: float | None = None

    @property
    def next_date(self) -> float | None:
        """NextRotationDate in epoch seconds."""
        return None if self.window is None else self.window.last_date


@dataclass(slots=True)
class Replica:
    """A copy in another region, as the primary knows it.

    Attributes:
        kms_key_id: in that region; None for `aws/secretsmanager`, which AWS shows by its alias.
        outcome: `InSync` or `Failed`, once it is there.
        begun: epoch seconds; from then on it is `InProgress` for a while.
    """

    name: str
    region: str
    kms_key_id: str | None
    outcome: str = "InSync"
    message: str = "Replication succeeded"
    begun: float = field(default_factory=CLOCK.now)

    @property
    def status(self) -> str:
        """The status now."""
        done = PACE.is_over(REPLICATING, f"{self.name} {self.region}", self.begun)
        return self.outcome if done else "InProgress"

    def describe(self) -> dict[str, Any]:
        """ReplicationStatusType."""
        done = {} if self.status == "InProgress" else {"StatusMessage": self.message}
        return {"Region": self.region, "Status": self.status, "KmsKeyId": self.kms_key_id or DEFAULT_ALIAS, **done}


@dataclass(slots=True, eq=False)
class EmulatedSecret:
    """One secret in one region. A replica shares versions and metadata with its primary.

    Attributes:
        sequence: order of creation in this region; ListSecrets pages by it.
        tagged: whether it ever had a tag: AWS tells no tags of a secret that never had one, and an empty list else.
        deleted: epoch seconds at which a scheduled deletion takes place.
        primary: the secret this one is a replica of.
        copies: CrossAccountReplicas, by the ARN of the copy.
    """

    arn: str
    name: str
    region: str
    sequence: int
    description: str = ""
    kms_key_id: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    tagged: bool = False
    versions: dict[str, Version] = field(default_factory=dict)
    policy: str | None = None
    rotation: RotationConfiguration | None = None
    owning_service: str | None = None
    created: float = field(default_factory=CLOCK.now)
    changed: float = field(default_factory=CLOCK.now)
    accessed: float | None = None
    deleted: float | None = None
    replicas: dict[str, Replica] = field(default_factory=dict)
    primary: EmulatedSecret | None = None
    copies: dict[str, dict[str, str]] = field(default_factory=dict)

    def touch(self) -> None:
        """Move LastChangedDate: every modification does, labels, tags, policy and rotation included."""
        self.changed = CLOCK.now()

    def staged(self, stage: str) -> Version | None:
        """The version that holds a staging label; at most one does."""
        return next((one for one in self.versions.values() if stage in one.stages and not one.trial), None)

    def attach(self, stage: str, version: Version) -> None:
        """Move a label to a version. Moving AWSCURRENT moves AWSPREVIOUS to the version it left.

        https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
        """
        holder = self.staged(stage)
        if holder is version:
            return
        self.detach(stage)
        if stage == CURRENT:
            self.detach(PREVIOUS)
            if holder is not None:
                holder.stages.append(PREVIOUS)
        version.stages.append(stage)

    def detach(self, stage: str) -> None:
        """Take a label off whichever version holds it."""
        holder = self.staged(stage)
        if holder is not None:
            holder.stages.remove(stage)

    def rotating(self) -> Version | None:
        """The version of a rotation that began and did not end."""
        pending = self.staged(PENDING)
        return pending if pending is not None and CURRENT not in pending.stages else None

    def prune(self) -> None:
        """Forget the oldest versions without labels beyond the hundredth.

        AWS keeps those of the last 24 hours as well; code that relies on them would lose them a day later.
        """
        surplus = len(self.versions) - VERSIONS_KEPT
        unlabelled = [version.id for version in self.versions.values() if not version.stages]
        for version_id in unlabelled[: max(surplus, 0)]:
            del self.versions[version_id]

    def follow(self) -> None:
        """Bring a replica up to its primary; anything else stays as it is."""
        primary = self.primary
        if primary is None:
            return
        self.description, self.tags, self.policy = primary.description, dict(primary.tags), primary.policy
        self.rotation, self.changed, self.created = primary.rotation, primary.changed, primary.created
        self.owning_service, self.deleted = primary.owning_service, primary.deleted
        self.tagged = primary.tagged
        self.versions = {
            one.id: Version(one.id, one.string, one.binary, self.kms_key_id, list(one.stages), one.created)
            for one in primary.versions.values()
            if not one.trial
        }

    def stages_by_version(self, *, trials: bool = False) -> dict[str, list[str]]:
        """VersionIdsToStages: versions without labels are deprecated and left out.

        Args:
            trials: show those of tests too.
        """
        shown = (one for one in self.versions.values() if one.stages and (trials or not one.trial))
        return {version.id: list(version.stages) for version in shown}
