"""Run the command line `secrets-pipeline`; nothing else prints."""

from secrets_pipeline.cli.app import app, main

__all__ = ["app", "main"]
