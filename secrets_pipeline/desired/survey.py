"""Find what looks like a secret in stacks and in Terraform's code: names and places, never a value."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from secrets_pipeline.desired.kinds import COMPONENTS, LEFT_ALONE, SECRETS, TERRAFORM, physical_name, recognised
from secrets_pipeline.desired.reading.ours import is_active
from secrets_pipeline.errors import Where
from secrets_pipeline.golang.values import Value
from secrets_pipeline.references.yaml_functions import A_PARAMETER
from secrets_pipeline.stacks import AtmosStack, Component, texts

Locate = Callable[[Component, Sequence[str | int]], Where]

_LISTED: Final = 3
_LONGEST_NAME: Final = 60
_SECURE: Final = "SecureString"
_PARAMETERS: Final = ("ssm-parameter", "ssm_parameter", "parameter-store", "parameter_store")
_SOUNDS_SECRET: Final = re.compile(r"secret|password|token", re.IGNORECASE)
_ARN: Final = re.compile(r"arn:aws[a-z-]*:secretsmanager:[^:]*:[^:]*:secret:")
_RESOURCE: Final = re.compile(
    r'^[ \t]*resource\s+"(aws_secretsmanager_secret|aws_ssm_parameter)"\s+"([\w-]+)"', re.MULTILINE
)
_MADE_BY_RDS: Final = "manage_master_user_password"
_SECTIONS: Final = ("vars", "env")
"""Sections of a component whose keys may name a secret."""


@dataclass(frozen=True, slots=True, order=True)
class Sign:
    """Something that looks like a secret.

    Attributes:
        file: relative to the base path.
        line: in it, from 1; 0 if only the file is known.
        what: its name, for example `vars.database_password of rds`; never its value.
    """

    file: str
    line: int
    what: str


def signs(stacks: Iterable[AtmosStack], locate: Locate) -> list[Sign]:
    """Find what looks like a secret in the variables of stacks.

    Signs are keys with `secret`, `password` or `token` in them, ARNs of secrets, Atmos's `secrets:`, and components
    that are named after secrets.

    Args:
        stacks: as resolved.
        locate: finds the file and line of a key; see `StackSource.locate`.

    Returns:
        Each once, by file and line, however many stacks share it.
    """
    found: set[Sign] = set()
    asked: set[tuple[str, str, tuple[str | int, ...]]] = set()
    for component in (one for stack in stacks for kind in stack.components.values() for one in kind.values()):
        for path, what in _signs_of(component):
            if (about := (component.manifest, component.name, path)) not in asked:
                asked.add(about)
                where = locate(component, path)
                found.add(Sign(where.file or component.manifest, where.line or 0, _of(what, component)))
    return sorted(found)


def has_signs(stack: AtmosStack) -> bool:
    """Tell whether anything in a stack's variables looks like a secret."""
    return any(True for kind in stack.components.values() for one in kind.values() for _ in _signs_of(one))


def signs_in_terraform(file: str, code: str) -> list[Sign]:
    """Find resources that are secrets or parameters in the code of a Terraform component.

    Args:
        file: its path relative to the base path.
        code: its text, in HCL.
    """
    return [
        Sign(file, code.count("\n", 0, found.start(1)) + 1, f"{found[1]}.{found[2]}")
        for found in _RESOURCE.finditer(code)
    ]


def remarks(stacks: Iterable[AtmosStack], by_operator: Mapping[str, str] | None = None) -> list[str]:
    """Say of components of stacks without a secret why none of them declares one, a sentence each.

    Args:
        stacks: in which no component declares a secret.
        by_operator: `components` of the operator's settings.
    """
    return list(_remarks(list(_seen(stacks, by_operator or {}))))


def _signs_of(component: Component) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if component.kind == TERRAFORM and _SOUNDS_SECRET.search(component.name):
        yield (), ""
    for section in _SECTIONS:
        yield from _signs_in(component.resolved.get(section), (section,))
    secrets = component.resolved.get("secrets")
    declared = secrets.get("vars") if isinstance(secrets, Mapping) else None
    for key in declared if isinstance(declared, Mapping) else ():
        yield ("secrets", "vars", key), _key(("secrets", "vars", key))


def _signs_in(value: Value, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if len(path) > 1 and isinstance(path[-1], str) and _SOUNDS_SECRET.search(path[-1]):
        # A flag or a length beside a secret is none, but for the flag by which RDS makes one.
        if (isinstance(value, str | dict | list) and value) or (value is True and path[-1] == _MADE_BY_RDS):
            yield path, _key(path)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _signs_in(one, (*path, str(key)))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _signs_in(one, (*path, index))
    elif isinstance(value, str) and _ARN.match(value):
        yield path, f"{_key(path)}, the ARN of a secret,"


def _of(what: str, component: Component) -> str:
    return f"{what} of {component.name}" if what else f"component {component.name}"


def _key(path: Sequence[str | int]) -> str:
    key = ".".join(map(str, path))
    return key if len(key) <= _LONGEST_NAME else f"{key[:_LONGEST_NAME]}…"


class _Seen:
    """One component, and how it looks."""

    def __init__(self, component: Component, by_operator: Mapping[str, str], names: Collection[str]) -> None:
        variables: Value = component.resolved.get("vars")
        held = variables if isinstance(variables, dict) else {}
        what = recognised(component, by_operator)
        self.kind = what.kind
        self.name = component.name
        self.physical = physical_name(component)
        self.left_alone = what == LEFT_ALONE
        self.off = not is_active(component, names, references=True)
        section = component.resolved.get("secrets")
        declared = section.get("vars") if isinstance(section, dict) else None
        self.in_stores = isinstance(declared, dict) and bool(declared)
        self.declares = isinstance(held.get("secrets"), dict) and bool(held["secrets"])
        written = self.physical.lower()
        self.parameters = any(one in written for one in _PARAMETERS) or any(
            text == _SECURE for _, text in texts(variables)
        )


def _seen(stacks: Iterable[AtmosStack], by_operator: Mapping[str, str]) -> Iterator[_Seen]:
    for kind, components in (one for stack in stacks for one in stack.components.items()):
        for component in components.values():
            if component.abstract and recognised(component, by_operator).kind != SECRETS:
                continue
            seen = _Seen(component, by_operator, components)
            # Components of every kind declare secrets in stores, and nothing else that is known here.
            if kind == TERRAFORM or seen.in_stores:
                yield seen


def _remarks(seen: list[_Seen]) -> Iterator[str]:
    secrets = [one for one in seen if one.kind == SECRETS]
    unknown = [one for one in seen if one.kind is None]
    if alike := _names(one.physical for one in unknown if one.declares and not one.left_alone):
        yield (
            f"{_listed(alike)} {_verb(alike, 'has', 'have')} vars.secrets. If they are for this project, add "
            f"settings.secrets_pipeline.{COMPONENTS}: {{{', '.join(f'{name}: {SECRETS}' for name in alike)}}}."
        )
    if stored := _names(one.name for one in seen if one.in_stores):
        yield (
            f"{_listed(stored)} {_verb(stored, 'declares', 'declare')} Atmos secrets, none of them in a store of kind "
            "aws/asm. Atmos keeps them."
        )
    if off := _names(one.name for one in secrets if one.off):
        yield f"{_listed(off)} {_verb(off, 'is', 'are')} abstract or switched off."
    if left := _names(one.name for one in unknown if one.left_alone):
        yield f"The settings ({COMPONENTS}) leave {_listed(left)} alone."
    rest = [one for one in unknown if not (one.declares or one.left_alone or one.in_stores)]
    if parameters := _names(one.name for one in rest if one.parameters):
        yield (
            f"{_listed(parameters)} {_verb(parameters, 'makes', 'make')} SSM parameters. They stay with Terraform; a "
            f"secret can copy one with {A_PARAMETER}."
        )
    if beside := _names(one.name for one in seen if one.kind not in (None, SECRETS)):
        stay, them = ("stays", "it") if len(beside) == 1 else ("stay", "them")
        yield f"{_listed(beside)} {stay} with Terraform, as no secret refers to {them}."


def _names(names: Iterable[str]) -> list[str]:
    return sorted(set(names))


def _listed(names: list[str]) -> str:
    shown, more = names[:_LISTED], len(names) - _LISTED
    if more > 0:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def _verb(names: list[str], one: str, several: str) -> str:
    return one if len(names) == 1 else several
