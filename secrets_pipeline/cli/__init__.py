"""Run the command line `secrets-pipeline`; nothing else prints."""

from secrets_pipeline.cli.start import main

__all__ = ["main"]
