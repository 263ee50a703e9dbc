"""Read RDS instances and Aurora clusters by DescribeDBInstances and DescribeDBClusters, a page of each, once a run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import pages
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.reconcilers.observed.database_search import Search, is_tagged_as, search
from secrets_pipeline.reconcilers.observed.database_state import DatabaseState, cluster_state, instance_state
from secrets_pipeline.reconcilers.observed.login import ServerTrust
from secrets_pipeline.rotation_lambda.tls import is_loopback


class DatabaseInventory:
    """Reads the databases of one account and region.

    Args:
        account: whose AWS.
    """

    def __init__(self, account: AwsAccount) -> None:
        self._account = account
        self._lock = threading.RLock()
        self._instances: dict[str, DatabaseState] | None = None
        self._clusters: dict[str, DatabaseState] | None = None
        self._is_marked: Callable[[DatabaseSpec, DatabaseState], bool] = _is_tagged

    def recognise_marks(self, is_marked: Callable[[DatabaseSpec, DatabaseState], bool]) -> None:
        """Believe only marks that are verified; before this call, tags that name stack and component count as a mark.

        Args:
            is_marked: whether the mark of a database proves that it is the component's.
        """
        self._is_marked = is_marked

    def find(self, database: DatabaseSpec) -> DatabaseState | None:
        """Find the instance or cluster of a component; None if there is none, or if several may be meant."""
        if database.identifier is None:
            return self.search(database).found
        known, other = self.instances, self.clusters
        if database.is_cluster:
            known, other = other, known
        found = known().get(database.identifier)
        return found if found is not None or database.engine_known else other().get(database.identifier)

    def search(self, database: DatabaseSpec) -> Search:
        """Look for the database of a component by its mark, name and tags, whatever identifier the component names."""
        both = not database.engine_known
        instances = self.instances().values() if both or not database.is_cluster else ()
        clusters = self.clusters().values() if both or database.is_cluster else ()
        return search(database, (*instances, *clusters), lambda state: self._is_marked(database, state))

    def instances(self) -> Mapping[str, DatabaseState]:
        """Read every instance by DescribeDBInstances, by identifier."""
        with self._lock:
            if self._instances is None:
                with calling("DescribeDBInstances", "of the account"):
                    entries = pages(self._account.client("rds"), "describe_db_instances")
                    states = [instance_state(entry) for entry in entries]
                self._instances = {state.identifier: state for state in states}
            return self._instances

    def clusters(self) -> Mapping[str, DatabaseState]:
        """Read every cluster with its instances by DescribeDBClusters; not asked for where no component is one."""
        with self._lock:
            if self._clusters is None:
                with calling("DescribeDBClusters", "of the account"):
                    entries = list(pages(self._account.client("rds"), "describe_db_clusters"))
                states = [cluster_state(entry, self.instances()) for entry in entries]
                self._clusters = {state.identifier: state for state in states}
            return self._clusters

    def trust(self, host: str) -> ServerTrust:
        """Tell which server may answer at a host that RDS reports.

        Only the embedded AWS, whose own API is on this host, has databases on this host.
        """
        api = urlsplit(self._account.client("rds").meta.endpoint_url).hostname or ""
        return ServerTrust.EMBEDDED if is_loopback(host) and is_loopback(api) else ServerTrust.RDS

    def subnet_groups(self) -> frozenset[str]:
        """Read the names of all subnet groups by DescribeDBSubnetGroups; not kept."""
        with calling("DescribeDBSubnetGroups", "of the account"):
            entries = pages(self._account.client("rds"), "describe_db_subnet_groups")
            return frozenset(entry["DBSubnetGroupName"] for entry in entries)

    def forget(self) -> None:
        """Read everything again next time."""
        with self._lock:
            self._instances = self._clusters = None


def _is_tagged(database: DatabaseSpec, state: DatabaseState) -> bool:
    return is_tagged_as(database.traits, state)
