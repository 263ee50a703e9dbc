"""Gomplate v3's functions and the namespaces that they are in."""

from secrets_pipeline.stacks.gotemplate.functions.namespaces.library import gomplate

__all__ = ["gomplate"]
