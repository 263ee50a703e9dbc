"""List the assets in the order in which a run applies them, and those that follow a rotation."""

from secrets_pipeline.orchestration.provisioning.assets import STAGE_ASSETS
from secrets_pipeline.orchestration.provisioning.configuration import generated_passwords, stack_config
from secrets_pipeline.orchestration.provisioning.report import stack_report

ASSETS = (stack_config, generated_passwords, *STAGE_ASSETS.values(), stack_report)

_FOLLOWING = ("secrets", "rds_endpoints", "connection_secrets", "consumer_arns", "consumer_refresh")
FOLLOWING = (*(STAGE_ASSETS[name] for name in _FOLLOWING), stack_report)
"""What has to be done again when a secret was rotated or a database moved; no other change of the YAML is applied.

A value that is rendered from others may be of either stage.
"""
