"""Text of a YAML value in, expression out: a recursive descent parser for the `${…}` forms of tf-atmos.

    value     = { text | "$${" | "${" pipeline "}" }
    pipeline  = unary [ "|" ( "default(" literal ")" | literal ) ]
    unary     = "!" unary | primary
    primary   = "env:" NAME [ "," default ] | "ssm:" PATH | "file:" PATH | FUNCTION "(" pipeline ")" | reference
    reference = "output." [ STACK ":" ] COMPONENT path | COMPONENT ".outputs" path | [ "var." | "vars." ] NAME [ path ]
    path      = { "." KEY | "[" INDEX "]" | "[" STRING "]" }

Atmos itself leaves `${…}` as text: https://atmos.tools/stacks.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NoReturn

from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.references.functions import FUNCTIONS
from secrets_pipeline.references.literals import DEEPEST, LiteralSyntaxError, Scanner, read_literal
from secrets_pipeline.references.model import (
    LONGEST_PATH,
    Call,
    Environment,
    Expression,
    FileContents,
    Json,
    Literal,
    Output,
    Path,
    SsmParameter,
    Text,
    Variable,
    WithDefault,
)

_NAME = re.compile(r"[A-Za-z0-9_/-]+")
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STACK = re.compile(r"([A-Za-z0-9_.-]+):")
_INDEX = re.compile(r"[0-9]{1,9}(?![0-9])")
_FUNCTION = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*\(")
_SCHEME = re.compile(r"(env|ssm|file)\s*:\s*")
_CLEARLY_OURS = re.compile(r"\$\{\s*(?:!\s*)?(output\.|vars?\.|env:|ssm:|file:|keys\(|values\(|urlencode\(|not\()")


def parse(text: str, components: Collection[str] = ()) -> Expression:
    """Parse one YAML string.

    A string that is exactly one `${…}` gives that node, so its type is kept; one without gives a `Literal`; a mixture
    gives a `Text`. `$${` stands for the two characters `${`.

    Args:
        text: the string as YAML gives it.
        components: names that exist in the stack; only needed to tell where a name with a dot ends.

    Raises:
        ExpressionError: what is wrong at which column; the text around the reference is never shown.
    """
    if "${" not in text:
        return Literal(text)
    parts: list[Expression] = []
    literal = ""
    position = 0
    while position < len(text):
        if text.startswith("$${", position):
            literal += "${"
            position += 3
        elif text.startswith("${", position):
            if literal:
                parts.append(Literal(literal))
                literal = ""
            expression, position = _Parser(text, position, components).reference()
            parts.append(expression)
        else:
            literal += text[position]
            position += 1
    if literal or not parts:
        parts.append(Literal(literal))
    return parts[0] if len(parts) == 1 else Text(tuple(parts))


class _Parser:
    """One `${…}` at `start` of `text`."""

    def __init__(self, text: str, start: int, components: Collection[str]) -> None:
        self._scan = Scanner(text, start + 2)
        self._start = start
        self._components = components
        self._calls = 0
        self._depth = 0

    def reference(self) -> tuple[Expression, int]:
        """The expression, and the position after its `}`."""
        expression = self._pipeline()
        self._expect("}", "`}`, `|` or `.`")
        return expression, self._scan.position

    def _pipeline(self) -> Expression:
        expression = self._unary()
        if not self._take("|"):
            return expression
        if isinstance(expression, WithDefault):
            self._fail("`}`, as it has a default already", "${env:DEPLOY_STAGE, dev}")
        if self._scan.match(re.compile(r"default\s*\(")):
            default = self._literal()
            self._expect(")", "`)` after the default")
        else:
            default = self._literal()
        return WithDefault(expression, default)

    def _unary(self) -> Expression:
        self._depth += 1
        if self._depth > DEEPEST:
            self._fail(f"at most {DEEPEST} functions inside each other", "${!enabled}")
        expression = Call("not", self._unary()) if self._take("!") else self._primary()
        self._depth -= 1
        return expression

    def _primary(self) -> Expression:
        if scheme := self._scan.match(_SCHEME):
            return self._schemed(scheme.group(1))
        if function := self._scan.match(_FUNCTION):
            return self._call(function.group(1))
        if self._scan.match(re.compile(r"output\.")):
            return self._output()
        return self._variable_or_outputs()

    def _schemed(self, scheme: str) -> Expression:
        if scheme == "env":
            name = self._scan.match(_ENVIRONMENT_NAME)
            if name is None:
                self._fail("the name of an environment variable", "${env:DEPLOY_STAGE}")
            variable = Environment(name.group())
            return WithDefault(variable, self._bare_default()) if self._take(",") else variable
        raw = self._raw()
        if not raw:
            self._fail(f"a path after `{scheme}:`", f"${{{scheme}:/myapp/dev/key}}")
        return SsmParameter(raw) if scheme == "ssm" else FileContents(raw)

    def _call(self, function: str) -> Expression:
        if function not in FUNCTIONS:
            self._fail(f"one of the functions {', '.join(FUNCTIONS)}", "${keys(output.app.secret_arns)}")
        self._calls += 1
        argument = self._pipeline()
        self._expect(")", "`)` after the argument")
        self._calls -= 1
        return Call(function, argument)

    def _output(self) -> Output:
        stack = self._scan.match(_STACK)
        path = self._path()
        known = [
            end
            for end in range(1, len(path))
            if all(isinstance(step, str) for step in path[:end]) and ".".join(map(str, path[:end])) in self._components
        ]
        end = max(known, default=1)
        return self._output_of(path[:end], path[end:], stack.group(1) if stack else None)

    def _output_of(self, component: Path, path: Path, stack: str | None = None) -> Output:
        named = path and isinstance(path[0], str) and _NAME.fullmatch(path[0])
        if not named or not all(isinstance(step, str) and _NAME.fullmatch(step) for step in component):
            self._fail("the name of an output", "${output.rds.address}")
        return Output(".".join(map(str, component)), path, stack)

    def _variable_or_outputs(self) -> Expression:
        path = self._path()
        if "outputs" in path[1:-1]:
            end = path.index("outputs", 1)
            return self._output_of(path[:end], path[end + 1 :])
        if path[0] in ("var", "vars") and len(path) > 1:
            path = path[1:]
        return Variable(path)

    def _path(self) -> Path:
        first = self._scan.match(_NAME)
        if first is None:
            self._fail("a name", "${environment} or ${output.rds.address}")
        steps: list[str | int] = [first.group()]
        while True:
            if len(steps) > LONGEST_PATH:
                self._fail(f"at most {LONGEST_PATH} names and indexes in one path", "${output.rds.address}")
            if self._scan.take("."):
                key = self._scan.match(_NAME)
                if key is None:
                    self._fail("a name after `.`", "${output.rds.address}")
                steps.append(key.group())
            elif self._scan.take("["):
                steps.append(self._subscript())
                self._expect("]", "`]`")
            else:
                return tuple(steps)

    def _subscript(self) -> str | int:
        if index := self._scan.match(_INDEX):
            return int(index.group())
        step = self._literal() if self._scan.peek() in ("'", '"') else None
        if not isinstance(step, str):
            self._fail("an index or a quoted key in `[…]`", '${output.app.secret_arns["a.b"]}')
        return step

    def _literal(self) -> Json:
        self._scan.skip_space()
        try:
            return read_literal(self._scan)
        except LiteralSyntaxError as error:
            self._fail(str(error), "${replicas | default(2)} or ${stage | default('dev')}")

    def _bare_default(self) -> Json:
        """After `env:NAME,` the text may stand without quotes."""
        before = self._scan.position
        try:
            value = read_literal(self._scan)
        except LiteralSyntaxError:
            value = None
        else:
            self._scan.skip_space()
            if self._scan.peek() in ("}", "|", ")"):
                return value
        self._scan.position = before
        return self._raw()

    def _raw(self) -> str:
        """Everything up to the end of the reference, its default, or the call that it is in."""
        end = re.compile(r"[^}|)\n]*" if self._calls else r"[^}|\n]*")
        found = self._scan.match(end)
        return found.group().strip() if found else ""

    def _take(self, character: str) -> bool:
        self._scan.skip_space()
        taken = self._scan.take(character)
        self._scan.skip_space()
        return taken

    def _expect(self, character: str, wanted: str) -> None:
        self._scan.skip_space()
        if not self._scan.take(character):
            self._fail(wanted, "${output.rds.address}")

    def _fail(self, wanted: str, example: str) -> NoReturn:
        text, position = self._scan.text, self._scan.position
        # A `${` may be the middle of somebody's password, and a default may be one: show what is clearly ours alone.
        seen = re.split(r"[|,]", text[self._start : position], maxsplit=1)[0]
        ours = _CLEARLY_OURS.match(seen)
        if ours and ours.group() != seen and (position == len(text) or ours.group(1).endswith(("env:", "("))):
            # Where a reference has no end, nobody knows where the text around it goes on; nor what a function is given.
            seen = f"{ours.group()}…"
        shown = f" after `{seen}`" if ours else ""
        found = "another character" if position < len(text) else "the end of the text"
        if ours and position < len(text):
            found = f"`{text[position]}`"
        raise ExpressionError(
            f"cannot read the reference at column {self._start + 1}: expected {wanted}{shown}, found {found}",
            remedy=f"Write for example {example}; for a literal `${{` write `$${{`.",
        ) from None
