"""Tell whether a version became AWSCURRENT because the pipeline wrote it, or because somebody went back to it."""

from __future__ import annotations

from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.reconcilers.observed.secret_state import PREVIOUS, SecretState
from secrets_pipeline.reconcilers.observed.secrets import version_dates
from secrets_pipeline.reconcilers.tag_keys import VALUE_VERSION


def written_versions(state: SecretState) -> frozenset[str]:
    """List the versions that the pipeline noted as written by it; the proof beside each matters only to what writes."""
    return frozenset(text.partition(".")[0] for text in state.tags.get(VALUE_VERSION, "").split())


def is_own_write(account: AwsAccount, state: SecretState, version: str) -> bool:
    """Tell whether a version of a secret became current by a write of the pipeline's, which needs nobody to follow it.

    A write makes its version after the one that it replaces. A version that is older than AWSPREVIOUS, which takes the
    place of what was AWSCURRENT, was made current again by somebody else; the tag that says who wrote it stays.
    Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html

    Args:
        account: of the secret.
        state: the secret as DescribeSecret shows it.
        version: id of the version that an event tells of.

    Raises:
        AwsError: if Secrets Manager refuses ListSecretVersionIds, which is called where the two have to be compared.
    """
    if version not in written_versions(state):
        return False
    previous = state.version(PREVIOUS)
    if previous is None or version != state.current_version:
        return True
    made = version_dates(account, state)
    return version in made and previous in made and made[version] >= made[previous]
