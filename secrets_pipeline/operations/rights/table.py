"""Say which permissions the pipeline needs: for what, on what, under which condition.

An action has the name of the operation that needs it; where it has not, its row says of which it is. Source:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from typing import Final

from secrets_pipeline.operations.rights.component_rows import ATTACH, DATABASES, DELIVERY, ROTATION
from secrets_pipeline.operations.rights.model import Right
from secrets_pipeline.operations.rights.secret_rows import EVERYTHING, KEYS, PARAMETERS, PRUNE, STATES
from secrets_pipeline.operations.rights.settings_rows import ALERTS, AUDITS, EVENTS, ROLES, STORES

RIGHTS: Final[tuple[Right, ...]] = (
    *EVERYTHING,
    *PRUNE,
    *KEYS,
    *ROLES,
    *PARAMETERS,
    *STATES,
    *DATABASES,
    *ROTATION,
    *ATTACH,
    *DELIVERY,
    *AUDITS,
    *EVENTS,
    *ALERTS,
    *STORES,
)
"""The whole table, in the order of docs/security.md."""
