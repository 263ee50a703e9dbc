"""This checkout as a Dagster code location."""

from secrets_pipeline.orchestration.code_location import defs

__all__ = ["defs"]
