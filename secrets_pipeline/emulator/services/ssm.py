"""Parameter Store as AWS documents it where moto differs.

What it corrects, measured on moto 5.2.5:

- Names of parameters have few characters, and fifteen levels.
  https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-parameter-name-constraints.html
"""

from __future__ import annotations

import re
from typing import Any

from moto.ssm.exceptions import SSMException, ValidationException
from moto.ssm.models import Parameter, SimpleSystemManagerBackend, ssm_backends

from secrets_pipeline.arn import Arn

_NAME = re.compile(r"[A-Za-z0-9_.-]+|(/[A-Za-z0-9_.-]+)+")
_LEVELS, _LENGTH = 15, 1011
_CHARACTERS = (
    'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of '
    "sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following "
    "3 symbols .-_"
)


class EmulatedSsmBackend(SimpleSystemManagerBackend):
    """Parameter Store that looks at names."""

    def put_parameter(self, name: str, *args: Any, **kwargs: Any) -> Parameter:  # noqa: ANN401 - moto's ten parameters
        """Create or update a parameter.

        Raises:
            SSMException: ValidationException or HierarchyLevelLimitExceededException for its name.
        """
        if not _NAME.fullmatch(name):
            raise ValidationException(_CHARACTERS)
        if name.count("/") > _LEVELS:
            raise _TooDeepError(f"A hierarchy can have a maximum of {_LEVELS} levels.")
        if len(str(Arn("aws", "ssm", self.region_name, self.account_id, "parameter"))) + len(name) > _LENGTH:
            raise ValidationException(f"Parameter name must not be longer than {_LENGTH} characters.")
        return super().put_parameter(name, *args, **kwargs)


class _TooDeepError(SSMException):
    code = "HierarchyLevelLimitExceededException"


def install() -> None:
    """Put this backend in the place of moto's."""
    ssm_backends.backend = EmulatedSsmBackend
