"""Atmos repository in, resolved stacks out: the stack-manifest language of Atmos. Pure."""

from secrets_pipeline.stacks.components.model import Component, Included, Resolution, Stack
from secrets_pipeline.stacks.config.config_values import CONFIG_VARIABLES
from secrets_pipeline.stacks.files.readable import OUTSIDE, Unreadable, read_text, readable_problem, real_name
from secrets_pipeline.stacks.sources.repository import Repository
from secrets_pipeline.stacks.sources.source import Origin, StackSource, open_source
from secrets_pipeline.stacks.texts import texts

__all__ = [
    "CONFIG_VARIABLES",
    "OUTSIDE",
    "Component",
    "Included",
    "Origin",
    "Repository",
    "Resolution",
    "Stack",
    "StackSource",
    "Unreadable",
    "open_source",
    "read_text",
    "readable_problem",
    "real_name",
    "texts",
]
