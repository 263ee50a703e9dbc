"""The expression language inside values, as an AST. Parsed once, resolved as late as possible."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
Path: TypeAlias = tuple[str | int, ...]

LONGEST_PATH = 100
"""Names and indexes of one path."""

PLAIN_STEP = re.compile(r"[A-Za-z0-9_/-]+")
"""A step of a path that needs no quotes."""

SENSITIVE_OUTPUTS = frozenset({"generated_passwords", "secret_values"})
"""Outputs of a `secretsmanager` component that hold plaintext."""


class Expression:
    """Base of every node; `str()` gives the canonical text."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Literal(Expression):
    """A YAML value as it stands."""

    value: Json

    def __str__(self) -> str:
        return self.value.replace("${", "$${") if isinstance(self.value, str) else repr(self.value)


@dataclass(frozen=True, slots=True)
class Variable(Expression):
    """`${tenant}`, `${var.x}`, `${vars.x}`: a variable of the same component."""

    path: Path

    def __str__(self) -> str:
        return f"${{{dotted(self.path)}}}"


@dataclass(frozen=True, slots=True)
class Environment(Expression):
    """`${env:NAME}`, `!env NAME`: an environment variable that the operator allows."""

    name: str

    def __str__(self) -> str:
        return f"${{env:{self.name}}}"


@dataclass(frozen=True, slots=True)
class SsmParameter(Expression):
    """`${ssm:/path}`: a parameter of AWS Systems Manager; secret when it is a SecureString."""

    name: str

    def __str__(self) -> str:
        return f"${{ssm:{self.name}}}"


@dataclass(frozen=True, slots=True)
class Stored(Expression):
    """`!store …`, `!store.get …`, `!secret …` of a store of kind `aws/ssm`: what Atmos makes of a parameter's text.

    Attributes:
        parameter: where the store keeps it.
        path: keys and indexes into its JSON; empty for the whole value.
        region: of the store; empty where it says none.
        secret: whether the store holds secrets.
    """

    parameter: SsmParameter
    path: Path = ()
    region: str = ""
    secret: bool = False

    def __str__(self) -> str:
        where = f"{{{{{self.region}}}}}" if self.region else ""
        return f"!{'secret' if self.secret else 'store'}({bare(self.parameter)}{where} | {dotted(self.path) or '.'})"


@dataclass(frozen=True, slots=True)
class FileContents(Expression):
    """`${file:path}`: a file inside the repository's base path."""

    path: str

    def __str__(self) -> str:
        return f"${{file:{self.path}}}"


@dataclass(frozen=True, slots=True)
class Output(Expression):
    """`${output.rds.address}`, `!terraform.output rds [stack] address`: an output of a component.

    Attributes:
        component: component name, may contain `/`.
        path: output name first, then keys or indexes into it.
        stack: stack name, or None for the same stack.
    """

    component: str
    path: Path
    stack: str | None = None

    @property
    def name(self) -> str:
        """The output's name, for example `secret_arns`."""
        return str(self.path[0])

    @property
    def sensitive(self) -> bool:
        """Whether the output holds plaintext."""
        return self.name in SENSITIVE_OUTPUTS

    def __str__(self) -> str:
        inside = f"{self.stack}:" if self.stack else ""
        if "." in self.component and not inside:
            # Without the stack's components nobody knows where such a name ends.
            return f"${{{self.component}.outputs.{dotted(self.path)}}}"
        return f"${{output.{inside}{self.component}.{dotted(self.path)}}}"


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """`${keys(x)}`, `${values(x)}`, `${urlencode(x)}`, `${!x}` (function `not`)."""

    function: str
    argument: Expression

    def __str__(self) -> str:
        if self.function == "not" and not isinstance(self.argument, WithDefault):
            return f"${{!{bare(self.argument)}}}"
        return f"${{{self.function}({bare(self.argument)})}}"


@dataclass(frozen=True, slots=True)
class WithDefault(Expression):
    """`${x | default(v)}`: the default serves where `x` has no value."""

    expression: Expression
    default: Json

    def __str__(self) -> str:
        return f"${{{bare(self.expression)} | default({self.default!r})}}"


@dataclass(frozen=True, slots=True)
class Unsupported(Expression):
    """A function that only Terraform or another tool can resolve, for example `!store …`.

    Attributes:
        text: the function as written.
        reason: why it cannot be resolved here and what to write instead.
    """

    text: str
    reason: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Text(Expression):
    """A string with references in it, in order."""

    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        return "".join(str(part) for part in self.parts)


def dotted(path: Path) -> str:
    """`("secret_arns", "x", 0)` → `secret_arns.x[0]`; a key with a dot or a space → `["a.b"]`."""
    text = ""
    for step in path:
        if isinstance(step, str) and PLAIN_STEP.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{step!r}]"
    return text


def bare(expression: Expression) -> str:
    """The text of a node without its own `${…}`."""
    return str(expression).removeprefix("${").removesuffix("}")
