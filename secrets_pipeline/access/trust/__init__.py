"""Trust: whether what runs a consumer may assume its role, and who else may. Pure."""

from secrets_pipeline.access.trust.consumer import trusted
from secrets_pipeline.access.trust.role import Surroundings
from secrets_pipeline.access.trust.verdict import (
    AudienceNotPinned,
    NotTrusted,
    TooWide,
    Trust,
    Trusted,
    TrustUnknown,
    TrustWarning,
)

__all__ = [
    "AudienceNotPinned",
    "NotTrusted",
    "Surroundings",
    "TooWide",
    "Trust",
    "TrustUnknown",
    "TrustWarning",
    "Trusted",
    "trusted",
]
