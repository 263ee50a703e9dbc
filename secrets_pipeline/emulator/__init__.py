"""The embedded AWS: moto in its own process, made to behave like AWS, with real PostgreSQL servers as RDS.

It misbehaves as AWS does where it is told to: lists that lag, latency, quotas, faults.
"""

from secrets_pipeline.emulator.control.calls import CountedCall, calls, reset_calls
from secrets_pipeline.emulator.control.control import empty, reset_conditions
from secrets_pipeline.emulator.control.events import disorder_events, emit, settle
from secrets_pipeline.emulator.control.faults import (
    FaultAction,
    FaultReport,
    InjectedFault,
    Struck,
    arm,
    disarm,
    fault_reports,
)
from secrets_pipeline.emulator.control.lambda_faults import Mishap, Moment, kill_invocations
from secrets_pipeline.emulator.control.latency import Latency, set_latency
from secrets_pipeline.emulator.control.lists import freeze_lists, lag_lists, thaw_lists
from secrets_pipeline.emulator.control.pace import Pace, Profile, set_pace
from secrets_pipeline.emulator.control.quotas import (
    API_GATEWAY_QUOTAS,
    SECRETS_MANAGER_QUOTAS,
    RateQuota,
    enforce_quotas,
)
from secrets_pipeline.emulator.control.rights import AskedRight, asked_rights, reset_rights
from secrets_pipeline.emulator.control.rollouts import RunningTask, running_tasks, set_rollout_seconds
from secrets_pipeline.emulator.control.timing import advance, clock, set_clock
from secrets_pipeline.emulator.handle.lifecycle import ADMINISTRATOR_ROLE, LocalAws, start, status, stop
from secrets_pipeline.emulator.handle.stand_ins import (
    StandIn,
    StandInFunction,
    StandInNetwork,
    StandInRole,
    StandInSecret,
    StandInService,
    StandInStage,
)
from secrets_pipeline.emulator.second_user import SECOND_USER, second_user_environment
from secrets_pipeline.emulator.terraform import stand_in

__all__ = [
    "ADMINISTRATOR_ROLE",
    "API_GATEWAY_QUOTAS",
    "SECOND_USER",
    "SECRETS_MANAGER_QUOTAS",
    "AskedRight",
    "CountedCall",
    "FaultAction",
    "FaultReport",
    "InjectedFault",
    "Latency",
    "LocalAws",
    "Mishap",
    "Moment",
    "Pace",
    "Profile",
    "RateQuota",
    "RunningTask",
    "StandIn",
    "StandInFunction",
    "StandInNetwork",
    "StandInRole",
    "StandInSecret",
    "StandInService",
    "StandInStage",
    "Struck",
    "advance",
    "arm",
    "asked_rights",
    "calls",
    "clock",
    "disarm",
    "disorder_events",
    "emit",
    "empty",
    "enforce_quotas",
    "fault_reports",
    "freeze_lists",
    "kill_invocations",
    "lag_lists",
    "reset_calls",
    "reset_conditions",
    "reset_rights",
    "running_tasks",
    "second_user_environment",
    "set_clock",
    "set_latency",
    "set_pace",
    "set_rollout_seconds",
    "settle",
    "stand_in",
    "start",
    "status",
    "stop",
    "thaw_lists",
]
