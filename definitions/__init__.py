"""The Dagster code location: assets, checks, jobs and sensors over `secrets_pipeline`, one partition a stack."""

from definitions.build import build_definitions

defs = build_definitions()
