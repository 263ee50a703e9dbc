"""Atmos repository in, resolved stacks out: the stack-manifest language of Atmos. Pure."""

from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.stacks.config_values import CONFIG_VARIABLES
from secrets_pipeline.stacks.model import Component, Included, Resolution, Stack
from secrets_pipeline.stacks.readable import OUTSIDE, Unreadable, read_text, readable_problem, real_name
from secrets_pipeline.stacks.repository import Repository
from secrets_pipeline.stacks.source import Origin, StackSource, open_source
from secrets_pipeline.stacks.texts import texts

__all__ = [
    "CONFIG_VARIABLES",
    "OUTSIDE",
    "Component",
    "FunctionCall",
    "Included",
    "Origin",
    "Repository",
    "Resolution",
    "Stack",
    "StackSource",
    "Unreadable",
    "Value",
    "open_source",
    "read_text",
    "readable_problem",
    "real_name",
    "texts",
]
