"""Read back the stacks that `atmos describe stacks` prints, as JSON or YAML."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, NoReturn, Self

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml import reader
from secrets_pipeline.golang.yaml.composer import InvalidYamlError
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.stacks.components.model import AtmosStack, Component, Resolution
from secrets_pipeline.stacks.components.sections import TERRAFORM
from secrets_pipeline.stacks.config.stores import Stores
from secrets_pipeline.stacks.functions.copies import CallFailed, own
from secrets_pipeline.stacks.functions.functions import FunctionEvaluator, construct
from secrets_pipeline.stacks.texts import Key, texts

MASKS: Final[Mapping[str, str]] = {
    "<MASKED>": "Print it with ATMOS_MASK=false.",
    "********": "Print it with --show-values.",
    "(computed)": "Print it with --process-functions=false; Atmos could not read what the function names.",
}
"""What Atmos and `secrets-pipeline describe` print in place of a value, and how to have the value printed."""

_WHOLE: Final = "Give it what `atmos describe stacks --format json --process-functions=false` prints, all of it."
_SECTIONS: Final = ("vars", "settings", "env", "metadata")
_OWN: Final = ("vars", "secrets")
_DECLARED: Final = ("settings", "secrets_pipeline", "secrets")
_DEFAULTS: Final = ("settings", "secrets_pipeline", "secret_defaults")
"""Where values of secrets stand: a component's own, and those that its `secrets:` section declares."""
_DEPTH: Final = 200
_BARE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class DescribedStacks:
    """The stacks of one description, with the interface of an `AtmosRepository`.

    Functions that Atmos left as text are functions again; those that need nothing but this process are evaluated here.

    Args:
        tree: stack → `components` → kind → component → sections.
        name: what the description is called in messages, for example the name of its file.
        evaluate: evaluates the local functions.
        stores: what `!secret` and `!store` read, by name.
        manifest_file: the file that a component's `atmos_manifest` names; None if no `atmos.yaml` says where it is.
    """

    def __init__(
        self,
        tree: Mapping[str, Value],
        name: str,
        evaluate: FunctionEvaluator,
        stores: Stores,
        manifest_file: Callable[[str], str] | None = None,
    ) -> None:
        self._tree = tree
        self._name = name
        self._evaluate = evaluate
        self._stores = stores
        self._manifest_file = manifest_file
        self._stacks: dict[str, AtmosStack] = {}

    @classmethod
    def parse(
        cls,
        text: str,
        name: str,
        evaluate: FunctionEvaluator,
        stores: Stores | None = None,
        manifest_file: Callable[[str], str] | None = None,
    ) -> Self:
        """The stacks of a text: JSON if it begins as JSON does, else YAML.

        Raises:
            StackError: if it is neither, has a key twice, or is not a mapping of stacks.
        """
        stripped = text.lstrip()
        if not stripped:
            raise StackError("no stacks: it is empty", where=Where(file=name), remedy=_WHOLE)
        tree = _json(text, name) if stripped[0] in "{[" else _yaml(text, name)
        if not isinstance(tree, dict):
            raise StackError("no stacks: the top level is not a mapping", where=Where(file=name), remedy=_WHOLE)
        if _too_deep(tree):
            raise StackError(f"nested deeper than {_DEPTH} levels", where=Where(file=name), remedy=_WHOLE)
        return cls(tree, name, evaluate, stores or {}, manifest_file)

    @property
    def notices(self) -> tuple[str, ...]:
        """What a user should know about how the stacks are read: nothing here."""
        return ()

    @property
    def is_whole(self) -> bool:
        """Whether all of the configuration is read: Atmos read it."""
        return True

    def resolve(
        self,
        stacks: Collection[str] | None = None,
        *,
        process_functions: bool = True,
        process_templates: bool = True,
        keep_conflicting: bool = False,
        keep_failing: bool = False,
        keep_unsettled: bool = False,
    ) -> Resolution:
        """The stacks, whole ones only, and every error found.

        Args:
            stacks: only these.
            process_functions: whether `!env` and the like are evaluated.
            process_templates: without effect; templates are as Atmos printed them.
            keep_conflicting: without effect; Atmos has chosen one of conflicting components.
            keep_failing: whether a stack with components whose functions fail, or whose secrets are masked, stays; see
                `AtmosRepository.resolve`.
            keep_unsettled: without effect, likewise.
        """
        del process_templates, keep_conflicting, keep_unsettled
        resolved: dict[str, AtmosStack] = {}
        errors: list[StackError] = []
        for name in sorted(self._tree):
            if stacks is None or name in stacks:
                stack, failed = self._stack(
                    name, self._evaluate if process_functions else None, keep_failing=keep_failing
                )
                errors += failed
                if stack.components and not failed:
                    resolved[name] = stack
        return Resolution(resolved, tuple(errors))

    def stack(self, name: str) -> AtmosStack:
        """One stack, its functions evaluated; the same object each time. Components that fail have their `failures`.

        Raises:
            StackError: if there is no such stack, naming near misses, or if it is broken.
        """
        if name not in self._stacks:
            resolution = self.resolve([name], keep_failing=True)
            if resolution.errors:
                raise resolution.errors[0]
            if name not in resolution.stacks:
                near = difflib.get_close_matches(name, self.stack_names(), n=3)
                raise StackError(
                    f"there is no stack {name!r} in {self._name}",
                    remedy=f"Did you mean {' or '.join(near)}?" if near else _WHOLE,
                )
            self._stacks[name] = resolution.stacks[name]
        return self._stacks[name]

    def stack_names(self) -> tuple[str, ...]:
        """Names of all stacks, sorted."""
        return tuple(sorted(self._tree))

    def locate(self, component: Component, path: Sequence[Key]) -> Where:
        """The description, and the path of a key in it as `jq` takes it."""
        return self._where(component.stack, (component.kind, component.name, *path))

    def _stack(
        self, name: str, evaluate: FunctionEvaluator | None, *, keep_failing: bool
    ) -> tuple[AtmosStack, list[StackError]]:
        components: dict[str, dict[str, Component]] = {}
        errors: list[StackError] = []
        try:
            for kind, component, sections in self._entries(name):
                try:
                    made = self._component(name, kind, component, sections, evaluate)
                except StackError as error:
                    errors.append(error)
                    continue
                components.setdefault(kind, {})[component] = made
                errors += () if keep_failing else made.failures
        except StackError as error:
            errors.append(error)
        return AtmosStack(name, self._files(components), components), errors

    def _files(self, components: Mapping[str, Mapping[str, Component]]) -> tuple[str, ...]:
        named = {one.manifest for kind in components.values() for one in kind.values()}
        if self._manifest_file is None or not named:
            return (self._name,)
        file = self._manifest_file
        return tuple(sorted(one if one == self._name else file(one) for one in named))

    def _entries(self, stack: str) -> Iterator[tuple[str, str, Mapping[str, Value]]]:
        """Kind, name and sections of every component."""
        kinds = self._mapping(self._tree[stack], stack).get("components")
        for kind, components in self._mapping(kinds or {}, stack, ()).items():
            for name, sections in self._mapping(components or {}, stack, (kind,)).items():
                yield kind, name, self._mapping(sections, stack, (kind, name))

    def _component(
        self, stack: str, kind: str, name: str, sections: Mapping[str, Value], evaluate: FunctionEvaluator | None
    ) -> Component:
        for section in _SECTIONS:
            self._mapping(sections.get(section) or {}, stack, (kind, name, section))

        def evaluated(call: FunctionCall) -> Value:
            return evaluate(call, sections) if evaluate else call

        failures = list(self._masked(stack, kind, name, sections))
        try:
            owned = own({"component": name, **sections}, evaluated)
        except CallFailed as error:
            place = self._where(stack, (kind, name, *reversed(error.path)))
            failures.append(StackError(str(error), where=place, remedy="Correct the arguments of this function."))
            owned = own({"component": name, **sections}, lambda call: call)
        manifest = sections.get("atmos_manifest") or sections.get("atmos_stack_file")
        file = manifest if isinstance(manifest, str) else self._name
        return Component(name, kind, stack, owned, file, tuple(failures), stores=self._stores)

    def _masked(self, stack: str, kind: str, name: str, sections: Mapping[str, Value]) -> Iterator[StackError]:
        """An error for every masked value that would become a secret's."""
        places = (_DECLARED, _DEFAULTS, *((_OWN,) if kind == TERRAFORM else ()))
        for path, text in (found for place in places for found in texts(_at(sections, place), place)):
            for mask, remedy in MASKS.items():
                if text == mask or (mask.startswith("<") and mask in text):
                    place = self._where(stack, (kind, name, *path))
                    yield StackError(f"{mask} stands for a value that was not printed", where=place, remedy=remedy)

    def _mapping(self, value: Value, stack: str, path: tuple[Key, ...] | None = None) -> Mapping[str, Value]:
        if not isinstance(value, dict):
            raise StackError("it is not a mapping", where=self._where(stack, path), remedy=_WHOLE)
        return value

    def _where(self, stack: str, path: Sequence[Key] | None) -> Where:
        """The place of a key: `path` begins with the kind; None is the stack itself."""
        below = () if path is None else ("components", *path)
        component = str(path[1]) if path is not None and len(path) > 1 else None
        return Where(file=self._name, stack=stack, component=component, key=_jq((stack, *below)))


def _at(sections: Mapping[str, Value], path: Sequence[str]) -> Value:
    value: Value = dict(sections)
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _json(text: str, name: str) -> Value:
    try:
        return json.loads(text, object_pairs_hook=_distinct, parse_constant=_no_json)
    except json.JSONDecodeError as error:
        problem, line = f"{error.msg} (column {error.colno})", error.lineno
    except ValueError as error:
        problem, line = str(error), None
    except RecursionError:
        problem, line = "nested too deeply", None
    # Out of the handler: the decoder's exception holds the whole text.
    raise StackError(f"not valid JSON: {problem}", where=Where(file=name, line=line), remedy=_WHOLE)


def _distinct(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        message = "a key of a mapping is there twice"
        raise ValueError(message)
    return mapping


def _no_json(constant: str) -> NoReturn:
    message = f"{constant} is not JSON"
    raise ValueError(message)


def _yaml(text: str, name: str) -> Value:
    try:
        return reader.load(text, name, construct)
    except InvalidYamlError as error:
        raise StackError(f"not valid YAML: {error.problem}", where=error.where, remedy=_WHOLE) from None


def _too_deep(tree: Value) -> bool:
    level = [tree]
    for _ in range(_DEPTH):
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return False
    return True


def _inside(value: Value) -> Iterable[Value]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _jq(path: Sequence[Key]) -> str:
    """A path as `jq` takes it: `."shop-dev".components.terraform.app.vars.list[0]`."""
    return "".join(
        f"[{step}]" if isinstance(step, int) else f".{step if _BARE.fullmatch(step) else json.dumps(step)}"
        for step in path
    )
