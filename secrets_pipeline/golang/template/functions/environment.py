"""What template functions read besides their arguments, and Sprig's functions that read it."""

from __future__ import annotations

import base64
import re
import string
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from random import Random
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.limits import spend
from secrets_pipeline.golang.template.functions.numeric import MAX_ITEMS
from secrets_pipeline.golang.values import Function

_VARIABLE: Final = re.compile(
    r"\$(?:\{(?P<braced>[^}]*)\}|(?P<unclosed>\{)|(?P<plain>[*#$@!?0-9-]|[A-Za-z_][A-Za-z0-9_]*))"
)
ASCII: Final = "".join(map(chr, range(32, 127)))


@dataclass(frozen=True, slots=True)
class RenderingEnvironment:
    """All that is not the same at every rendering.

    Attributes:
        variables: of the environment, all that `env` and `getenv` may see.
        now: gives the current time, aware of its zone, which is what Go calls `Local`.
        random: source of the random functions: `random.SystemRandom()`, or a seeded one for the same result each time.
    """

    variables: Mapping[str, str]
    now: Callable[[], datetime]
    random: Random

    @property
    def local(self) -> tzinfo:
        """The zone of `now`."""
        return self.now().tzinfo or UTC

    def variable(self, name: str) -> str:
        """A variable, or nothing."""
        return self.variables.get(name, "")

    def expanded(self, text: str) -> str:
        """The text with its `$NAME` and `${NAME}` replaced; those of unknown names vanish (Go's `os.ExpandEnv`)."""
        return _VARIABLE.sub(lambda match: self.variable(match["braced"] or match["plain"] or ""), text)

    def letters(self, count: int, alphabet: str) -> str:
        """So many random characters.

        Raises:
            FunctionFailure: if they are too many.
        """
        if count > MAX_ITEMS:
            raise FunctionFailure(f"a text of more than {MAX_ITEMS} random characters is not supported")
        return "".join(self.random.choices(alphabet, k=max(count, 0)))

    def uuid(self) -> str:
        """A random UUID, of version 4."""
        return str(uuid.UUID(bytes=self.random.randbytes(16), version=4))

    def between(self, low: int, high: int) -> int:
        """A random number from `low` on, less than `high`.

        Raises:
            FunctionFailure: if there is none.
        """
        if high <= low:
            raise FunctionFailure("invalid argument to Intn")
        return self.random.randrange(low, high)

    def shuffled(self, text: str) -> str:
        """The characters of a text in random order."""
        spend(len(text))
        return "".join(self.random.sample(text, len(text)))

    def bytes_base64(self, count: int) -> str:
        """So many random bytes in base64.

        Raises:
            FunctionFailure: if there cannot be so many.
        """
        if not 0 <= count <= MAX_ITEMS:
            raise FunctionFailure(f"{count} random bytes are not supported")
        return base64.b64encode(self.random.randbytes(count)).decode()


def environment_functions(environment: RenderingEnvironment) -> Mapping[str, Function]:
    """Sprig's functions on the environment and on chance ("OS Functions", `rand…`, `shuffle`, `uuidv4`)."""

    def random_letters(alphabet: str) -> Function:
        def letters(count: int) -> str:
            return environment.letters(count, alphabet)

        return letters

    return {
        "env": environment.variable,
        "expandenv": environment.expanded,
        "randAlpha": random_letters(string.ascii_letters),
        "randAlphaNum": random_letters(string.ascii_letters + string.digits),
        "randAscii": random_letters(ASCII),
        "randBytes": environment.bytes_base64,
        "randInt": environment.between,
        "randNumeric": random_letters(string.digits),
        "shuffle": environment.shuffled,
        "uuidv4": environment.uuid,
    }
