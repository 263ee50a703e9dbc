"""The assets, in the order in which a run applies them."""

from definitions.assets.configuration import generated_passwords, stack_config
from definitions.assets.consumers import APPLIED, consumer_arns, consumer_refresh, stack_report
from definitions.assets.provisioning import connection_secrets, rds_endpoints, secrets

ASSETS = (stack_config, generated_passwords, *APPLIED, stack_report)

FOLLOWING = (secrets, rds_endpoints, connection_secrets, consumer_arns, consumer_refresh, stack_report)
"""What has to be done again when a secret was rotated or a database moved; no other change of the YAML is applied.

A value that is rendered from others may be of either stage.
"""
