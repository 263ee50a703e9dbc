"""Tell which secrets lack a value that somebody else brings, and how to put it there.

CreateSecret without SecretString and SecretBinary makes a secret without a version; the first PutSecretValue makes it
AWSCURRENT.
Sources: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html and
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.engine.reason import Remark

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.observed.secret_state import SecretState
    from secrets_pipeline.reconcilers.stack import Stack

NO_VALUE_YET = "has no value yet, which somebody else brings"


def put_command(name: str, region: str) -> str:
    """Write the command line that puts a value into a secret; the value is in a file, and not in the shell's history.

    Source: https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-parameters-file.html
    """
    return (
        f"aws secretsmanager put-secret-value --region {region} --secret-id {shlex.quote(name)} "
        "--secret-string file://FILE"
    )


def lacks_its_value(secret: SecretSpec, state: SecretState | None) -> bool:
    """Whether a secret waits for a value that somebody else brings."""
    return secret.external and (state is None or state.current_version is None)


def value_missing(stack: Stack, secret: SecretSpec) -> Remark:
    """Say that a value is missing, and how to put it there."""
    missing = f"{missing_required(secret.required_as)}: it " if secret.required_as else ""
    return Remark(f"{missing}{NO_VALUE_YET}", put_command(secret.name, stack.account.region))


def missing_required(title: str) -> str:
    """Name a required secret that is missing, as `atmos secret validate` does (Atmos `cmd/secret/validate.go`)."""
    return f"missing required secret {title}"
