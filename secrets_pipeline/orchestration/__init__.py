"""Use Dagster, a folder a domain; `dg` finds the component here (entry point `dagster_dg_cli.registry_modules`)."""

from secrets_pipeline.orchestration.component import SecretsPipelineComponent

__all__ = ["SecretsPipelineComponent"]
