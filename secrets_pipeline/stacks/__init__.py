"""Atmos repository in, resolved stacks out: the stack-manifest language of Atmos. Pure."""

from secrets_pipeline.stacks.markers import FunctionCall
from secrets_pipeline.stacks.model import Component, Resolution, Stack
from secrets_pipeline.stacks.repository import Repository

__all__ = ["Component", "FunctionCall", "Repository", "Resolution", "Stack"]
