"""Define the Dagster code location of an installed wheel; the environment says which repository it serves."""

from secrets_pipeline.orchestration.component import SecretsPipelineComponent

defs = SecretsPipelineComponent().code_location()
