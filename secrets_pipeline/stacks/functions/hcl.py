"""Parse HCL attributes (`.tfvars`, `.hcl`, `.tf`) into values: literals, lists and objects, nothing to compute.

Atmos evaluates such a file without variables and functions, and refuses blocks (Atmos `pkg/filetype/filetype.go`).
"""

from __future__ import annotations

import math
import re
from typing import Final

import hcl2
from hcl2.rules.abstract import LarkToken
from hcl2.rules.base import AttributeRule, BlockRule, BodyRule
from hcl2.rules.containers import ObjectElemKeyRule, ObjectRule, TupleRule
from hcl2.rules.expressions import ExprTermRule, UnaryOpRule
from hcl2.rules.literal_rules import FloatLitRule, IdentifierRule, IntLitRule, LiteralValueRule
from hcl2.rules.strings import HeredocTemplateRule, HeredocTrimTemplateRule, StringRule
from lark.exceptions import LarkError, UnexpectedInput

from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.nesting import NestingError, require_depth

_CONSTANTS: Final = {"true": True, "false": False, "null": None}
_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.?))", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_MOST_DIGITS: Final = 400  # far less than Python converts
_TEMPLATE: Final = re.compile(r"([$%])(\1?)\{")


class HclError(ValueError):
    """Text is not HCL, or not only attributes with literal values."""


def parse(text: str) -> dict[str, Value]:
    """Parse the attributes of an HCL file.

    A number keeps its fraction, which Atmos cuts off.

    Raises:
        HclError: for a syntax error, a block, an attribute or key that is set twice, or a value that is not a literal.
        NestingError: if it is nested too deeply.
    """
    try:
        attributes = _attributes(hcl2.parses(text).body)
    except UnexpectedInput as error:
        raise HclError(f"invalid HCL in line {error.line}, column {error.column}") from None
    except LarkError as error:
        raise HclError(f"invalid HCL: {type(error).__name__}") from None
    except RecursionError:
        raise NestingError from None
    require_depth(attributes)
    return attributes


def _attributes(body: BodyRule) -> dict[str, Value]:
    attributes: dict[str, Value] = {}
    for child in body.children:
        if isinstance(child, BlockRule):
            raise HclError(f"unsupported HCL block {child.labels[0].serialize()!r}: only attributes can be included")
        if isinstance(child, AttributeRule):
            name = str(child.identifier.serialize())
            _set(attributes, name, _value(child.expression, name), name)
    return attributes


def _set(values: dict[str, Value], key: str, value: Value, attribute: str) -> None:
    if key in values:
        raise HclError(f"HCL attribute {attribute!r} {'is set' if key == attribute else 'sets a key'} twice")
    values[key] = value


def _value(node: object, attribute: str) -> Value:
    while isinstance(node, ExprTermRule):
        node = node.expression
    if isinstance(node, TupleRule):
        return [_value(item, attribute) for item in node.elements]
    return _object(node, attribute) if isinstance(node, ObjectRule) else _scalar(node, attribute)


def _scalar(node: object, attribute: str) -> Value:
    if isinstance(node, LiteralValueRule):
        return _CONSTANTS[str(node.token.value)]
    if isinstance(node, IntLitRule | FloatLitRule):
        return _number(str(node.token.value))
    if isinstance(node, UnaryOpRule) and node.operator.strip() == "-":
        number = _value(node.expr_term, attribute)
        if type(number) in (int, float):
            return -number
    if isinstance(node, StringRule):
        return "".join(_part(part.content, attribute) for part in node.string_parts)
    if isinstance(node, HeredocTemplateRule):
        text = _heredoc(str(node.heredoc.value), flush=isinstance(node, HeredocTrimTemplateRule))
        return _TEMPLATE.sub(lambda match: _marker(match, attribute), text)
    raise _not_literal(attribute)


def _object(node: ObjectRule, attribute: str) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for element in node.elements:
        if not isinstance(element.key, ObjectElemKeyRule):
            raise _not_literal(attribute)
        key = element.key.value
        name = str(key.token.value) if isinstance(key, IdentifierRule) else str(_value(key, attribute))
        _set(values, name, _value(element.expression, attribute), attribute)
    return values


def _part(content: object, attribute: str) -> str:
    """A piece of a quoted string: text with escapes, `$${` or `%%{`, or something to compute."""
    if not isinstance(content, LarkToken):
        raise _not_literal(attribute)
    text = str(content)
    plain = content.lark_name() == "STRING_CHARS"
    return _ESCAPE.sub(lambda match: _escaped(match, attribute), text if plain else text[1:])


def _escaped(match: re.Match[str], attribute: str) -> str:
    short, long, char = match.groups()
    if short or long:
        code = int(short or long, 16)
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:  # noqa: PLR2004 - the limits of Unicode
            raise HclError(f"invalid Unicode escape in HCL attribute {attribute!r}")
        return chr(code)
    if char not in _ESCAPES:
        raise HclError(f"invalid escape \\{char} in HCL attribute {attribute!r}")
    return _ESCAPES[char]


def _marker(match: re.Match[str], attribute: str) -> str:
    if not match[2]:
        raise _not_literal(attribute)
    return f"{match[1]}{{"


def _heredoc(text: str, *, flush: bool) -> str:
    """The lines between `<<EOT` and `EOT`; `<<-EOT` takes away the indentation that all have."""
    lines = text.rstrip().split("\n")[1:-1]
    if flush:
        indents = [len(line) - len(line.lstrip(" ")) for line in lines if line.strip()]
        lines = [line[min(indents, default=0) :] for line in lines]
    return "".join(f"{line}\n" for line in lines)


def _number(text: str) -> int | float:
    if text.isdigit() and len(text) <= _MOST_DIGITS:
        return int(text)
    number = float(text)
    if math.isinf(number):
        raise HclError("an HCL number is too large")
    return int(number) if number.is_integer() else number


def _not_literal(attribute: str) -> HclError:
    return HclError(f"HCL attribute {attribute!r} is not a literal: variables, functions, templates have no value here")
