"""Define what is known of a secret that Atmos keeps in Parameter Store: this project looks whether it is there."""

from __future__ import annotations

from secrets_pipeline.desired.base import Spec


class ParameterSpec(Spec):
    """A SecureString that a `secrets:` section declares.

    Attributes:
        name: of the parameter.
        title: what Atmos calls it, and its store.
        required: whether `atmos secret validate` fails while it is missing.
    """

    name: str
    title: str
    required: bool = False
