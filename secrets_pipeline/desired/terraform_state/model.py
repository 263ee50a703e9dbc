"""Define the Terraform states that a stack reads, and which of their outputs; never a value."""

from __future__ import annotations

from typing import Literal, TypeAlias

from secrets_pipeline.desired.base import Spec
from secrets_pipeline.references.model import Path


class S3State(Spec):
    """A state in a bucket.

    Attributes:
        bucket: its name.
        key: of the object, the workspace's prefix included.
        region: of the bucket; empty if the backend names none, so the stack's.
        role_arn: role that the backend names to read it; None for the stack's own credentials.
        external_id: what the role's trust policy compares, as the operator's grant says.
    """

    kind: Literal["s3"] = "s3"
    bucket: str
    key: str
    region: str = ""
    role_arn: str | None = None
    external_id: str | None = None

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


class LocalState(Spec):
    """A state in a file of the repository.

    Attributes:
        path: relative to the base path, links followed.
    """

    kind: Literal["local"] = "local"
    path: str

    def __str__(self) -> str:
        return self.path


StatePlace: TypeAlias = S3State | LocalState


class TerraformState(Spec):
    """The state of one component, and what is read of it.

    Attributes:
        stack: of the component.
        component: its name.
        place: where it is.
        outputs: the name of an output, then keys and indexes into its value.
    """

    stack: str
    component: str
    place: StatePlace
    outputs: tuple[Path, ...]
