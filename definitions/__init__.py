"""This checkout as a Dagster code location; ATMOS_BASE_PATH says which repository, SECRETS_PIPELINE_CONFIG which settings.

A `defs.yaml` would do the same, and have Dagster import and describe every component that is installed.
"""

from secrets_pipeline.orchestration import SecretsPipelineComponent

defs = SecretsPipelineComponent().definitions()
