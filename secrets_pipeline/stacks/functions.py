"""YAML functions, and the values of the local ones (Atmos `pkg/function/tag/tag.go`, `yaml_func_utils.go`).

Functions that need the outside (Terraform state, stores, AWS) stay `FunctionCall`s for a later stage.
"""

from __future__ import annotations

import copy
import json
import shlex
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from secrets_pipeline.stacks.markers import UNSET, FunctionCall, Literal, Value
from secrets_pipeline.stacks.scalars import as_text

INCLUDES: Final = frozenset({"!include", "!include.raw"})
_TAGS: Final = frozenset({
    *INCLUDES, "!append", "!aws.account_id", "!aws.caller_identity_arn", "!aws.caller_identity_user_id",
    "!aws.organization_id", "!aws.region", "!cel", "!cwd", "!emulator", "!env", "!exec", "!git.branch",
    "!git.organization", "!git.ref", "!git.repository", "!git.root", "!git.sha", "!labels", "!labels.keys",
    "!labels.values", "!literal", "!random", "!repo-root", "!secret", "!store", "!store.get", "!tags", "!template",
    "!terraform.output", "!terraform.state", "!unset", "!version",
})  # fmt: skip
_EXEC_SECONDS: Final = 60
_ENV_WORDS: Final = 2  # a name and its default


class FunctionError(Exception):
    """A function is called wrongly, or fails."""


def construct(tag: str, text: str) -> Value:
    """What a tagged scalar of a manifest stands for.

    Raises:
        ValueError: for a tag that Atmos does not have, or `!append` on a scalar.
    """
    if tag not in _TAGS:
        message = f"unsupported YAML tag: {tag!r}. Supported tags are: {', '.join(sorted(_TAGS))}"
        raise ValueError(message)
    if tag == "!append":
        message = "!append needs a list"
        raise ValueError(message)
    if tag == "!literal":
        return Literal(text)
    return UNSET if tag == "!unset" else FunctionCall(tag, text)


def parse_call(text: str) -> FunctionCall | None:
    """The function that a string calls: templates and quoted YAML give calls as plain text."""
    tag, _, args = text.partition(" ")
    return FunctionCall(tag, args) if tag in _TAGS else None


def env_value(args: str, section: Mapping[str, Value], env: Mapping[str, str]) -> Value:
    """`!env NAME [default]`: the component's `env` section, else the environment, else the default, else empty.

    Raises:
        FunctionError: without a name, or with more than two arguments.
    """
    words = _words(args)
    if not 1 <= len(words) <= _ENV_WORDS:
        raise FunctionError(f"invalid number of arguments in !env: {args!r}")
    name = words[0]
    if name in section:
        value = section[name]
        return as_text(value) if value is not None else ""
    return env.get(name, words[1] if len(words) > 1 else "")


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Evaluates the functions that need nothing but this process.

    Attributes:
        env: all that `!env` and `!exec` may see of the environment.
        folder: current folder of `!exec`, value of `!cwd` and default of `!repo-root`.
        repository: root of the Git repository, if there is one.
        allow_exec: whether `!exec` runs commands.
    """

    env: Mapping[str, str]
    folder: Path
    repository: Path | None
    allow_exec: bool

    def __call__(self, call: FunctionCall, sections: Mapping[str, Value]) -> Value:
        """The value of a call in a component, or the call itself if it needs the outside.

        Raises:
            FunctionError: if it is called wrongly, or a command fails.
        """
        function = _LOCAL.get(call.tag)
        return call if function is None else function(self, call, sections)


def _env(evaluator: Evaluator, call: FunctionCall, sections: Mapping[str, Value]) -> Value:
    return env_value(call.args, sections.get("env") or {}, evaluator.env)


def _exec(evaluator: Evaluator, call: FunctionCall, _sections: Mapping[str, Value]) -> Value:
    if not evaluator.allow_exec:
        return call
    if not call.args:
        raise FunctionError("invalid number of arguments in !exec")
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", call.args],
            cwd=evaluator.folder,
            env=dict(evaluator.env),
            capture_output=True,
            text=True,
            timeout=_EXEC_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FunctionError(f"!exec took longer than {_EXEC_SECONDS} s") from None
    if done.returncode:
        raise FunctionError(f"!exec ended with exit status {done.returncode}")
    return _decoded(done.stdout.rstrip("\n"))


def _template(_evaluator: Evaluator, call: FunctionCall, _sections: Mapping[str, Value]) -> Value:
    return _decoded(call.args)


def _root(evaluator: Evaluator, call: FunctionCall, _sections: Mapping[str, Value]) -> Value:
    return str(evaluator.repository) if evaluator.repository else " ".join(_words(call.args)) or str(evaluator.folder)


def _cwd(evaluator: Evaluator, _call: FunctionCall, _sections: Mapping[str, Value]) -> Value:
    return str(evaluator.folder)


def _metadata(_evaluator: Evaluator, call: FunctionCall, sections: Mapping[str, Value]) -> Value:
    metadata = sections.get("metadata") or {}
    if call.tag == "!tags":
        return copy.deepcopy(metadata.get("tags") or [])
    labels = copy.deepcopy(metadata.get("labels") or {})
    if call.tag == "!labels.keys":
        return sorted(labels)
    return [labels[key] for key in sorted(labels)] if call.tag == "!labels.values" else labels


_LOCAL: Final[Mapping[str, Callable[[Evaluator, FunctionCall, Mapping[str, Value]], Value]]] = {
    "!env": _env,
    "!exec": _exec,
    "!template": _template,
    "!repo-root": _root,
    "!git.root": _root,
    "!cwd": _cwd,
    "!labels": _metadata,
    "!labels.keys": _metadata,
    "!labels.values": _metadata,
    "!tags": _metadata,
}


def _words(args: str) -> list[str]:
    try:
        return shlex.split(args)
    except ValueError as error:
        raise FunctionError(f"invalid arguments {args!r}: {error}") from None


def _decoded(text: str) -> Value:
    """JSON if it is JSON, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
