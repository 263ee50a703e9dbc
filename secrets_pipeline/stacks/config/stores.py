"""Read `stores` of `atmos.yaml`, and name what a store keeps: the place of a value in AWS is computed, never asked for.

Sources: Atmos `pkg/store/registry.go` (kinds), `pkg/store/providers/keys.go` (names),
`pkg/store/providers/aws_secrets_manager_store.go` and `aws_ssm_param_store.go` (options, GetKey);
https://atmos.tools/cli/configuration/stores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from secrets_pipeline.golang.printing import as_text
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.tags import FunctionCall

SSM: Final = "aws/ssm"
"""Systems Manager Parameter Store."""
ASM: Final = "aws/asm"
"""Secrets Manager."""
STACK_DELIMITER: Final = "-"
"""What the name of a stack is split at, unless a store says `stack_delimiter`."""


class NotAllowed(str):
    """What `!env` gives for a variable that may not be read: empty, and no option of a store is known by it."""

    __slots__ = ("variable",)

    variable: str

    def __new__(cls, variable: str) -> Self:
        """Make one.

        Args:
            variable: that may not be read.
        """
        made = super().__new__(cls)
        made.variable = variable
        return made


_OPTIONS: Final = ("region", "prefix", "stack_delimiter")
_LEGACY: Final[Mapping[str, str]] = {"aws-ssm-parameter-store": SSM, "aws-secrets-manager": ASM}
"""`type` of earlier versions → `kind`."""


@dataclass(frozen=True, slots=True)
class Store:
    """One entry of `stores`.

    Attributes:
        name: what manifests call it.
        kind: `aws/ssm`, `aws/asm`, or another one, of which nothing else is read.
        secret: whether it holds secrets: then `!secret` reads it, and `!store` may not.
        region: of AWS; empty where it says none.
        prefix: of all names.
        stack_delimiter: what the name of a stack is split at.
        unknown: the option that this process does not know, for example a `prefix` of a variable that nobody allows.
        variable: that it comes from; empty where it is another function's.
    """

    name: str
    kind: str
    secret: bool = False
    region: str = ""
    prefix: str = ""
    stack_delimiter: str = STACK_DELIMITER
    unknown: str = ""
    variable: str = ""

    @property
    def problem(self) -> str:
        """Why its place in AWS is not known here; empty where it is known."""
        return f"{self.unknown} of store {self.name} is not known" if self.unknown else ""

    @property
    def remedy(self) -> str:
        """What makes an option known that is not."""
        if not self.variable:
            return "Write it as text, or with !env."
        allowed = f"{{name: {self.variable}, secret: false}}"
        return f"Let the operator allow its variable under environment_allowed: {allowed}."

    def key(self, stack: str, component: str, key: str) -> str:
        """The name in AWS of a value of a component of a stack; an empty stack or component is left out.

        The rule is Atmos's `getKey`: the stack is split at the delimiter, the component at its slashes, and `//`
        becomes `/` once.
        """
        parts = [self.prefix]
        if stack:
            # Go's strings.Split takes a text apart into characters where the separator is empty.
            parts += stack.split(self.stack_delimiter) if self.stack_delimiter else list(stack)
        if component:
            parts += component.split("/")
        return "/".join([*parts, key]).replace("//", "/")

    def raw_key(self, key: str) -> str:
        """The name in AWS of a value that `!store.get` names: the prefix in front of it, and for SSM a slash."""
        name = f"{self.prefix}/{key}" if self.prefix else key
        return f"/{name}" if self.kind == SSM and not name.startswith("/") else name


Stores = Mapping[str, Store]
"""Stores by name."""


def read_stores(section: Mapping[str, Value]) -> Stores:
    """The stores of a configuration whose keys are in lower case, as Viper makes them; what is no map is left out."""
    return {name: _store(name, entry) for name, entry in section.items() if isinstance(entry, dict)}


def _store(name: str, entry: Mapping[str, Value]) -> Store:
    given = entry.get("options")
    options = given if isinstance(given, dict) else {}
    said = str(entry.get("kind") or entry.get("type") or "")
    unknown = next((key for key in _OPTIONS if isinstance(options.get(key), FunctionCall | NotAllowed)), "")
    withheld = options.get(unknown)
    delimiter = options.get("stack_delimiter")
    return Store(
        name=name,
        kind=_LEGACY.get(said, said),
        secret=entry.get("secret") in (True, "true"),
        region=_text(options.get("region")),
        prefix=_text(options.get("prefix")),
        stack_delimiter=STACK_DELIMITER if delimiter is None else _text(delimiter),
        unknown=unknown,
        variable=withheld.variable if isinstance(withheld, NotAllowed) else "",
    )


def _text(value: Value) -> str:
    return "" if value is None or isinstance(value, dict | list | FunctionCall) else as_text(value)


def store_named(stores: Stores, name: str) -> Store | None:
    """The store that a manifest names; None where the configuration has none of that name."""
    return stores.get(name) or stores.get(name.lower())
