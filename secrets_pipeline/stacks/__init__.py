"""Atmos repository in, resolved stacks out: the stack-manifest language of Atmos. Pure."""

from secrets_pipeline.stacks.markers import FunctionCall
from secrets_pipeline.stacks.model import Component, Resolution, Stack
from secrets_pipeline.stacks.repository import Repository
from secrets_pipeline.stacks.source import Origin, StackSource, open_source

__all__ = [
    "Component",
    "FunctionCall",
    "Origin",
    "Repository",
    "Resolution",
    "Stack",
    "StackSource",
    "open_source",
]
