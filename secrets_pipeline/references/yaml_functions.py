"""YAML functions that Atmos leaves to Terraform or to the shell, as expressions.

Source: https://atmos.tools/functions/yaml
"""

from __future__ import annotations

import re

from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.references.literals import LiteralSyntaxError, Scanner, read_literal
from secrets_pipeline.references.model import (
    LONGEST_PATH,
    Environment,
    Expression,
    Json,
    Output,
    Path,
    Unsupported,
    WithDefault,
)

_WORD = re.compile(r"""\s*(?:"((?:[^"]|"")*)"|'((?:[^']|'')*)'|(\S+))""")
_STEP = re.compile(r"""\.?([A-Za-z0-9_/-]+)|\[([0-9]{1,9})\]|\.?\[?"([^"]+)"\]?""")
_REASONS = {
    "!random": "it gives another number at every reading: let the value be generated, or write it",
    "!exec": "commands are only run with --allow-exec: write the value, or !env NAME",
    "!template": "templates are rendered only with templates.settings.enabled in atmos.yaml",
}
_TERRAFORM_ARGUMENTS = (2, 3)
_EXPRESSION_STARTS = (".", "[", "{", "|")
A_PARAMETER = "!store.get STORE KEY, STORE being of kind aws/ssm (in the dialect of tf-atmos: ${ssm:/path})"
"""How a parameter is referred to, for errors: by Atmos's word everywhere, and inside a text by the dialect alone."""


def parse_function(tag: str, args: str) -> Expression:
    """The expression that a YAML function stands for.

    Args:
        tag: with its exclamation mark, for example `!terraform.output`.
        args: the raw text after it, for example `rds acme-dev .address // "localhost"`.

    Raises:
        ExpressionError: if the arguments of a known function are wrong.
    """
    if tag in ("!terraform.output", "!terraform.state"):
        return _terraform(tag, args)
    if tag == "!env":
        return _environment(args)
    reason = _REASONS.get(tag, f"it can be resolved by Atmos alone: write the value, or {A_PARAMETER}")
    return Unsupported(f"{tag} {args}".strip(), reason)


def _terraform(tag: str, args: str) -> Expression:
    words, default_text = _split_default(_words(args))
    if len(words) not in _TERRAFORM_ARGUMENTS:
        raise ExpressionError(
            f"{tag} takes a component, a stack if it is another one, and an output; found {len(words)} arguments",
            remedy=f"Write for example {tag} rds address, or {tag} vpc infra-shared .vpc_id.",
        )
    component, stack, query = (words[0], None, words[1]) if len(words) == _TERRAFORM_ARGUMENTS[0] else words
    if stack is not None and (stack.startswith(_EXPRESSION_STARTS) or "//" in stack):
        # What stands there may be a default that somebody wrote as one of `!env`: it is not quoted.
        raise ExpressionError(
            f"{tag} has a third argument after an expression",
            remedy=f"""Write a default within the expression, for example {tag} rds '.address // "localhost"'.""",
        )
    query, separator, inner = query.partition("//")
    path = yq_path(query.strip())
    if path is None:
        reason = "only simple paths such as .name.key[0] are read: write !terraform.state COMPONENT name.key"
        return Unsupported(f"{tag} {args}".strip(), reason)
    output = Output(component, path, stack)
    if separator:
        default_text = inner
    return output if default_text is None else WithDefault(output, _default(default_text))


def _environment(args: str) -> Expression:
    words = _words(args)
    match words:
        case [name]:
            return Environment(name)
        case [name, default]:
            return WithDefault(Environment(name), default)
    raise ExpressionError(
        f"!env takes a name and perhaps a default; found {len(words)} arguments",
        remedy='Write for example !env DEPLOY_STAGE "dev".',
    )


def _words(args: str) -> list[str]:
    words = []
    for found in _WORD.finditer(args):
        double, single, plain = found.groups()
        if double is not None:
            words.append(double.replace('""', '"'))
        elif single is not None:
            words.append(single.replace("''", "'"))
        else:
            words.append(plain)
    return words


def _split_default(words: list[str]) -> tuple[list[str], str | None]:
    """`[c, .a, //, x]` → `[c, .a]` and `x`."""
    if "//" not in words:
        return words, None
    at = words.index("//")
    return words[:at], " ".join(words[at + 1 :])


def _default(text: str) -> Json:
    scan = Scanner(text.strip())
    try:
        value = read_literal(scan)
    except LiteralSyntaxError:
        return text.strip()
    return value if scan.position == len(scan.text) else text.strip()


def yq_path(query: str) -> Path | None:
    """Keys and indexes of a simple path of yq, `.name.key[0]`; None for anything else."""
    path: list[str | int] = []
    scan = Scanner(query)
    while scan.position < len(query):
        step = scan.match(_STEP)
        if step is None:
            return None
        name, index, quoted = step.groups()
        if len(path) == LONGEST_PATH:
            raise ExpressionError(
                f"an output has at most {LONGEST_PATH} names and indexes in its path",
                remedy="Refer to what is further outside.",
            )
        path.append(int(index) if index is not None else name if name is not None else quoted)
    return tuple(path) if path and isinstance(path[0], str) else None
