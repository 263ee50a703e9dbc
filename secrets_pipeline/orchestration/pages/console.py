"""Link what an asset is about to the AWS console, in the account's partition and region."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, urlsplit

from secrets_pipeline.arn import Arn
from secrets_pipeline.orchestration.pages.lines import common_folder
from secrets_pipeline.reconcilers.stack import Stack

_DOMAINS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "aws": "console.aws.amazon.com",
        "aws-cn": "console.amazonaws.cn",
        "aws-us-gov": "console.amazonaws-us-gov.com",
    }
)
"""Source: https://docs.aws.amazon.com/awsconsolehelpdocs/latest/gsg/getting-started.html and botocore's partitions."""
_SECRETS = "secretsmanager/listsecrets?region={region}&search=all%3D{search}"
_PAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "kms_keys": "kms/home?region={region}#/kms/keys",
        "secrets": _SECRETS,
        "rds_instances": "rds/home?region={region}#databases:",
        "rds_endpoints": "rds/home?region={region}#databases:",
        "connection_secrets": _SECRETS,
        "secret_policies": _SECRETS,
        "rotation_functions": "lambda/home?region={region}#/functions",
        "rotation_event_queue": "sqs/v3/home?region={region}#/queues",
        "secret_rotation": _SECRETS,
        "secret_replicas": _SECRETS,
        "consumer_policies": "iam/home#/roles",
        "consumer_arns": "systems-manager/parameters?region={region}",
        "consumer_refresh": "ecs/v2/clusters?region={region}",
    }
)


def console_link(stack: Stack, asset: str) -> str:
    """Return the URL of the console page of what an asset is about; empty where it has none, or AWS is not AWS's own.

    Args:
        stack: whose account and region.
        asset: its name.
    """
    page, domain = _PAGES.get(asset), _DOMAINS.get(stack.account.partition)
    if page is None or domain is None or not has_console(stack):
        return ""
    region = stack.account.region
    search = quote(common_folder(stack.spec).rstrip("/"), safe="")
    return f"https://{region}.{domain}/{page.format(region=region, search=search)}"


def secret_link(arn: Arn, name: str) -> str:
    """Return the URL of a secret's console page; empty if its partition has no known console.

    Args:
        arn: of the secret.
        name: of the secret.
    """
    domain = _DOMAINS.get(arn.partition)
    if domain is None:
        return ""
    return f"https://{arn.region}.{domain}/secretsmanager/secret?name={quote(name, safe='')}&region={arn.region}"


def has_console(stack: Stack) -> bool:
    """Tell whether it is AWS that answers: what an emulator holds has no page in the console."""
    host = urlsplit(stack.account.client("sts").meta.endpoint_url).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn"))
