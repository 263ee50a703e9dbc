"""This checkout as a Dagster code location; the environment says which repository and which settings it serves.

A `defs.yaml` would do the same, and have Dagster import and describe every component that is installed.
"""

from secrets_pipeline.orchestration import SecretsPipelineComponent

defs = SecretsPipelineComponent().code_location()
