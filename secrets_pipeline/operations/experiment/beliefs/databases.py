"""Beliefs about RDS: the states in which a new password and tags are refused, and how long each lasts."""

from __future__ import annotations

from secrets_pipeline.operations.experiment.beliefs.model import Belief, named
from secrets_pipeline.operations.experiment.contract import Step

_SOURCE = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html"
_NAME = named("db")
_TAGGED = {"ResourceName": f"<arn>:rds:<region>:<account>:db:{_NAME}", "Tags": [{"Key": "doctor", "Value": "1"}]}
_PENDING = "keys(DBInstances[0].PendingModifiedValues || `{}`)"


def _status(measures: str, seconds: float) -> Step:
    return Step(
        "rds",
        "DescribeDBInstances",
        {"DBInstanceIdentifier": _NAME},
        until=f"DBInstances[0].DBInstanceStatus == 'available' && length({_PENDING}) == `0`",
        seconds=seconds,
        shows={"status": "DBInstances[0].DBInstanceStatus", "pending": _PENDING},
        measures=measures,
    )


def _modify(value: str) -> Step:
    return Step(
        "rds",
        "ModifyDBInstance",
        {"DBInstanceIdentifier": _NAME, "MasterUserPassword": value, "ApplyImmediately": True},
        shows={"status": "DBInstance.DBInstanceStatus", "pending": "keys(DBInstance.PendingModifiedValues || `{}`)"},
        refused=True,
    )


_TAG = Step("rds", "AddTagsToResource", _TAGGED, refused=True)

BELIEFS = (
    Belief(
        "database-states",
        "A database is creating for minutes, resetting-master-credentials for up to some, and refuses tags and another "
        "password meanwhile",
        _SOURCE,
        (
            Step(
                "rds",
                "CreateDBInstance",
                {
                    "DBInstanceIdentifier": _NAME,
                    "DBInstanceClass": "db.t4g.micro",
                    "Engine": "postgres",
                    "AllocatedStorage": 20,
                    "MasterUsername": "doctor",
                    "MasterUserPassword": "<value>",
                    "PubliclyAccessible": False,
                    "StorageEncrypted": True,
                    "BackupRetentionPeriod": 0,
                },
                shows={"status": "DBInstance.DBInstanceStatus"},
            ),
            _TAG,
            _modify("<other>"),
            _status("database creating", 1800),
            _TAG,
            _modify("<other>"),
            _TAG,
            _modify("<value>"),
            _status("database resetting-master-credentials", 600),
        ),
        needs="database",
    ),
)
