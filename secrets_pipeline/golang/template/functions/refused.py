"""Functions that templates may name and that are not supported: they fail, and say why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NoReturn

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.values import Function, Namespace, Value

_KEYS: Final = "it makes a new key at every rendering; make it outside, and refer to it"
NETWORK: Final = "templates have no network; write the address into the stack"


def refuse(name: str, reason: str) -> Function:
    """A function that always fails.

    Args:
        name: what it is called in a template.
        reason: why, and what to use instead.
    """

    def refused(*_: Value) -> NoReturn:
        raise FunctionFailure(f"{name} is not supported: {reason}")

    return refused


def refuse_all(names: Iterable[str], reason: str, prefix: str = "") -> dict[str, Function]:
    """The same for several, by their names without the prefix."""
    return {name: refuse(prefix + name, reason) for name in names}


def refuse_namespace(name: str, methods: Iterable[str], reason: str) -> Namespace:
    """A namespace all of whose methods fail."""
    return Namespace(name, refuse_all(methods, reason, f"{name}."))


FUNCTIONS: Final[Mapping[str, Function]] = {
    **refuse_all(
        (
            "buildCustomCert",
            "genCA",
            "genCAWithKey",
            "genPrivateKey",
            "genSelfSignedCert",
            "genSelfSignedCertWithKey",
            "genSignedCert",
            "genSignedCertWithKey",
        ),
        _KEYS,
    ),
    **refuse_all(
        ("bcrypt", "derivePassword", "decryptAES", "encryptAES", "htpasswd"),
        "a plain secret has no place in a stack; let the secretsmanager component generate it",
    ),
    "getHostByName": refuse("getHostByName", NETWORK),
}
