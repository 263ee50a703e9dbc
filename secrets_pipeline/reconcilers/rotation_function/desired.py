"""Build the rotation function that a stack asks for, whole: package, configuration, role policy."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from secrets_pipeline.access.granting.attached import inline_text
from secrets_pipeline.access.granting.identity import Readable
from secrets_pipeline.access.granting.rotation import rotation_policy, rotation_trust
from secrets_pipeline.access.policy_text.canonical import canonical
from secrets_pipeline.arn import Arn
from secrets_pipeline.desired.rotation.model import RotationFunctionSpec
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.errors import SpecError
from secrets_pipeline.reconcilers.rotation_function.ownership import function_digest
from secrets_pipeline.reconcilers.secret.readable import readable, secret_arn, there_soon
from secrets_pipeline.references.resolve import Pending
from secrets_pipeline.rotation.package import Package, build_package

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

DESCRIPTION = "Rotates secrets in AWS Secrets Manager; deployed by secrets-pipeline"
TIMEOUT_SECONDS: Final = 60
"""How long one of the four steps may take. A step connects to three users at most, each within ten seconds."""
_MEMORY_MB: Final = 256


@dataclass(frozen=True, slots=True)
class WantedFunction:
    """The rotation function that is to be deployed.

    Attributes:
        function: name and settings.
        function_arn: without a qualifier.
        role_arn: of the role of the same name.
        boundary: ARN of that role's permissions boundary; None for whichever it has.
        log_group: its name.
        package: the code.
        rotated: secrets that it may rotate now.
        superusers: secrets that it may read besides.
        pending: ARN pattern of each other secret → what that waits for.
        soon: whether it may each of these when the run has made what it makes.
    """

    function: RotationFunctionSpec
    function_arn: str
    role_arn: str
    boundary: str | None
    log_group: str
    package: Package
    rotated: tuple[Readable, ...]
    superusers: tuple[Readable, ...]
    pending: dict[str, Pending]
    soon: bool

    @property
    def waits(self) -> dict[str, str]:
        """ARN pattern of each secret that it may not rotate yet → why not."""
        return {arn: one.reason for arn, one in self.pending.items()}

    @property
    def name(self) -> str:
        """Name of function and role."""
        return self.function.name

    @property
    def in_vpc(self) -> bool:
        """Whether it has a network of the account's."""
        return bool(self.function.subnet_ids)

    @property
    def log_group_arn(self) -> str:
        """As policies and tags name it, without its streams."""
        return str(replace(Arn.parse(self.function_arn), service="logs", resource=f"log-group:{self.log_group}"))

    @property
    def policy(self) -> dict[str, Any] | None:
        """Build the inline policy of its role; None while there is nothing that it may rotate."""
        if not self.rotated:
            return None
        return rotation_policy(
            self.rotated,
            self.superusers,
            log_group_arn=self.log_group_arn,
            function_arn=self.function_arn if self.in_vpc else "",
        )

    @property
    def configuration(self) -> dict[str, Any]:
        """Build what CreateFunction and UpdateFunctionConfiguration take alike."""
        return {
            "Role": self.role_arn,
            "Runtime": self.package.runtime,
            "Handler": self.package.handler,
            "Description": DESCRIPTION,
            "Timeout": TIMEOUT_SECONDS,
            "MemorySize": _MEMORY_MB,
            "VpcConfig": {
                "SubnetIds": sorted(self.function.subnet_ids),
                "SecurityGroupIds": sorted(self.function.security_group_ids),
            },
            "Environment": {"Variables": {}},
        }

    def digest(self, stack: Stack) -> str | None:
        """Digest what GetFunction does not show: policy, log retention, permission, boundary."""
        policy = self.policy
        days = str(self.function.log_retention_in_days)
        bounded = (self.boundary,) if self.boundary else ()
        return function_digest(stack, self.function_arn, canonical(policy) if policy else "", days, *bounded)


def wanted_function(stack: Stack) -> WantedFunction | None:
    """Build the function of a stack; None where no secret asks for managed rotation.

    Raises:
        SpecError: if the policy is longer than IAM takes, or the operator's certificates cannot be read.
        PackageError: if the package cannot be built.
    """
    function = stack.spec.rotation_function
    if function is None:
        return None
    account, boundary = stack.account, stack.run.settings.permissions_boundary
    rotating = [one for one in stack.spec.secrets if one.rotation is not None and one.rotation.managed]
    refs = {one.rotation.superuser_secret for one in rotating if one.rotation}
    superusers = [one for one in stack.spec.secrets if one.ref in refs]
    found = {one.name: (secret_arn(stack, one), readable(stack, one)) for one in [*rotating, *superusers]}

    def ready(secrets: list[SecretSpec]) -> tuple[Readable, ...]:
        return tuple(one for secret in secrets if isinstance(one := found[secret.name][1], Readable))

    wanted = WantedFunction(
        function=function,
        function_arn=account.function_arn(function.name),
        role_arn=account.arn("iam", f"role/{function.name}"),
        boundary=account.arn("iam", f"policy/{boundary}") if boundary else None,
        log_group=f"/aws/lambda/{function.name}",
        package=_package(stack),
        rotated=ready(rotating),
        superusers=ready(superusers),
        pending={arn: one for arn, one in found.values() if isinstance(one, Pending)},
        soon=all(there_soon(stack, [*rotating, *superusers])),
    )
    if wanted.policy is not None:
        inline_text(wanted.policy, role=function.name, consumers=["managed rotation"])
    return wanted


def trust_text() -> str:
    """Write the trust policy of the function's role."""
    return json.dumps(rotation_trust())


def _package(stack: Stack) -> Package:
    """Built once a run; databases are trusted by the certificates that the pipeline trusts itself."""

    def build() -> Package:
        named = stack.run.settings.rds_ca_file
        if named is None:
            return build_package()
        try:
            bundle = Path(named).read_bytes()
        except OSError as error:
            raise SpecError(
                f"rds_ca_file {named} cannot be read: {error.strerror}",
                remedy="Correct rds_ca_file in the operator's settings: the rotation function trusts it too.",
            ) from None
        return build_package(ca_bundle=bundle)

    return stack.observed.rotation_package.get(build)
