"""Judge SecretsManager.5: does the secret have the tags that it should have?

AWS ignores system tags, which begin with `aws:`. Here the pipeline's own tags are ignored as well: every secret that it
made has them, so they say nothing of an owner, and the control could never fail. Security Hub itself counts them.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/secretsmanager-controls.html#secretsmanager-5
"""

from __future__ import annotations

from typing import Final

from secrets_pipeline.access.controls.model import Control, Failed, Judgement, Passed, Question, Severity
from secrets_pipeline.desired.tags import RESERVED_PREFIXES

TAGGED: Final = Control(
    id="SecretsManager.5",
    title="Secrets Manager secrets should be tagged",
    severity=Severity.LOW,
    config_rule="tagged-secretsmanager-secret",
    parameter="requiredTagKeys",
)


def is_tagged(asked: Question) -> Judgement:
    """Whether a secret has tags: the required keys, case-sensitive, or any."""
    required = asked.parameters.required_tag_keys
    keys = {key for key in asked.secret.tags if not key.lower().startswith(RESERVED_PREFIXES)}
    missing = [key for key in required if key not in keys]
    if missing:
        return Failed(f"it has no tag {', '.join(missing)}")
    if not keys:
        return Failed("it has no tags but those of AWS and of the pipeline")
    return Passed(f"it has the tags {', '.join(required or sorted(keys))}")
