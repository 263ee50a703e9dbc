"""Read Terraform's or OpenTofu's state: a state file of format 4, or what `terraform show -json` prints of a state.

No error quotes the document: it holds plaintext.
Sources: `internal/states/statefile/version4.go` and `internal/command/jsonstate/state.go` of hashicorp/terraform,
https://developer.hashicorp.com/terraform/internals/json-format, `internal/encryption/base.go` of opentofu/opentofu.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from secrets_pipeline.errors import TerraformStateError
from secrets_pipeline.operations.migration.addresses import Address, Key, parse_modules
from secrets_pipeline.operations.migration.attributes import Attributes, kept
from secrets_pipeline.references.terraform_state import FORMAT, json_object

_PULL = "Give a current state: `terraform state pull | secrets-pipeline migrate terraform --state -`."
_ZIP = b"PK\x03\x04"
_OPENTOFU = "registry.opentofu.org/"
_NAME = re.compile(r"[^\W\d][\w-]*")
_VERSION = re.compile(r"\d+\.\d+\.\d+[\w.+-]{0,40}")


@dataclass(frozen=True, slots=True)
class Instance:
    """A resource instance that Terraform manages.

    Attributes:
        address: where Terraform keeps it.
        attributes: what is kept of it.
        depends_on: addresses of resource blocks that it depends on, directly or through others.
        tainted: whether the next apply of Terraform would replace it.
    """

    address: Address
    attributes: Attributes
    depends_on: frozenset[str] = frozenset()
    tainted: bool = False


@dataclass(slots=True)
class State:
    """What was read of a state.

    Attributes:
        form: what it is, for humans.
        version: of Terraform or OpenTofu, whoever wrote it; empty if the state does not say.
        opentofu: whether OpenTofu wrote it, as the names of providers tell.
        instances: managed ones, in the order of the state.
        data: how many data sources of each type it has; Terraform only reads them.
        deposed: addresses of objects that are replaced already and wait to be destroyed.
        unreadable: addresses of instances whose attributes nobody upgraded since Terraform 0.11.
    """

    form: str
    version: str = ""
    opentofu: bool = False
    instances: list[Instance] = field(default_factory=list)
    data: Counter[str] = field(default_factory=Counter)
    deposed: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    @property
    def program(self) -> str:
        """The command that reads this state."""
        return "tofu" if self.opentofu else "terraform"

    def of(self, *kinds: str) -> list[Instance]:
        """The instances of some types."""
        return [one for one in self.instances if one.address.type in kinds]


def read_state(content: bytes) -> State:
    """Read a state; sensitive attributes are wrapped or dropped at once.

    Args:
        content: of the file.

    Raises:
        TerraformStateError: if it is no state, or none that can be read.
    """
    if content.startswith(_ZIP):
        raise TerraformStateError("this is a saved plan, not a state", remedy=_PULL)
    document = json_object(
        content,
        remedy=_PULL,
        decrypt="Let OpenTofu decrypt it: `tofu show -json | secrets-pipeline migrate terraform --state -`.",
    )
    if "planned_values" in document or "resource_changes" in document:
        raise TerraformStateError("this is what `show -json` prints of a plan, not of a state", remedy=_PULL)
    if "format_version" in document:
        return _shown(document)
    return _state_file(document)


def _state_file(document: Mapping[str, Any]) -> State:
    number = document.get("version")
    if not isinstance(number, int) or isinstance(number, bool):
        raise TerraformStateError("this is JSON, but no state: it has no format version", remedy=_PULL)
    if number < FORMAT:
        raise TerraformStateError(
            f"this state has format {number}, of Terraform 0.11 or before",
            remedy="Let Terraform 0.12 or later upgrade it: `terraform init`, `terraform apply -refresh-only`, then "
            "`terraform state pull`.",
        )
    if number > FORMAT:
        raise TerraformStateError(
            f"this state has format {number}; this project reads format {FORMAT}",
            remedy="Give what `terraform show -json` prints.",
        )
    state = State(f"state file of format {FORMAT}", _version(document))
    for resource in _maps(document.get("resources")):
        modules, kind, name = parse_modules(_text(resource, "module")), _text(resource, "type"), _text(resource, "name")
        if modules is None or not _are_names(kind, name):
            continue
        provider = _text(resource, "provider")
        state.opentofu = state.opentofu or _OPENTOFU in provider
        for one in _maps(resource.get("instances")):
            address = Address(modules, kind, name, _key(one.get("index_key")))
            if _text(resource, "mode") == "data":
                state.data[kind] += 1
            elif _text(one, "deposed"):
                state.deposed.append(str(address))
            elif "attributes" not in one and one.get("attributes_flat"):
                state.unreadable.append(str(address))
            else:
                attributes = kept(kind, _map(one.get("attributes")), frozenset(_paths(one.get("sensitive_attributes"))))
                state.instances.append(
                    Instance(
                        address,
                        attributes,
                        _names(one.get("dependencies")),
                        tainted=_text(one, "status") == "tainted",
                    )
                )
    return state


def _shown(document: Mapping[str, Any]) -> State:
    state = State("output of show -json", _version(document))
    for modules, resource in _modules(_map(_map(document.get("values")).get("root_module")), ()):
        kind, name = _text(resource, "type"), _text(resource, "name")
        if not _are_names(kind, name):
            continue
        state.opentofu = state.opentofu or _text(resource, "provider_name").startswith(_OPENTOFU)
        address = Address(modules, kind, name, _key(resource.get("index")))
        if _text(resource, "mode") == "data":
            state.data[kind] += 1
        elif _text(resource, "deposed_key"):
            state.deposed.append(str(address))
        else:
            values = _map(resource.get("values"))
            # Of what the provider declares sensitive it also says `true`; those are never kept as public ones.
            sensitive = frozenset(
                name for name, mark in _map(resource.get("sensitive_values")).items() if _marked(mark)
            )
            state.instances.append(
                Instance(
                    address,
                    kept(kind, values, sensitive),
                    _names(resource.get("depends_on")),
                    tainted=resource.get("tainted") is True,
                )
            )
    return state


def _modules(
    module: Mapping[str, Any], place: tuple[tuple[str, Key], ...]
) -> Iterator[tuple[tuple[tuple[str, Key], ...], Mapping[str, Any]]]:
    """The resources of a module and of those below it, each with where it is."""
    for resource in _maps(module.get("resources")):
        yield place, resource
    for child in _maps(module.get("child_modules")):
        below = parse_modules(_text(child, "address"))
        if below:
            yield from _modules(child, below)


def _paths(marks: object) -> Iterator[str]:
    """The attributes that the marks of a state file lead to: `[[{"type": "get_attr", "value": NAME}, …], …]`."""
    for path in marks if isinstance(marks, list) else ():
        first = path[0] if isinstance(path, list) and path else None
        if isinstance(first, dict) and isinstance(first.get("value"), str):
            yield first["value"]


def _marked(mark: object) -> bool:
    """Whether `true` stands anywhere in what `sensitive_values` says of an attribute."""
    if isinstance(mark, (dict, list)):
        return any(_marked(below) for below in (mark.values() if isinstance(mark, dict) else mark))
    return mark is True


def _are_names(*names: str) -> bool:
    """Whether Terraform has such names; they are written into its language."""
    return all(_NAME.fullmatch(one) for one in names)


def _version(document: Mapping[str, Any]) -> str:
    found = _text(document, "terraform_version")
    return found if _VERSION.fullmatch(found) else ""


def _key(key: object) -> Key:
    if isinstance(key, bool) or key is None:
        return None
    whole = isinstance(key, int) or (isinstance(key, float) and key.is_integer())
    return int(key) if whole else str(key)  # type: ignore[call-overload] # it is a number


def _names(names: object) -> frozenset[str]:
    return frozenset(one for one in names if isinstance(one, str)) if isinstance(names, list) else frozenset()


def _map(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


def _maps(found: object) -> list[Mapping[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _text(of: Mapping[str, Any], name: str) -> str:
    found = of.get(name)
    return found if isinstance(found, str) else ""
