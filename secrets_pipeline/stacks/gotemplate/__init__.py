"""Go's text/template: parsed once, rendered with plain Python values and functions."""

from secrets_pipeline.stacks.gotemplate.failure import FunctionFailure, TemplateError
from secrets_pipeline.stacks.gotemplate.template import DELIMITERS, Template, parse, render
from secrets_pipeline.stacks.gotemplate.values import Function, Missing, Namespace

__all__ = [
    "DELIMITERS",
    "Function",
    "FunctionFailure",
    "Missing",
    "Namespace",
    "Template",
    "TemplateError",
    "parse",
    "render",
]
