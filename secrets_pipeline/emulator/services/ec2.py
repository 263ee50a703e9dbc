"""EC2 where a stand-in for Terraform needs more than AWS has: a new subnet or security group may be given its id.

A repository names them by id, and they have to be there.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from moto.ec2.models import security_groups, subnets
from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupBackend
from moto.ec2.models.subnets import Subnet, SubnetBackend

from secrets_pipeline.emulator.handle.stand_ins import ID_TAG

_given: ContextVar[str | None] = ContextVar("_given", default=None)
_moto_create = SubnetBackend.create_subnet
_moto_create_group = SecurityGroupBackend.create_security_group
# They do not export what they import.
_module: Any = subnets
_module_of_groups: Any = security_groups
_moto_id = _module.random_subnet_id
_moto_group_id = _module_of_groups.random_security_group_id


def _create_subnet(self: SubnetBackend, *args: Any, **kwargs: Any) -> Subnet:  # noqa: ANN401 - moto's
    token = _given.set((kwargs.get("tags") or {}).get("subnet", {}).get(ID_TAG))
    try:
        return _moto_create(self, *args, **kwargs)
    finally:
        _given.reset(token)


def _create_group(self: SecurityGroupBackend, *args: Any, **kwargs: Any) -> SecurityGroup:  # noqa: ANN401 - moto's
    token = _given.set((kwargs.get("tags") or {}).get(ID_TAG))
    try:
        return _moto_create_group(self, *args, **kwargs)
    finally:
        _given.reset(token)


def install() -> None:
    """Put this in the place of moto's method."""
    backend: Any = SubnetBackend
    backend.create_subnet = _create_subnet
    _module.random_subnet_id = lambda: _given.get() or _moto_id()
    groups: Any = SecurityGroupBackend
    groups.create_security_group = _create_group
    _module_of_groups.random_security_group_id = lambda: _given.get() or _moto_group_id()
