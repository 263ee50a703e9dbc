"""Place keys of the operator's settings in their file, and say what is wrong with them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from secrets_pipeline.errors import Lines, SpecError, Where

Keys: TypeAlias = tuple[str | int, ...]
_MISSING = "missing"
_UNKNOWN = "extra_forbidden"
_OURS = "Value error, "
_KINDS = {
    "tuple_type": "it should be a list",
    "model_type": "it should be a map",
    "dict_type": "it should be a map",
    _MISSING: "it is missing, and has no default",
}


class SettingPlaces:
    """Which line of a file of settings has which key.

    Args:
        text: of the file, valid YAML.
    """

    def __init__(self, text: str) -> None:
        self._root = yaml.compose(text, Loader=yaml.CSafeLoader)

    def line(self, keys: Keys) -> int | None:
        """The 1-based line of a key, or of the nearest one above it; None for what is not there."""
        return self.found(keys)[1]

    def found(self, keys: Keys) -> tuple[Keys, int | None]:
        """As many of these keys as the file has below each other, and the line of the last one.

        pydantic puts the kind of a map among the keys where there are several: what the file does not have is left out.
        """
        walks = list(_walks(self._root, keys))
        return max(walks, key=lambda walk: (walk.plausible, len(walk.keys)), default=_Walk((), None))[:2]


class _Walk(NamedTuple):
    """Some of the keys of a place, below each other in the file; a kind may be called as a key is."""

    keys: Keys
    line: int | None
    plausible: bool = True


def _walks(node: yaml.Node | None, keys: Keys) -> Iterator[_Walk]:
    for index, key in enumerate(keys):
        for below, line in _below(node, key):
            more = keys[index + 1 :]
            yield _Walk((key,), line, not more or isinstance(key, int) or isinstance(below, yaml.CollectionNode))
            yield from (walk._replace(keys=(key, *walk.keys)) for walk in _walks(below, more))


def _below(node: yaml.Node | None, key: str | int) -> list[tuple[yaml.Node, int]]:
    if isinstance(node, yaml.MappingNode):
        return [(value, name.start_mark.line + 1) for name, value in node.value if name.value == key]
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return [(node.value[key], node.value[key].start_mark.line + 1)]
    return []


def settings_map(text: str, file: str) -> dict[str, Any]:
    """Read a file of settings, in which each key may stand once.

    Args:
        text: of the file.
        file: its name, for messages.

    Raises:
        SpecError: if it is no YAML, no map, nested without an end, or says one thing twice: the last one would count
            in silence.
    """
    try:
        loader = yaml.CSafeLoader(text)
        node = loader.get_single_node()
        repeated = next(_repeated(node), None)
        document = None if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or "it cannot be read"
        where = Where(file=file, line=mark.line + 1 if mark else None)
        raise SpecError(
            f"the operator's settings are not YAML: {problem}", remedy="Correct the YAML.", where=where
        ) from None
    except RecursionError:
        remedy = "Take the alias (*) out that stands inside of its own anchor (&), or some of the maps and lists."
        raise SpecError(
            "the operator's settings hold a value that holds itself, or too many in each other",
            remedy=remedy,
            where=Where(file=file),
        ) from None
    if document is not None and not isinstance(document, dict):
        remedy = "Write keys such as targets: []"
        raise SpecError("the operator's settings are not a map", remedy=remedy, where=Where(file=file))
    if repeated is not None:
        where = Where(file=file, line=repeated.start_mark.line + 1, key=str(repeated.value))
        remedy = "Keep one: the last one would count."
        raise SpecError(f"key {repeated.value} is there twice", remedy=remedy, where=where)
    return document or {}


def _repeated(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """Each key that stands in a map a second time."""
    if isinstance(node, yaml.MappingNode):
        seen: set[object] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                yield key
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else key)
            yield from _repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for one in node.value:
            yield from _repeated(one)


def wrong_settings(error: ValidationError, model: type[BaseModel], text: str, file: str) -> SpecError:
    """Say what is wrong with a file of settings, each key with its line; no value is quoted.

    Args:
        error: of pydantic.
        model: that the file was read into.
        text: of the file, valid YAML.
        file: its name, for messages.
    """
    places, found = SettingPlaces(text), error.errors(include_input=False, include_url=False)
    meant = {(*one["loc"][:-1], _near(model, one["loc"])) for one in found if one["type"] == _UNKNOWN}
    problems = [
        _problem(one, model, places, file)
        for one in found
        # What is missing is there, misspelt.
        if not (one["type"] == _MISSING and one["loc"] in meant)
    ]
    if len(problems) == 1:
        return problems[0]
    told = (Lines.of("- ", one.diagnostics(), between="") for one in problems)
    return SpecError(Lines.of(f"{len(problems)} of the operator's settings are wrong:", *told))


def _problem(one: ErrorDetails, model: type[BaseModel], places: SettingPlaces, file: str) -> SpecError:
    loc, kind = one["loc"], one["type"]
    keys, line = places.found(loc)
    named = (*keys, loc[-1]) if kind in (_MISSING, _UNKNOWN) and keys[-1:] != loc[-1:] else keys
    where = Where(file=file, line=line, key=".".join(map(str, named)))
    if kind != _UNKNOWN:
        told = _KINDS.get(kind, one["msg"].removeprefix(_OURS))
        return SpecError(f"this setting is wrong: {told}", where=where)
    key, above = str(loc[-1]), ".".join(name for name in named[:-1] if isinstance(name, str))
    known, near = _known(model, loc), _near(model, loc)
    meant = f"Did you mean {near}? " if near else ""
    return SpecError(
        f"unknown key {key}",
        remedy=f"{meant}Keys of {above or 'the settings'}: {', '.join(known)}.",
        where=where,
    )


def _known(model: type[BaseModel], loc: Keys) -> list[str]:
    return sorted({name for one in _models((model,), loc[:-1]) for name in known_keys(one)})


def _near(model: type[BaseModel], loc: Keys) -> str:
    """The key of that level that a wrong one is nearest to; empty for none."""
    return next(iter(difflib.get_close_matches(str(loc[-1]), _known(model, loc), n=1)), "")


def known_keys(model: type[BaseModel]) -> tuple[str, ...]:
    """The keys of a map, as the file has them, in the order of the model."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _models(models: Sequence[type[BaseModel]], keys: Keys) -> Sequence[type[BaseModel]]:
    """The kinds of map that may stand at a place, the nearest ones above it where none may."""
    for key in keys:
        fields = [field for one in models for name, field in one.model_fields.items() if (field.alias or name) == key]
        below = [found for field in fields for found in _nested(field.annotation)]
        models = below or models
    return models


def _nested(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - a type, of whatever form
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _nested(inner)
