"""Say what becomes of a secret's value: compared in memory with the passwords of a state, never shown."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final

from pydantic import SecretStr

from secrets_pipeline.desired.value.passwords import DEFAULT_LENGTH, DEFAULT_MINIMUM, DEFAULT_SPECIAL, LONGEST
from secrets_pipeline.operations.migration.attributes import RANDOM, VERSION, Attributes, HeldValue
from secrets_pipeline.operations.migration.model import External, Generated
from secrets_pipeline.operations.migration.state import Instance, State
from secrets_pipeline.rotation_lambda.password_strength import weakness

_RANDOM_SPECIAL: Final = "!@#$%&*()-_=+[]{}<>:?"
"""What the random provider takes without `override_special`: docs/resources/password.md of its repository."""
_KEY_PAIR: Final = re.compile(r"([\w-]+\.)*tls_\w+\.[\w-]+")
_CURRENT: Final = "AWSCURRENT"
_CLASSES: Final = {
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "numeric": string.digits,
}


class Values:
    """The values that a state holds.

    Args:
        state: as read.
    """

    kinds: ClassVar = (VERSION,)

    def __init__(self, state: State) -> None:
        self._passwords = _by_text(state.of(*RANDOM))
        self._holders = _by_text(state.of(VERSION))
        self._blocks = Counter(one.address.config for one in state.of(*RANDOM))
        self._versions: dict[str, list[Instance]] = {}
        for one in state.of(VERSION):
            self._versions.setdefault(one.attributes.text("secret_id"), []).append(one)
        self._users_of: dict[str, list[Instance]] = {}
        for one in state.instances:
            for block in one.depends_on & self._blocks.keys():
                self._users_of.setdefault(block, []).append(one)

    def of(self, arn: str, name: str, notes: list[str]) -> tuple[Generated | External, list[Instance]]:
        """What becomes of a secret's value, and the resources that made it, `random_password` last.

        Args:
            arn: of the secret.
            name: of the secret, which a version may name too.
            notes: takes what a human should know.
        """
        versions = [one for at in (arn, name) for one in self._versions.get(at, [])]
        if not versions:
            return External("Terraform writes no value: somebody else does"), []
        current = [one for one in versions if _CURRENT in one.attributes.listed("version_stages")]
        version = (current or versions)[-1]
        source = self.same(version)
        if source is None:
            return External(self._why(version)), versions
        users = [*self._sharing(source, versions), *self._users(source)]
        if users:
            notes.append(
                f"its password, {source.address}, is used by {', '.join(users)} too: a rotation does not reach these"
            )
        return Generated(source.address, _policy(source.attributes, notes)), [*versions, source]

    def same(self, holder: Instance) -> Instance | None:
        """The random password whose text is the whole of a value; one that the holder depends on, before any other."""
        value = _only(holder)
        if value is None:
            return None
        found = self._passwords.get(value.text, [])
        return min(found, key=lambda one: one.address.config not in holder.depends_on, default=None)

    def _why(self, version: Instance) -> str:
        given = version.attributes
        if given.public.get("has_secret_string_wo") or (
            not given.values and given.number("secret_string_wo_version") is not None
        ):
            return "Terraform writes it once and does not keep it (secret_string_wo)"
        if "secret_binary" in given.values:
            return "it is binary"
        value = given.values.get("secret_string")
        if value is None:
            return "Terraform has a version without a value that it keeps"
        inside = [(key, one) for key, leaf in value.leaves for one in self._passwords.get(leaf, [])]
        if inside:
            key, source = max(inside, key=lambda one: one[0])
            which = f"its key {key} is" if key else "one of its keys is"
            return f"it is JSON, and {which} {source.address}"
        made = sorted(one for one in version.depends_on if _KEY_PAIR.fullmatch(one))
        if made:
            return f"Terraform makes it of {', '.join(made)}"
        what = "JSON that Terraform writes" if value.is_document else "a text that Terraform writes"
        return f"it is {what}, from a variable or another resource"

    def _sharing(self, source: Instance, versions: list[Instance]) -> Iterator[str]:
        """The versions of other secrets that hold the same password."""
        own = _only(source)
        for one in self._holders.get(own.text, []) if own else ():
            if one not in versions:
                yield str(one.address)

    def _users(self, source: Instance) -> Iterator[str]:
        """What else depends on a password; of a block with several instances the state does not say which does."""
        block = source.address.config
        for one in self._users_of.get(block, []) if self._blocks[block] == 1 else ():
            through_a_version = any(f".{VERSION}." in f".{other}" for other in one.depends_on)
            if one.address.type != VERSION and not through_a_version:
                yield str(one.address)


def _by_text(holders: Iterable[Instance]) -> dict[SecretStr, list[Instance]]:
    """The holders of each value; a SecretStr is equal to another one, and hashed, by what it holds."""
    found: dict[SecretStr, list[Instance]] = {}
    for one in holders:
        value = _only(one)
        if value is not None:
            found.setdefault(value.text, []).append(one)
    return found


def _only(instance: Instance) -> HeldValue | None:
    values = instance.attributes.values
    return next(iter(values.values())) if len(values) == 1 and "secret_binary" not in values else None


def _policy(given: Attributes, notes: list[str]) -> Mapping[str, Any]:
    """How the next password is made as Terraform made this one: keys of an entry, but for those that say a default."""
    length = given.number("length") or DEFAULT_LENGTH
    minima = {name: given.number(f"min_{name}") or 0 for name in (*_CLASSES, "special")}
    special = "" if given.public.get("special") is False else given.text("override_special") or _RANDOM_SPECIAL
    special = "".join(dict.fromkeys(special))
    if not special:
        minima["special"] = 0
    left_out = [name for name in _CLASSES if given.public.get(name) is False or _off(given, name)]
    if left_out:
        notes.append(f"Terraform made its password without {', '.join(left_out)} characters; the next one has them")
    classes = [(characters, minima[name]) for name, characters in _CLASSES.items()]
    classes += [(special, minima["special"])] if special else []
    unusual = any(one not in string.punctuation for one in special)
    if unusual or length > LONGEST or sum(minima.values()) > length or weakness(length, classes):
        notes.append(
            f"its password has {length} characters by rules that this project refuses; the next has {DEFAULT_LENGTH}"
        )
        return {}
    keys: dict[str, Any] = {} if length == DEFAULT_LENGTH else {"random_password_length": length}
    if not special:
        keys["random_password_special"] = False
    elif special != DEFAULT_SPECIAL:
        keys["random_password_override_special"] = special
    for name, minimum in minima.items():
        if minimum != DEFAULT_MINIMUM and (special or name != "special"):
            keys[f"random_password_min_{name}"] = minimum
    return keys


def _off(given: Attributes, name: str) -> bool:
    """Versions 2 of the provider said `number` for what is `numeric` now."""
    return name == "numeric" and "numeric" not in given.public and given.public.get("number") is False
