"""Read how a password is generated: by the component's variables, or within what its database engine takes.

Sources: variables.tf of tf-atmos's secretsmanager component;
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html (MasterUserPassword).
"""

from __future__ import annotations

import string
from dataclasses import dataclass

from secrets_pipeline.desired.reading.inputs import Inputs
from secrets_pipeline.desired.value.model import PasswordPolicy
from secrets_pipeline.rotation_lambda.password_strength import SHORTEST, weakness

DEFAULT_LENGTH = 32
DEFAULT_SPECIAL = "!#$%&*()-_=+[]{}<>:?"
DEFAULT_MINIMUM = 5
LONGEST = 256
_CLASSES = ("lower", "upper", "numeric", "special")


@dataclass(frozen=True, slots=True)
class EngineRules:
    """What an RDS engine takes as master password.

    Attributes:
        family: name in messages.
        longest: characters.
        special: characters that are also safe in a URL, so no connection string needs escaping.
        barred: characters that RDS refuses.
    """

    family: str
    longest: int
    special: str = "-_.~"
    barred: str = "/@\"' "


_RULES = {
    "postgres": EngineRules("PostgreSQL", 128),
    "mysql": EngineRules("MySQL", 41),
    "mariadb": EngineRules("MariaDB", 41),
    "oracle": EngineRules("Oracle", 30),
    "sqlserver": EngineRules("SQL Server", 128),
    "db2": EngineRules("Db2", 255),
}


def family_of(engine: str) -> str:
    """`aurora-postgresql` → `postgres`, `oracle-se2` → `oracle`: the name that AWS's rotation templates use."""
    plain = engine.removeprefix("aurora-").removeprefix("custom-").replace("postgresql", "postgres")
    return next((family for family in _RULES if plain == family or plain.startswith(f"{family}-")), plain)


def rules_of(engine: str) -> EngineRules | None:
    """The rules of an RDS engine, or None for one that is not known."""
    return _RULES.get(family_of(engine))


def password_policy(component: Inputs, entry: Inputs, rules: EngineRules | None) -> PasswordPolicy:
    """The policy of one generated password; what is wrong is collected.

    Args:
        component: the component's variables, which hold for all of its secrets.
        entry: one secret; its own keys win.
        rules: of the engine whose master password it is.
    """
    length = _length(component, entry, rules)
    special = _special(component, entry, rules)
    alphabet = {
        "lower": string.ascii_lowercase,
        "upper": string.ascii_uppercase,
        "numeric": string.digits,
        "special": special,
    }
    minima = {name: _minimum(component, entry, name) for name in _CLASSES}
    if not special:
        minima["special"] = 0
    least = sum(minima.values())
    where, key = _set_by(component, entry, "random_password_length", "password_length")
    if least > length:
        where.error(
            key,
            f"a password of {length} characters cannot hold its minima, {least} characters",
            f"Raise the length to {least}, or lower random_password_min_lower, _upper, _numeric and _special.",
        )
    elif weak := weakness(length, ((characters, minima[name]) for name, characters in alphabet.items())):
        where.error(
            key,
            f"a password of {length} characters with these minima has {weak}",
            "Raise the length, or lower the minimum of the class with few characters.",
        )
    return PasswordPolicy(length=length, alphabet=alphabet, minima=minima)


def _set_by(component: Inputs, entry: Inputs, *keys: str) -> tuple[Inputs, str]:
    """Where the first of the keys is set; the entry if nowhere."""
    for where in (entry, component):
        for key in keys:
            if where.has(key):
                return where, key
    return entry, keys[0]


def _length(component: Inputs, entry: Inputs, rules: EngineRules | None) -> int:
    longest = rules.longest if rules else LONGEST
    where, key = _set_by(component, entry, "random_password_length", "password_length")
    default = min(DEFAULT_LENGTH, longest)
    length = where.integer(key, default, least=SHORTEST, most=LONGEST) or default
    if rules and length > longest:
        where.error(
            key,
            f"{key} is {length}, but {rules.family} takes master passwords of {SHORTEST} to {longest} characters",
            f"Write {key}: {longest}, or leave it out.",
        )
    return length


def _special(component: Inputs, entry: Inputs, rules: EngineRules | None) -> str:
    where, key = _set_by(component, entry, "random_password_special")
    special = where.boolean(key, default=True)
    where, key = _set_by(component, entry, "random_password_override_special", "override_special")
    given = where.text(key)
    if not special:
        return ""
    if given is None:
        return rules.special if rules else DEFAULT_SPECIAL
    wrong = [character for character in given if character not in string.punctuation]
    twice = sorted({character for character in given if given.count(character) > 1})
    barred = [character for character in given if rules and character in rules.barred]
    if wrong:
        where.error(key, f"{key} holds {''.join(wrong)!r}", "Name punctuation of ASCII only.")
    if twice:
        where.error(key, f"{key} repeats {''.join(twice)!r}", "Name each character once.")
    if barred and rules:
        where.error(
            key,
            f"{key} holds {''.join(barred)!r}, which RDS refuses in the master password of {rules.family}",
            f"Take them out, or leave {key} out for {rules.special!r}.",
        )
    return given


def _minimum(component: Inputs, entry: Inputs, name: str) -> int:
    where, key = _set_by(component, entry, f"random_password_min_{name}", f"min_{name}")
    minimum = where.integer(key, DEFAULT_MINIMUM, least=0, most=LONGEST)
    return DEFAULT_MINIMUM if minimum is None else minimum
