"""Who takes part in a seed beside applies, humans and AWS's own rotations: not everybody in every seed."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Reach:
    """Who takes part.

    Attributes:
        managed: the managed rotation function, in the place of one of AWS's templates.
        events: EventBridge, the queue, the sensor, and the runs that it asks for.
        replicas: secrets are replicated to other regions.
        consumers: a Lambda function and an ECS service read secrets.
    """

    managed: bool
    events: bool
    replicas: bool
    consumers: bool

    @classmethod
    def draw(cls, rng: random.Random) -> Reach:
        """Draw it; a sixth of the seeds has none of them."""
        return cls(*(rng.random() < share for share in (0.4, 0.35, 0.35, 0.35)))


NOBODY = Reach(managed=False, events=False, replicas=False, consumers=False)
