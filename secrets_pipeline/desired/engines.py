"""Name the RDS engines whose databases are clusters."""

from __future__ import annotations

from typing import Final

CLUSTERS: Final = ("aurora-postgresql", "aurora-mysql")
"""Source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html (Engine)."""


def is_cluster(engine: str) -> bool:
    """Whether a database of this engine is an Aurora cluster, not a single instance."""
    return engine in CLUSTERS
