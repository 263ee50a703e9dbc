"""The command line; the only place that prints."""

from secrets_pipeline.cli.app import app, main

__all__ = ["app", "main"]
