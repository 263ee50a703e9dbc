"""Moto made to behave like AWS: one module per corrected service, each with the list of what it corrects."""

from secrets_pipeline.emulator.services.installer import install, install_eager
from secrets_pipeline.emulator.services.settings import Settings, configure

__all__ = ["Settings", "configure", "install", "install_eager"]
