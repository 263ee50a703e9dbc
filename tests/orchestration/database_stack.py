"""A stack with a database, its password, and a secret that says where it is."""

from __future__ import annotations

from typing import Any

from secrets_pipeline.emulator import LocalAws


def database_stack(stack: str, aws: LocalAws) -> dict[str, dict[str, Any]]:
    """Return the variables of its components."""
    where = {"environment": "dev", "region": aws.region, "account_id": aws.account_id}
    owner = {
        "generate_random_password": True,
        "engine": "postgres",
        "username": "owner",
        "type": "credentials",
        "dbname": "orders",
    }
    connection = {"secret_data": {"host": "${output.rds.address}", "port": "${output.rds.port}"}}
    return {
        "secretsmanager": {
            **where,
            "context_name": stack,
            "secrets": {"owner": owner, "connection": connection},
        },
        "rds": {
            **where,
            "identifier": stack,
            "engine": "postgres",
            "db_name": "orders",
            "username": "owner",
            "password": "${output.secretsmanager.generated_passwords.owner}",
        },
    }
