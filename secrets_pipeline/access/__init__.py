"""Policy documents: the statements that readers need, and when two documents say the same."""

from secrets_pipeline.access.documents import canonical, same_policy
from secrets_pipeline.access.statements import key_policy, secret_policy

__all__ = ["canonical", "key_policy", "same_policy", "secret_policy"]
