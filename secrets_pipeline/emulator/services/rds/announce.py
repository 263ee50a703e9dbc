"""Tell EventBridge of instances and clusters, as RDS does.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from moto.rds.models import DBCluster, DBInstance

from secrets_pipeline.arn import Arn
from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.core.event_bus import BUS, Event


class RdsEvent(NamedTuple):
    """A kind of event.

    Attributes:
        number: of `RDS-EVENT-0005`, for example.
        category: EventCategories has this one.
        text: the sentence.
    """

    number: int
    category: str
    text: str


CREATED = RdsEvent(5, "creation", "DB instance created")
RESTORED = RdsEvent(43, "restoration", "Restored from snapshot")
RESTORED_TO_A_TIME = RdsEvent(19, "restoration", "Restored from DB instance to a point in time")
STARTED = RdsEvent(88, "notification", "DB instance started")
STOPPED = RdsEvent(87, "notification", "DB instance stopped")
DELETED = RdsEvent(3, "deletion", "DB instance deleted")
PASSWORD_SET = RdsEvent(16, "configuration change", "Reset master credentials")
CLUSTER_CREATED = RdsEvent(170, "creation", "DB cluster created")
CLUSTER_STARTED = RdsEvent(151, "notification", "DB cluster started")
CLUSTER_STOPPED = RdsEvent(150, "notification", "DB cluster stopped")
CLUSTER_DELETED = RdsEvent(171, "notification", "DB cluster deleted")
CLUSTER_PASSWORD_SET = RdsEvent(16, "configuration change", "Reset master credentials")


def tell(database: DBInstance | DBCluster, message: RdsEvent) -> None:
    """Tell of an instance or a cluster: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-cloud-watch-events.html."""
    of_cluster = isinstance(database, DBCluster)
    arn = str(database.db_cluster_arn if isinstance(database, DBCluster) else database.db_instance_arn)
    named = Arn.parse(arn)
    now = CLOCK.now()
    detail = {
        "EventCategories": [message.category],
        "SourceType": "CLUSTER" if of_cluster else "DB_INSTANCE",
        "SourceArn": arn,
        "Date": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "Message": message.text,
        "SourceIdentifier": named.name,
        "EventID": f"RDS-EVENT-{message.number:04}",
    }
    kind = "RDS DB Cluster Event" if of_cluster else "RDS DB Instance Event"
    BUS.put(Event(named.account_id, named.region, "aws.rds", kind, detail, (arn,), now))
