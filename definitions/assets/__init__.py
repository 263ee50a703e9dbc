"""The assets, in the order in which a run applies them."""

from definitions.assets.configuration import generated_passwords, stack_config
from definitions.assets.consumers import APPLIED, consumer_arns, stack_report

ASSETS = (stack_config, generated_passwords, *APPLIED, stack_report)

__all__ = ["APPLIED", "ASSETS", "consumer_arns", "generated_passwords", "stack_config", "stack_report"]
