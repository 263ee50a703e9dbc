"""Policy documents: the statements that readers need, whom documents name, and when two say the same."""

from secrets_pipeline.access.documents import canonical, compact, same_policy
from secrets_pipeline.access.mentions import principals
from secrets_pipeline.access.statements import key_policy, secret_policy

__all__ = ["canonical", "compact", "key_policy", "principals", "same_policy", "secret_policy"]
