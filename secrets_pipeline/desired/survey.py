"""Say what was read of stacks in which nothing was found, and what of it looks like secrets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from secrets_pipeline.desired.kinds import COMPONENTS, LEFT_ALONE, SECRETS, TERRAFORM, physical_name, recognised
from secrets_pipeline.desired.reading.ours import is_active
from secrets_pipeline.golang.values import Value
from secrets_pipeline.references.yaml_functions import A_PARAMETER
from secrets_pipeline.stacks import AtmosStack, Component, texts

_LISTED: Final = 3
_SECURE: Final = "SecureString"
_PARAMETERS: Final = ("ssm-parameter", "ssm_parameter", "parameter-store", "parameter_store")
_HOW: Final = (
    f"A secret is an entry under vars.secrets of a Terraform component named {SECRETS}, or with "
    f"metadata.component: {SECRETS}."
)


def nothing_found(stacks: Mapping[str, AtmosStack], by_operator: Mapping[str, str] | None = None) -> str:
    """What was read, what looks like secrets, and what to write so that they are found; a few sentences.

    Args:
        stacks: in which no component is this project's affair.
        by_operator: `components` of the operator's settings.
    """
    kinds = [components for stack in stacks.values() for components in stack.components.values()]
    read = f"{_counted(len(stacks), 'stack')}, {_counted(sum(map(len, kinds)), 'component')} read"
    hints = [hint for hint in _hints(list(_seen(stacks, by_operator or {}))) if hint]
    return " ".join([f"{read}; none is a {SECRETS} component that declares secrets.", *(hints or [_HOW])])


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
        self.sounds = "secret" in written or "secret" in self.name.lower()


def _seen(stacks: Mapping[str, AtmosStack], by_operator: Mapping[str, str]) -> Iterator[_Seen]:
    for kind, components in (one for stack in stacks.values() for one in stack.components.items()):
        for component in components.values():
            if component.abstract and recognised(component, by_operator).kind != SECRETS:
                continue
            seen = _Seen(component, by_operator, components)
            # Components of every kind declare secrets in stores, and nothing else that is known here.
            if kind == TERRAFORM or seen.in_stores:
                yield seen


def _hints(seen: list[_Seen]) -> Iterator[str]:
    secrets = [one for one in seen if one.kind == SECRETS]
    unknown = [one for one in seen if one.kind is None]
    if alike := _names(one.physical for one in unknown if one.declares and not one.left_alone):
        yield (
            f"{_listed(alike)} {_verb(alike, 'has', 'have')} vars.secrets: if they are for this project, add "
            f"settings.secrets_pipeline.{COMPONENTS}: {{{', '.join(f'{name}: {SECRETS}' for name in alike)}}}."
        )
    if stored := _names(one.name for one in seen if one.in_stores):
        yield (
            f"{_listed(stored)} {_verb(stored, 'declares', 'declare')} secrets: of Atmos, none of which is managed "
            "here: those in a store of kind aws/asm are, others stay where Atmos keeps them."
        )
    if off := _names(one.name for one in secrets if one.off):
        yield f"{_listed(off)} {_verb(off, 'is', 'are')} abstract or switched off."
    if left := _names(one.name for one in unknown if one.left_alone):
        yield f"{_listed(left)} {_verb(left, 'is', 'are')} left alone, as {COMPONENTS} of the settings says."
    rest = [one for one in unknown if not (one.declares or one.left_alone or one.in_stores)]
    if parameters := _names(one.name for one in rest if one.parameters):
        yield (
            f"{_listed(parameters)} {_verb(parameters, 'makes', 'make')} SSM parameters, which stay Terraform's; a "
            f"secret takes one in with {A_PARAMETER}."
        )
    if sounding := _names(one.name for one in rest if one.sounds and not one.parameters):
        yield f"{_listed(sounding)} {_verb(sounding, 'sounds', 'sound')} like secrets, without vars.secrets."
    if beside := _names(one.name for one in seen if one.kind not in (None, SECRETS)):
        yield (
            f"{_listed(beside)} {_verb(beside, 'is', 'are')} left to Terraform: no secret refers to "
            f"{_verb(beside, 'it', 'them')}, and {_verb(beside, 'it asks', 'they ask')} for nothing."
        )


def _names(names: Iterable[str]) -> list[str]:
    return sorted(set(names))


def _listed(names: list[str]) -> str:
    shown, more = names[:_LISTED], len(names) - _LISTED
    if more > 0:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def _verb(names: list[str], one: str, several: str) -> str:
    return one if len(names) == 1 else several


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"
