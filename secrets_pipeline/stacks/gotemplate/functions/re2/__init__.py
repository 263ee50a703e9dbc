"""Go's regular expressions: RE2's syntax, matched in time linear in the text."""

from secrets_pipeline.stacks.gotemplate.functions.re2.matching import Expression, compile_expression, quote_meta
from secrets_pipeline.stacks.gotemplate.functions.re2.nodes import SyntaxFailure

__all__ = ["Expression", "SyntaxFailure", "compile_expression", "quote_meta"]
