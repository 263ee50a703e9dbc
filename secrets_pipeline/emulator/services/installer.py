"""Install the corrections of a service when it is first needed: the imports of some cost a second.

IAM, STS, Secrets Manager, KMS and Lambda come first, together, since other services call them, and CloudTrail, which is
told of calls.
"""

from __future__ import annotations

import importlib
from threading import Lock

from secrets_pipeline.emulator.services import moto_core

_PACKAGE = "secrets_pipeline.emulator.services"
EAGER = ("iam", "sts", "kms", "lambda_", "secretsmanager", "cloudtrail")
# Service, as moto names it, to module.
LAZY = {
    "events": "events",
    "ec2": "ec2",
    "ecs": "ecs",
    "apigateway": "apigateway",
    "rds": "rds",
    "organizations": "organizations",
    "sns": "sns",
    "sqs": "sqs",
    "ssm": "ssm",
}
_lock = Lock()
_installed: set[str] = set()


def _once(module: str) -> None:
    with _lock:
        if module not in _installed:
            importlib.import_module(f"{_PACKAGE}.{module}").install()
            _installed.add(module)


def install_eager() -> None:
    """Install what every run needs."""
    moto_core.install()
    for module in EAGER:
        _once(module)


def install(service: str) -> None:
    """Install the correction of a service, if it has one that is not installed yet."""
    if service in LAZY:
        _once(LAZY[service])
