"""Choose the secrets that are published as assets of their own, and name those assets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import dagster as dg

from secrets_pipeline.desired.stack_globs import matches
from secrets_pipeline.orchestration.shared.names import Names

PUBLISH_VARIABLE: Final = "SECRETS_PIPELINE_PUBLISH"
"""Globs with commas between them, for the command line, and where the component names none."""
_FOLDER: Final = "secret"


@dataclass(frozen=True)
class Publish:
    """The secrets that other assets may depend on.

    Attributes:
        globs: of whole names of secrets, as `desired.stack_globs` matches them: `*` also matches a slash.
    """

    globs: tuple[str, ...] = ()

    @classmethod
    def chosen(cls, globs: Sequence[str] | None, env: Mapping[str, str]) -> Publish:
        """Choose the globs that the component names, else those of the environment."""
        named = env.get(PUBLISH_VARIABLE, "").split(",") if globs is None else globs
        return cls(tuple(glob.strip() for glob in named if glob.strip()))

    def __bool__(self) -> bool:
        """Tell whether anything can be published."""
        return bool(self.globs)

    def includes(self, secret: str) -> bool:
        """Tell whether a secret of that name is published."""
        return any(matches(secret, glob) for glob in self.globs)


NOTHING: Final = Publish()


def published_key(names: Names, secret: str) -> dg.AssetKey:
    """Return the key of a published secret: one part for each part of its name.

    Slashes at the ends and in a row leave no empty part, so `/shop/token` has the key of `shop/token`.
    """
    folder = names.asset(_FOLDER)
    return dg.AssetKey([*folder.path, *(part for part in secret.split("/") if part)])
