"""Decide who may do what in the embedded AWS, by the same evaluator that judges real accounts.

Secrets Manager asks by itself, since it knows the secret; what else is called is judged before moto performs it.
"""

from secrets_pipeline.emulator.enforcement.callers import identify
from secrets_pipeline.emulator.enforcement.guard import refuse_unauthorized
from secrets_pipeline.emulator.enforcement.secrets import SecretsAccess

__all__ = ["SecretsAccess", "identify", "refuse_unauthorized"]
