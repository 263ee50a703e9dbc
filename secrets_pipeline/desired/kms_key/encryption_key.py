"""Read which KMS key encrypts a secret, as the YAML names it.

Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html (KmsKeyId)
"""

from __future__ import annotations

import re

from secrets_pipeline.arn import Arn
from secrets_pipeline.desired.base import Late
from secrets_pipeline.desired.limits import ALIAS, KEY_ARN, KEY_ID
from secrets_pipeline.desired.reading.inputs import Inputs
from secrets_pipeline.desired.reading.target import UNKNOWN_REGION

_DEFAULT_KEY = re.compile(r"(arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:)?alias/aws/secretsmanager")
KEY = re.compile(f"{KEY_ARN.pattern}|{KEY_ID.pattern}|{ALIAS.pattern}|{_DEFAULT_KEY.pattern}")
EXAMPLE_KEY = "arn:aws:kms:eu-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def encryption_key(inputs: Inputs, key: str, default: Late | None, *, region: str) -> Late | None:
    """The key under `key`, None for `aws/secretsmanager`; what is wrong is collected.

    Args:
        inputs: of the component, or of one secret.
        key: its name there.
        default: where there is none.
        region: of the stack; Secrets Manager takes keys of its own region only.
    """
    named = inputs.late(key, default, pattern=KEY, example=EXAMPLE_KEY)
    if not isinstance(named, str):
        return named
    if _DEFAULT_KEY.fullmatch(named):
        return None
    if inputs.has(key) and KEY_ARN.fullmatch(named) and region != UNKNOWN_REGION:
        there = Arn.parse(named).region
        if there != region:
            inputs.error(
                key,
                f"{key} names a key in {there}, but the secret is in {region}",
                f"Name a key of {region}; a multi-Region key has a replica, with an ARN of its own, in each region.",
            )
    return named
