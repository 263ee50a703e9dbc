"""Write the text of an error so that it is safe to print, log and store."""

from __future__ import annotations

from secrets_pipeline.aws.faults import explained
from secrets_pipeline.errors import SecretsPipelineError


def scrubbed(error: BaseException) -> str:
    """What may be said of an error: ours in full, botocore's without parameters, any other by its type alone."""
    if isinstance(error, SecretsPipelineError):
        return error.diagnostics()
    return explained(error) or type(error).__name__
