"""Evaluate the YAML functions that need no AWS (Atmos `pkg/function`, `internal/exec/yaml_func_utils.go`).

Functions that need the outside (Terraform state, stores, AWS) stay `FunctionCall`s for a later stage; their arguments
are checked here. So do `!store … | default x`: the default counts only where the store says that the key is
missing, and who has not asked the store would put it in place of a value.
"""

from __future__ import annotations

import copy
import json
import math
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from secrets_pipeline.golang.printing import as_text
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.nesting import MAX_DEPTH, MAX_RESULT_DEPTH, NestingError, require_depth
from secrets_pipeline.golang.yaml.tag_names import TAGS, named
from secrets_pipeline.golang.yaml.tags import UNSET, FunctionCall, LiteralText
from secrets_pipeline.stacks.files.disk import note_unrepeatable
from secrets_pipeline.stacks.functions import arguments, shell
from secrets_pipeline.stacks.functions.arguments import ArgumentsError

_TEMPLATE: Final = "!template"
_EXEC_SECONDS: Final = 60
_RANDOM_RANGE: Final = (0, 65_535)
_MOST_DIGITS: Final = 400  # of a JSON number that any float can be, and far less than Python converts


Variables = Mapping[str, str | None]
"""Environment variables by name; `None` for one that may be read and is not set."""


class FunctionError(Exception):
    """A function is called wrongly, or fails."""


def construct(tag: str, text: str) -> Value:
    """What a tagged scalar of a manifest stands for.

    Raises:
        ValueError: for a tag that Atmos does not have.
    """
    if tag not in TAGS:
        message = f"unsupported YAML tag: {named(tag)}. Supported tags are: {', '.join(sorted(TAGS))}"
        raise ValueError(message)
    if tag == "!literal":
        return LiteralText(text)
    return UNSET if tag == "!unset" else FunctionCall(tag, text)


def parse_call(text: str) -> FunctionCall | None:
    """The function that a string calls: templates and quoted YAML give calls as plain text.

    `{{-` takes the blank after its tag away: like Atmos (`matchesPrefix` of internal/exec/yaml_func_utils.go), read
    `!template[1]` as `!template [1]`.
    """
    tag, _, args = text.partition(" ")
    if tag in TAGS:
        return FunctionCall(tag, args)
    return FunctionCall(_TEMPLATE, text.removeprefix(_TEMPLATE)) if text.startswith(_TEMPLATE) else None


def env_value(args: str, section: Mapping[str, Value], env: Variables) -> Value:
    """`!env NAME [default]`: the component's `env` section, else the environment, else the default, else empty.

    Raises:
        ArgumentsError: without a name, or with more than two arguments.
    """
    name, *default = arguments.words("!env", args, 1, 2)
    if name in section:
        value = section[name]
        return as_text(value) if value is not None else ""
    found = env.get(name)
    return found if found is not None else default[0] if default else ""


def set_only(env: Variables) -> dict[str, str]:
    """The variables that are set."""
    return {name: value for name, value in env.items() if value is not None}


def working_directory(args: str, folder: Path) -> str:
    """`!cwd [path]`: the current folder, or a path below it."""
    return os.path.normpath(folder / args.strip())


def repository_root(args: str, repository: Path | None, folder: Path) -> str:
    """`!repo-root [default]`: the root of the Git repository; outside of one the default, or else the folder.

    Atmos fails in the last case.
    """
    return str(repository or args.strip() or folder)


@dataclass(frozen=True, slots=True)
class FunctionEvaluator:
    """Evaluates the functions that need nothing but this process.

    Attributes:
        env: all that `!env` and `!exec` may see of the environment.
        folder: current folder of `!exec`, value of `!cwd` and default of `!repo-root`.
        repository: root of the Git repository, if there is one.
        allow_exec: whether `!exec` runs commands.
        withhold: whether variables that are not in `env` are withheld: `!env` of them stays a call, and so does
            `!random`, since what is read under such rules is to be the same every time.
    """

    env: Variables
    folder: Path
    repository: Path | None
    allow_exec: bool
    withhold: bool = False

    def may_read(self, name: str) -> bool:
        """Whether `!env` may read a variable, set or not."""
        return not self.withhold or name in self.env

    def __call__(self, call: FunctionCall, sections: Mapping[str, Value]) -> Value:
        """The value of a call in a component, or the call itself if it needs the outside.

        Raises:
            FunctionError: if it is called wrongly, or a command fails.
        """
        try:
            check = _CHECKS.get(call.tag)
            if check is not None:
                check(call.tag, call.args)
            function = _LOCAL.get(call.tag)
            return call if function is None else function(self, call, sections)
        except ArgumentsError as error:
            raise FunctionError(str(error)) from None


def _env(evaluator: FunctionEvaluator, call: FunctionCall, sections: Mapping[str, Value]) -> Value:
    section = sections.get("env") or {}
    name = arguments.words("!env", call.args, 1, 2)[0]
    withheld = name not in section and not evaluator.may_read(name)
    return call if withheld else env_value(call.args, section, evaluator.env)


def _exec(evaluator: FunctionEvaluator, call: FunctionCall, _sections: Mapping[str, Value]) -> Value:
    if not call.args:
        raise ArgumentsError("invalid number of arguments in the !exec function: it takes a command")
    if not evaluator.allow_exec:
        return call
    note_unrepeatable()
    try:
        return decoded(shell.run(call.args, evaluator.folder, set_only(evaluator.env), _EXEC_SECONDS))
    except shell.CommandError as error:
        raise FunctionError(f"!exec {error}") from None


def _template(_evaluator: FunctionEvaluator, call: FunctionCall, _sections: Mapping[str, Value]) -> Value:
    return decoded(call.args)


def _random(evaluator: FunctionEvaluator, call: FunctionCall, _sections: Mapping[str, Value]) -> Value:
    """`!random [[min] max]`, both included: another number at every reading."""
    if evaluator.withhold:
        return call
    texts = arguments.words(call.tag, call.args, 0, 2)
    try:
        limits = [int(text) for text in texts]
    except ValueError:
        raise ArgumentsError("invalid arguments of the !random function: they must be integers") from None
    low, high = limits if len(limits) > 1 else (_RANDOM_RANGE[0], limits[0] if limits else _RANDOM_RANGE[1])
    if low >= high:
        raise ArgumentsError("invalid arguments of the !random function: the first is not less than the second")
    note_unrepeatable()
    return low + secrets.randbelow(high - low + 1)


def _root(evaluator: FunctionEvaluator, call: FunctionCall, _sections: Mapping[str, Value]) -> Value:
    return repository_root(call.args, evaluator.repository, evaluator.folder)


def _cwd(evaluator: FunctionEvaluator, call: FunctionCall, _sections: Mapping[str, Value]) -> Value:
    return working_directory(call.args, evaluator.folder)


def _labels(_evaluator: FunctionEvaluator, call: FunctionCall, sections: Mapping[str, Value]) -> Value:
    """`!labels [key [default]]`."""
    labels = _metadata(sections, "labels", {})
    asked = arguments.words(call.tag, call.args, 0, 2)
    if not asked:
        return labels
    key, *default = asked
    if key in labels:
        return labels[key]
    if not default:
        raise FunctionError("!labels: the component has no label of that name, and no default is given")
    return default[0]


def _label_parts(_evaluator: FunctionEvaluator, call: FunctionCall, sections: Mapping[str, Value]) -> Value:
    arguments.words(call.tag, call.args, 0, 0)
    labels = _metadata(sections, "labels", {})
    return [key if call.tag == "!labels.keys" else labels[key] for key in sorted(labels)]


def _tags(_evaluator: FunctionEvaluator, call: FunctionCall, sections: Mapping[str, Value]) -> Value:
    arguments.words(call.tag, call.args, 0, 0)
    return _metadata(sections, "tags", [])


def _metadata(sections: Mapping[str, Value], part: str, empty: Value) -> Value:
    """A copy of `metadata.labels` or `metadata.tags`; one of another type counts as none."""
    metadata = sections.get("metadata")
    value = metadata.get(part) if isinstance(metadata, dict) else None
    return copy.deepcopy(value) if isinstance(value, type(empty)) else empty


_LOCAL: Final[Mapping[str, Callable[[FunctionEvaluator, FunctionCall, Mapping[str, Value]], Value]]] = {
    "!cwd": _cwd,
    "!env": _env,
    "!exec": _exec,
    "!git.root": _root,
    "!labels": _labels,
    "!labels.keys": _label_parts,
    "!labels.values": _label_parts,
    "!random": _random,
    "!repo-root": _root,
    "!tags": _tags,
    _TEMPLATE: _template,
}
_CHECKS: Final[Mapping[str, Callable[[str, str], object]]] = {
    "!secret": arguments.word_and_rest,
    "!store": arguments.store,
    "!store.get": arguments.store,
    "!terraform.output": arguments.terraform,
    "!terraform.state": arguments.terraform,
}


def decoded(text: str) -> Value:
    """JSON if it is JSON, else the text.

    Raises:
        FunctionError: if it is JSON that is nested too deeply.
    """
    try:
        return json_value(text, MAX_RESULT_DEPTH)
    except NestingError as error:
        raise FunctionError(str(error)) from None
    except ValueError:
        return text


def json_value(text: str, most: int = MAX_DEPTH) -> Value:
    """The value of JSON text; as in Go, a number without a fraction is an integer, and `NaN` is no JSON.

    Args:
        text: the JSON.
        most: lists and mappings that may be within each other.

    Raises:
        NestingError: if it is nested too deeply.
        ValueError: if it is not JSON.
    """
    try:
        value = json.loads(text, parse_int=_integer, parse_float=_number, parse_constant=_refuse)
    except RecursionError:
        raise NestingError(most) from None
    require_depth(value, most=most)
    return value


def _integer(text: str) -> float | int:
    return int(text) if len(text) <= _MOST_DIGITS else _number(text)


def _number(text: str) -> float | int:
    number = float(text)
    if math.isinf(number):
        message = "invalid JSON: a number is too large"
        raise ValueError(message)
    return int(number) if number.is_integer() else number


def _refuse(text: str) -> None:
    message = f"invalid JSON: {text} is no value"
    raise ValueError(message)
