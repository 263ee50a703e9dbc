"""Beliefs about KMS: when a new key and a new alias can be used, and which error an unknown key is."""

from __future__ import annotations

from secrets_pipeline.operations.experiment.beliefs.model import DONE, NOWHERE, Belief, key, named
from secrets_pipeline.operations.experiment.contract import Step, Template
from secrets_pipeline.operations.experiment.removal import PREFIX

_SOURCE = "https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html#programming-eventual-consistency"
_CREATE = "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html"
_KEY, _ALIAS = "CreateKey to the key", "CreateAlias to the alias"


def _alias(what: str) -> str:
    return f"alias/{PREFIX}<run>-{what}"


def _named(what: str) -> Step:
    return Step("kms", "CreateAlias", {"AliasName": _alias(what), "TargetKeyId": f"<{what}>"}, until=DONE)


def _data_key(name: str, measures: str) -> Step:
    return Step("kms", "GenerateDataKey", {"KeyId": name, "KeySpec": "AES_256"}, until="KeyId", measures=measures)


def _under(what: str, name: Template, *, refused: bool = False) -> Step:
    return Step(
        "secretsmanager",
        "CreateSecret",
        {"Name": named(what), "SecretString": "<value>", "KmsKeyId": name},
        until="" if refused else "ARN",
        refused=refused,
        measures="" if refused else _KEY,
    )


BELIEFS = (
    Belief(
        "new-key",
        "KMS may not know a key that was just made, nor its alias",
        _SOURCE,
        (key("fresh"), _data_key("<fresh>", _KEY), _named("fresh"), _data_key(_alias("fresh"), _ALIAS)),
    ),
    Belief(
        "new-mac-key",
        "GenerateMac may not know a key that was just made",
        _SOURCE,
        (
            key("mac", KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC"),
            Step(
                "kms",
                "GenerateMac",
                {"KeyId": "<mac>", "Message": "doctor", "MacAlgorithm": "HMAC_SHA_256"},
                until="MacAlgorithm",
                measures=_KEY,
            ),
        ),
    ),
    Belief(
        "new-key-of-a-secret",
        "CreateSecret may refuse a key that was just made, with the code of one that does not exist",
        _CREATE,
        (
            _under("keyless", NOWHERE, refused=True),
            _under("keyless", f"alias/{PREFIX}<run>-nowhere", refused=True),
            key("young"),
            _under("young", "<young>"),
        ),
    ),
)
