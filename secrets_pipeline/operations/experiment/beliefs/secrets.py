"""Beliefs about secrets: when they are visible, their labels and tokens, deletion, and another key."""

from __future__ import annotations

from secrets_pipeline.operations.experiment.beliefs.model import (
    DONE,
    LABELS,
    Belief,
    allowed,
    described,
    key,
    named,
    policy,
    secret,
)
from secrets_pipeline.operations.experiment.contract import Step, Template

_API = "https://docs.aws.amazon.com/secretsmanager/latest/apireference/"
_LAST = "CreateSecret to the secret"
_OWNER = policy(
    allowed(
        ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
        Resource="*",
        Principal={"AWS": ["<account>"]},
    )
)
_TOKEN, _SECOND_TOKEN = "1" * 32, "2" * 32


def _call(operation: str, what: str, *, refused: bool = False, until: str = "", **params: Template) -> Step:
    return Step("secretsmanager", operation, {"SecretId": named(what), **params}, refused=refused, until=until)


def _labelled(what: str, label: str, *, refused: bool = False, **versions: str) -> Step:
    return _call("UpdateSecretVersionStage", what, VersionStage=label, refused=refused, **versions)


def _listed(what: str) -> Step:
    return Step(
        "secretsmanager",
        "ListSecrets",
        {"Filters": [{"Key": "name", "Values": [named(what)]}], "IncludePlannedDeletion": True},
        until="SecretList",
        seconds=330,
        shows={"names": "SecretList[].Name"},
        measures="ListSecrets",
    )


def _keys_of_versions(what: str) -> Step:
    return Step(
        "secretsmanager",
        "ListSecretVersionIds",
        {"SecretId": named(what), "IncludeDeprecated": True},
        shows={"versions": "sort_by(Versions, &to_string(VersionStages))[].{labels: VersionStages, keys: KmsKeyIds}"},
    )


BELIEFS = (
    Belief(
        "new-secret",
        "A secret that was just made is unknown to calls by its ARN for a while, and to ListSecrets for minutes",
        f"{_API}API_ListSecrets.html",
        (
            secret("new"),
            Step(
                "secretsmanager",
                "DescribeSecret",
                {"SecretId": "<new_arn>"},
                until=DONE,
                shows={"labels": LABELS},
                measures=_LAST,
            ),
            Step(
                "secretsmanager",
                "PutResourcePolicy",
                {"SecretId": "<new_arn>", "ResourcePolicy": _OWNER},
                until=DONE,
            ),
            Step(
                "secretsmanager",
                "GetResourcePolicy",
                {"SecretId": "<new_arn>"},
                shows={"statements": "ResourcePolicy.Statement"},
            ),
            _listed("new"),
        ),
    ),
    Belief(
        "tokens-and-labels",
        "A token that is used again answers alike for the same value and is refused for another one; a label moves "
        "from the version that has it alone",
        f"{_API}API_UpdateSecretVersionStage.html",
        (
            secret("labelled"),
            described("labelled"),
            _call("PutSecretValue", "labelled", ClientRequestToken=_TOKEN, SecretString="<value>", VersionStages=["A"]),
            _call("PutSecretValue", "labelled", ClientRequestToken=_TOKEN, SecretString="<value>", VersionStages=["A"]),
            _call("PutSecretValue", "labelled", ClientRequestToken=_TOKEN, SecretString="<other>", refused=True),
            _labelled("labelled", "A", MoveToVersionId="<labelled_version>", refused=True),
            _labelled(
                "labelled",
                "A",
                MoveToVersionId="<labelled_version>",
                RemoveFromVersionId="<labelled_version>",
                refused=True,
            ),
            _labelled("labelled", "A", MoveToVersionId=_SECOND_TOKEN, RemoveFromVersionId=_TOKEN, refused=True),
            _labelled("labelled", "A", RemoveFromVersionId="<labelled_version>", refused=True),
            _labelled("labelled", "B", MoveToVersionId="<labelled_version>"),
            _labelled("labelled", "A", MoveToVersionId="<labelled_version>", RemoveFromVersionId=_TOKEN),
            described("labelled", labels=LABELS),
        ),
    ),
    Belief(
        "deleted-secret",
        "The name of a secret that was deleted with a window is taken and can be restored; of one deleted by force it "
        "is free after a moment",
        f"{_API}API_DeleteSecret.html",
        (
            secret("deleted"),
            described("deleted"),
            _call("DeleteSecret", "deleted", RecoveryWindowInDays=7),
            Step(
                "secretsmanager",
                "CreateSecret",
                {"Name": named("deleted"), "SecretString": "<value>"},
                refused=True,
            ),
            _call("GetSecretValue", "deleted", refused=True),
            _call("PutSecretValue", "deleted", SecretString="<other>", refused=True),
            _call("DeleteSecret", "deleted", RecoveryWindowInDays=7, refused=True),
            _call("RestoreSecret", "deleted"),
            _call("DeleteSecret", "deleted", ForceDeleteWithoutRecovery=True),
            Step(
                "secretsmanager",
                "CreateSecret",
                {"Name": named("deleted"), "SecretString": "<value>"},
                until="ARN",
            ),
        ),
    ),
    Belief(
        "other-key",
        "UpdateSecret to another key encrypts the labelled versions anew, and no others",
        f"{_API}API_UpdateSecret.html",
        (
            key("moved"),
            Step("kms", "DescribeKey", {"KeyId": "<moved>"}, until=DONE),
            secret("moved"),
            described("moved"),
            _call("PutSecretValue", "moved", ClientRequestToken=_TOKEN, SecretString="<other>"),
            _call("PutSecretValue", "moved", ClientRequestToken=_SECOND_TOKEN, SecretString="<value>"),
            _call("UpdateSecret", "moved", KmsKeyId="<moved>", until=DONE),
            _keys_of_versions("moved"),
        ),
    ),
)
