"""Define what a map in a manifest may say: the keys that its reader knows."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class ManifestMap(BaseModel):
    """A map in a manifest, a field for each key that its reader knows; None for what it does not say.

    It describes, and holds no value: readers go key by key, since each mistake has a place of its own.
    """

    model_config = ConfigDict(extra="forbid", defer_build=True)
