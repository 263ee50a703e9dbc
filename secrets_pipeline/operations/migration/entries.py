"""Write secrets as `secretsmanager` components: one a module and place, what all entries share said once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Final

from secrets_pipeline.operations.migration.addresses import Address
from secrets_pipeline.operations.migration.model import Generated, MigratedParameter, MigratedSecret, Place
from secrets_pipeline.operations.migration.yaml_text import Commented, Tree

_KIND: Final = "secretsmanager"
_GENERIC: Final = frozenset({"this", "default", "main", "secret", "secrets", "sm", "example"})
"""Names of resource blocks that say nothing of the secret."""
_DEFAULT_KEY: Final = "alias/aws/secretsmanager"
_NO_KEY = re.compile(r"[^A-Za-z0-9_.-]+")
_DEFAULT_WINDOW: Final = 30
_SEVERAL: Final = 2


@dataclass(frozen=True, slots=True)
class Naming:
    """What a component says of the names of its secrets.

    Attributes:
        context_name: begins them.
        environment: follows it; None for none.
    """

    context_name: str
    environment: str | None

    @property
    def prefix(self) -> str:
        """What their names begin with."""
        return "".join(f"{part}/" for part in (self.context_name, self.environment) if part)


@dataclass(frozen=True, slots=True)
class Component:
    """A component to be written into a stack.

    Attributes:
        name: for example `secretsmanager/app`.
        place: of the stack.
        variables: its `vars`, with comments.
        names: full names of its secrets.
        from_ssm: whether its values are references to parameters, in the dialect of tf-atmos.
    """

    name: str
    place: Place
    variables: Mapping[str, Tree]
    names: tuple[str, ...]
    from_ssm: bool = False

    @property
    def sections(self) -> dict[str, Tree]:
        """All that its manifest says; of what kind it is, where its name does not, and that `${ssm:…}` is no text."""
        said: dict[str, Tree] = {} if self.name.partition("/")[0] == _KIND else {"metadata": {"component": _KIND}}
        if self.from_ssm:
            said["settings"] = {"secrets_pipeline": {"dialect": "tf-atmos"}}
        return {**said, "vars": self.variables}


@dataclass(frozen=True, slots=True)
class Home:
    """What is known of the stack of a place; of one that is not known nothing is.

    Attributes:
        naming: how its components name their secrets; without any, each entry says its full name.
        components: names of those that it has: what is written does not merge with them.
        accounts: ids that it says; none where nobody says one.
        regions: that it says; none where nobody says one.
    """

    naming: tuple[Naming, ...] = ()
    components: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()

    def may_be_in(self, place: Place) -> bool:
        """Whether nothing that the stack says speaks against a place."""
        named = ((self.accounts, place.account_id), (self.regions, place.region))
        return all(not said or one in said for said, one in named)


_UNKNOWN: Final = Home()


def components_of(secrets: Iterable[MigratedSecret], root: str, homes: Mapping[Place, Home]) -> list[Component]:
    """The components of secrets: those of one module and one place together.

    Args:
        secrets: to be declared.
        root: name of the component for the root module.
        homes: what is known of stacks.
    """
    groups: dict[tuple[Place, str], list[MigratedSecret]] = {}
    for secret in secrets:
        groups.setdefault((secret.place, _component(secret.instance.address, root)), []).append(secret)
    return [
        _secrets_component(name, place, members, homes.get(place, _UNKNOWN))
        for (place, name), members in groups.items()
    ]


def parameter_components(
    parameters: Iterable[MigratedParameter], root: str, homes: Mapping[Place, Home]
) -> list[Component]:
    """The components of secrets that take the place of parameters: `secret_data` reads the parameter at each apply.

    Args:
        parameters: whose place is taken.
        root: name of the component for the root module.
        homes: what is known of stacks.
    """
    groups: dict[tuple[Place, str], list[MigratedParameter]] = {}
    for one in parameters:
        groups.setdefault((one.place, f"{_component(one.instance.address, root)}-from-ssm"), []).append(one)
    found = []
    for (place, name), members in groups.items():
        names = tuple(one.name.strip("/") for one in members)
        home = homes.get(place, _UNKNOWN)
        naming = _naming(names, home.naming)
        keys = _keys(list(zip([one.instance.address for one in members], names, strict=True)))
        entries: dict[str, Tree] = {}
        for key, one in zip(keys, members, strict=True):
            said: dict[str, Tree] = {"description": one.description, "kms_key_id": one.kms_key_id, "tags": one.tags}
            entry: dict[str, Tree] = {**_named(one.name.strip("/"), key, naming), "secret_data": f"${{ssm:{one.name}}}"}
            entry |= {name: text for name, text in said.items() if text}
            entries[key] = Commented(entry, (str(one.instance.address), *(f"NOTE: {note}" for note in one.notes)))
        variables: dict[str, Tree] = {**_told(naming), "secrets": entries}
        found.append(Component(name, place, variables, names, from_ssm=True))
    return found


def named_apart(components: Iterable[Component], homes: Mapping[Place, Home]) -> list[Component]:
    """The same components, each with a name that neither its stack nor another one has, or with a number."""
    taken = {place: set(home.components) for place, home in homes.items()}
    found = []
    for one in components:
        names = taken.setdefault(one.place, set())
        name = next(name for name in _numbered(one.name) if name not in names)
        names.add(name)
        found.append(replace(one, name=name))
    return found


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}-{number}" for number in count(2))


def entry_fields(secret: MigratedSecret) -> dict[str, Any]:
    """All that an entry says of a secret, but its name."""
    fields: dict[str, Any] = {}
    if isinstance(secret.value, Generated):
        fields |= {"generate_random_password": True, **secret.value.policy}
    else:
        fields["value"] = "external"
    if secret.description:
        fields["description"] = secret.description
    # Said in any case: a stack may have a default of its own.
    fields["kms_key_id"] = secret.kms_key_id or _DEFAULT_KEY
    if secret.recovery_window_in_days != _DEFAULT_WINDOW:
        fields["recovery_window_in_days"] = secret.recovery_window_in_days
    if secret.rotation:
        fields["rotation"] = secret.rotation
    if secret.replicas:
        fields["replica_regions"] = list(secret.replicas)
    if secret.policy:
        fields["policy"] = secret.policy
    if secret.tags:
        fields["tags"] = dict(secret.tags)
    return fields


def _component(address: Address, root: str) -> str:
    return f"{_KIND}/{'-'.join(address.module)}" if address.module else root


def _secrets_component(name: str, place: Place, members: Sequence[MigratedSecret], home: Home) -> Component:
    naming = _naming([one.name for one in members], home.naming)
    fields = [entry_fields(one) for one in members]
    shared = _shared(members, fields)
    keys = _keys([(one.instance.address, one.name) for one in members])
    entries: dict[str, Tree] = {}
    for key, one, entry in zip(keys, members, fields, strict=True):
        entries[key] = Commented({**_named(one.name, key, naming), **entry}, _comments(one))
    variables: dict[str, Tree] = {**_told(naming), **shared, "secrets": entries}
    return Component(name, place, variables, tuple(one.name for one in members))


def _told(naming: Naming | None) -> dict[str, str]:
    if naming is None:
        return {}
    return {"context_name": naming.context_name, **({"environment": naming.environment} if naming.environment else {})}


def _comments(secret: MigratedSecret) -> tuple[str, ...]:
    value = secret.value
    of = f"value of {value.source}" if isinstance(value, Generated) else f"the value in AWS stays: {value.why}"
    return (f"{secret.instance.address}; {of}", *(f"NOTE: {note}" for note in secret.notes))


def _naming(names: Sequence[str], known: Sequence[Naming]) -> Naming | None:
    """What most names follow; None where none does."""
    follow = Counter({one: sum(name.startswith(one.prefix) for name in names) for one in known})
    best = max(follow, key=lambda one: (follow[one], len(one.prefix)), default=None)
    return best if best is not None and follow[best] else None


def _named(name: str, key: str, naming: Naming | None) -> dict[str, str]:
    if naming is None or not name.startswith(naming.prefix):
        return {"full_name": name}
    path, _, last = name.removeprefix(naming.prefix).rpartition("/")
    if not last or path.strip("/") != path or "//" in name:
        # The pattern would leave empty parts out.
        return {"full_name": name}
    return {**({"path": path} if path else {}), **({"name": last} if last != key else {})}


def _keys(secrets: Iterable[tuple[Address, str]]) -> list[str]:
    """A key for each: what the author of the Terraform called it, else the end of its name; no key twice."""
    taken: set[str] = set()
    found = []
    for address, name in secrets:
        words = [address.key, *(key for _, key in reversed(address.modules))]
        texts = [one for one in words if isinstance(one, str)]
        own = [address.name] if address.name not in _GENERIC and address.key is None else []
        candidates = [_NO_KEY.sub("-", one).strip("-.") for one in (*texts, *own, name.rpartition("/")[2], name)]
        key = next((one for one in candidates if one and one not in taken), "")
        number = 2
        while not key:
            numbered = f"{candidates[-1] or 'secret'}-{number}"
            key, number = ("" if numbered in taken else numbered), number + 1
        taken.add(key)
        found.append(key)
    return found


def _shared(members: Sequence[MigratedSecret], fields: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What all of several entries say, taken out of them: variables of the component."""
    shared: dict[str, Any] = {}
    if len(fields) > 1:
        shared |= _shared_settings(fields)
        generated = [n for n, secret in enumerate(members) if isinstance(secret.value, Generated)]
        shared |= _shared_passwords([fields[n] for n in generated])
        shared |= _shared_tags(fields)
    return shared


def _shared_settings(fields: Sequence[dict[str, Any]]) -> dict[str, Any]:
    shared: dict[str, Any] = {}
    for key in ("kms_key_id", "recovery_window_in_days"):
        if key in fields[0] and _same([one.get(key) for one in fields]):
            shared[f"default_{key}"] = fields[0][key]
            for one in fields:
                del one[key]
    return shared


def _shared_passwords(fields: Sequence[dict[str, Any]]) -> dict[str, Any]:
    policies = [{key: one for key, one in entry.items() if key.startswith("random_password_")} for entry in fields]
    if len(policies) < _SEVERAL or not _same(policies):
        return {}
    for entry in fields:
        for key in policies[0]:
            del entry[key]
    return policies[0]


def _shared_tags(fields: Sequence[dict[str, Any]]) -> dict[str, Any]:
    common = set.intersection(*(set(one.get("tags", {}).items()) for one in fields))
    for one in fields if common else ():
        one["tags"] = {key: value for key, value in one["tags"].items() if (key, value) not in common}
        if not one["tags"]:
            del one["tags"]
    return {"tags": dict(sorted(common))} if common else {}


def _same(values: Sequence[Any]) -> bool:
    return all(one == values[0] for one in values)
