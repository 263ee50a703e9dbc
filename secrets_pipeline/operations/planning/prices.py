"""Estimate what the resources of a plan cost a month. Pure.

AWS's prices differ by region. These are the published ones of us-east-1, per month and without requests:

- Secrets Manager: $0.40 a secret, and $0.40 a replica; a secret that is scheduled for deletion costs nothing
  (https://aws.amazon.com/secrets-manager/pricing/).
- KMS: $1 for each key that you create, HMAC keys included; a key that is scheduled for deletion costs nothing
  (https://aws.amazon.com/kms/pricing/). Each of the first two rotations of a key adds $1 a month, which is not counted.

RDS bills a database by its instance class and storage (https://aws.amazon.com/rds/pricing/): no number is given for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from secrets_pipeline.engine.model import Change, ChangeClass

_DOLLARS: Final = {"secret": 0.40, "replica": 0.40, "kms-key": 1.00}
_MORE: Final = {ChangeClass.CREATE: 1, ChangeClass.RESTORE: 1, ChangeClass.REPLICATE: 1, ChangeClass.PRUNE: -1}
_DATABASE: Final = "database"


def dollars_a_month(change: Change) -> float:
    """Return the list price of a change's resource a month, in US dollars; 0 for whatever has no price of its own."""
    return _DOLLARS.get(change.resource.kind, 0.0) * change.quantity


@dataclass(frozen=True, slots=True)
class Costs:
    """Change of the monthly bill by a plan.

    Attributes:
        dollars: a month, in US dollars; negative if the plan deletes more than it creates.
        databases: number of databases that it creates; RDS bills each by instance class and storage.
    """

    dollars: float
    databases: int = 0

    @classmethod
    def of(cls, changes: Iterable[Change]) -> Costs:
        """Add up what an apply would make and delete; a change that waits for AWS counts."""
        every = list(changes)
        dollars = sum(_MORE.get(one.action, 0) * dollars_a_month(one) for one in every)
        made = [one for one in every if one.resource.kind == _DATABASE and one.action is ChangeClass.CREATE]
        return cls(round(dollars, 2), len(made))

    def __str__(self) -> str:
        """Write one clause, for example `costs about $2.80 a month more (list price of us-east-1)`; empty for none."""
        said = []
        if self.dollars:
            more = "more" if self.dollars > 0 else "less"
            said.append(f"costs about ${abs(self.dollars):.2f} a month {more} (list price of us-east-1)")
        if self.databases:
            what = "the database" if self.databases == 1 else f"{self.databases} databases"
            said.append(f"{'' if said else 'costs '}what RDS charges for the instance class and storage of {what}")
        return ", and ".join(said)
