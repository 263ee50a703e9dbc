"""Deploy the managed rotation function of a stack with its role, log group and permission, and keep it as declared.

One a stack, for every secret that says `rotation: {managed: true}`. A shallow plan asks Lambda once; what GetFunction
does not show is vouched for by the digest in the function's tag, which is written last.
Source: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from secrets_pipeline.access.granting.rotation import rotated_arns
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.boundary import ContestedKind
from secrets_pipeline.engine.apply import planned
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Because, ChangedOutside, Kept, NotOurs, Reason, Waits
from secrets_pipeline.reconcilers.apply_options import adoption, function_named, pruning
from secrets_pipeline.reconcilers.contest import lost_contest
from secrets_pipeline.reconcilers.left import left
from secrets_pipeline.reconcilers.marks.not_ours import UNNAMED
from secrets_pipeline.reconcilers.needed import any_of, skipped
from secrets_pipeline.reconcilers.observed.function_state import FunctionState
from secrets_pipeline.reconcilers.observed.tags import LACKS_TAGS, lacks_tags
from secrets_pipeline.reconcilers.rotation_function.desired import WantedFunction, wanted_function
from secrets_pipeline.reconcilers.rotation_function.invocation import invocation_problem, let_in
from secrets_pipeline.reconcilers.rotation_function.log_group import (
    Retention,
    compare_retention,
    delete_log_group,
    deploy_log_group,
)
from secrets_pipeline.reconcilers.rotation_function.observe import (
    configuration_differences,
    refuse_problem,
    wait_until_ready,
)
from secrets_pipeline.reconcilers.rotation_function.ownership import (
    adopts_function,
    deployed_digest,
    foreign_function,
    forget_function,
    function_note,
    function_tags,
    is_named,
    note_function,
    noted_function,
)
from secrets_pipeline.reconcilers.rotation_function.permission import KIND as PERMISSION
from secrets_pipeline.reconcilers.rotation_function.permission import RotationPermissions
from secrets_pipeline.reconcilers.rotation_function.role import (
    FunctionRole,
    delete_role,
    deploy_role,
    role_differences,
    role_problem,
    role_state,
)

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "rotation-function"
NOTE = "function-note"
_IAM_SECONDS, _IAM_PAUSE = 120.0, 10.0
"""How long a policy of the role may take to be seen by those who make the function's network."""


class RotationFunctionReconciler:
    """Deploys the function of one stack, and the permission on the functions that it names."""

    def __init__(self, stack: Stack, *, deep: bool | None = None) -> None:
        self._stack = stack
        self._deep = stack.run.options.deep if deep is None else deep
        self._permissions = RotationPermissions(stack, deep=self._deep)
        # Its package is built when it is planned, so that what is wrong there is this change's error.
        self._function = stack.spec.rotation_function

    def plan(self) -> Sequence[Change]:
        """Plan one change for the function, one for a function that left the stack, one for each permission."""
        changes = list(self._permissions.plan())
        if self._function is not None:
            resource = Resource(KIND, self._function.name)
            changes.append(planned(resource, partial(self._plan, resource)))
        note = Resource(NOTE, function_note(self._stack))
        left = planned(note, self._plan_left)
        return changes if left is None else [*changes, left]

    def apply(self, change: Change) -> str:
        """Deploy, permit or delete one function; see `engine.Reconciler`."""
        if change.resource.kind == PERMISSION:
            return self._permissions.apply(change)
        if change.action is ChangeClass.PRUNE:
            return self._prune(change.resource.name)
        return self._deploy(self._wanted())

    def _wanted(self) -> WantedFunction:
        wanted = wanted_function(self._stack)
        if wanted is None:
            raise SkippedError("the stack asks for no managed rotation any more")
        return wanted

    # plan

    def _plan_left(self) -> Change | None:
        """What becomes of a function that left the stack; None if none did."""
        name = noted_function(self._stack)
        if name is None or (self._function is not None and name == self._function.name):
            return None
        other = self._stack.ownership.repository.index.stack_with(ContestedKind.FUNCTION, name, self._stack.spec.target)
        if other is not None:
            kept = Kept(f"is kept: stack {other} declares it", f"{adoption(other, function_named(name))} takes it over")
            return Change(Resource(KIND, name), ChangeClass.NONE, (kept,))
        deletes = f"{pruning(self._stack.spec, self._stack.run.options)} with its role"
        if self._stack.spec.retired:
            deletes += " and its log group"
        reason = Because("rotates nothing of this stack any more", deletes)
        return Change(Resource(KIND, name), *left(self._stack, reason), act=True)

    def _plan(self, resource: Resource) -> Change:
        stack, wanted = self._stack, self._wanted()
        state = stack.observed.functions.function(wanted.name)
        waits = tuple(dict.fromkeys(wanted.waits.values()))
        if state is None:
            if lost := lost_contest(stack, ContestedKind.FUNCTION, wanted.name):
                return Change(resource, ChangeClass.BLOCKED, (lost,))
            if (role := role_state(stack, wanted.name)) is not None and (why := role_problem(stack, role, wanted)):
                return Change(resource, ChangeClass.BLOCKED, (why,))
            said = Waits if wanted.policy is None else Because
            needs = any_of(wanted.pending.values()) if wanted.policy is None else ()
            return Change(resource, ChangeClass.CREATE, tuple(map(said, waits)), needs=needs)
        if problem := self._foreign(state, wanted):
            return Change(resource, ChangeClass.BLOCKED, (problem,))
        theirs = foreign_function(stack, wanted.function_arn, state.tags)
        if theirs is not None:
            return Change(resource, ChangeClass.ADOPT, (Because(f"{theirs.problem}: code and role are replaced"),))
        return self._compare(resource, state, wanted, waits)

    def _compare(
        self, resource: Resource, state: FunctionState, wanted: WantedFunction, waits: tuple[str, ...]
    ) -> Change:
        stack = self._stack
        named = is_named(stack, state.tags)
        as_deployed = named and deployed_digest(state.tags) == wanted.digest(stack)
        found = _shown(state, wanted)
        kept: tuple[Reason, ...] = ()
        # Who takes over what goes with a function means its role and log group too.
        if self._deep or not as_deployed or stack.run.options.adopts_function(wanted.name):
            role = role_state(stack, wanted.name)
            foreign_role = role_problem(stack, role, wanted) if role is not None else None
            if refusal := foreign_role or _withdrawn(role, wanted):
                waiting = isinstance(refusal, Waits)
                return Change(resource, ChangeClass.UPDATE if waiting else ChangeClass.BLOCKED, (refusal,))
            retention = compare_retention(stack, wanted)
            found += self._hidden(role, retention, wanted)
            kept = (Because(retention.kept),) if retention.kept else ()
        # Missing tags mean that the settings were edited, so this is not drift.
        lacking = (Because(LACKS_TAGS),) if lacks_tags(state.tags, stack.run.settings.tags) else ()
        if found:
            differs = (ChangedOutside(Because(one)) if as_deployed else Because(one) for one in found)
            return Change(resource, ChangeClass.UPDATE, (*differs, *lacking, *kept), drift=as_deployed)
        if lacking and as_deployed:
            return Change(resource, ChangeClass.UPDATE, (*lacking, *kept))
        if not as_deployed:
            return Change(resource, ChangeClass.UPDATE, (Because("was not finished") if named else UNNAMED, *kept))
        return Change(resource, ChangeClass.NONE, (*map(Because, waits), *kept))

    def _foreign(self, state: FunctionState, wanted: WantedFunction) -> NotOurs | None:
        """Why a function of that name is not to be touched; None if it is ours, or may be taken over."""
        problem = foreign_function(self._stack, wanted.function_arn, state.tags)
        return None if adopts_function(self._stack, wanted.function_arn, state.tags) else problem

    def _hidden(self, role: FunctionRole | None, retention: Retention, wanted: WantedFunction) -> list[str]:
        """What differs beside what GetFunction shows."""
        found = role_differences(role, wanted)
        if retention.difference:
            found.append(retention.difference)
        if problem := invocation_problem(self._stack, wanted.function_arn):
            found.append(problem)
        return found

    # apply

    def _deploy(self, wanted: WantedFunction) -> str:
        stack = self._stack
        if wanted.policy is None:
            raise (
                skipped(*wanted.pending.values(), one_is_enough=True)
                if wanted.pending
                else SkippedError("there is no secret to rotate yet")
            )
        state = stack.observed.functions.function_now(wanted.name)
        if state is not None and (problem := self._foreign(state, wanted)):
            raise SkippedError(str(problem))
        if why := _withdrawn(role_state(stack, wanted.name), wanted):
            raise SkippedError(str(why))
        note_function(stack, wanted.name)
        deploy_role(stack, wanted)
        kept = deploy_log_group(stack, wanted)
        done = self._create(wanted) if state is None else self._update(state, wanted)
        let_in(stack, wanted.function_arn)
        self._mark(wanted)
        left_out = "".join(f"; without: {reason}" for reason in dict.fromkeys(wanted.waits.values()))
        left_out += f"; {kept}" if kept else ""
        count = len(wanted.rotated)
        return f"{done}; rotates {count} secret{'s' if count > 1 else ''}{left_out}"

    def _create(self, wanted: WantedFunction) -> str:
        client, stack = self._stack.account.client("lambda"), self._stack
        parameters: dict[str, Any] = {
            "FunctionName": wanted.name,
            "Code": {"ZipFile": wanted.package.content},
            "PackageType": "Zip",
            "Tags": function_tags(stack, wanted.function_arn),
            **wanted.configuration,
        }
        if not wanted.in_vpc:
            del parameters["VpcConfig"]
        until = stack.run.clock() + _IAM_SECONDS
        while True:
            # What was sent before the time was over failed by what was not visible then, however long it took to fail.
            sent = stack.run.clock()
            with calling("CreateFunction", wanted.name):
                client.create_function(**parameters)
            state = wait_until_ready(stack, wanted.name)
            if not state.was_never_made or not state.lacked_rights or sent >= until:
                break
            self._delete(wanted.name)
            stack.run.sleep(_IAM_PAUSE)
        refuse_problem(wanted.name, state)
        return "created"

    def _delete(self, name: str) -> None:
        with calling("DeleteFunction", name):
            self._stack.account.client("lambda").delete_function(FunctionName=name)

    def _update(self, state: FunctionState, wanted: WantedFunction) -> str:
        client, stack, done = self._stack.account.client("lambda"), self._stack, []
        if state.changing:
            state = wait_until_ready(stack, wanted.name)
        if state.was_never_made:
            # Lambda keeps it as it is; nobody ever invoked it.
            self._delete(wanted.name)
            return f"{self._create(wanted)} anew"
        if state.code_sha256 != wanted.package.sha256:
            with calling("UpdateFunctionCode", wanted.name):
                client.update_function_code(FunctionName=wanted.name, ZipFile=wanted.package.content)
            state = refuse_problem(wanted.name, wait_until_ready(stack, wanted.name))
            done.append("code")
        if configuration_differences(state, wanted):
            parameters: dict[str, Any] = {"FunctionName": wanted.name, **wanted.configuration}
            with calling("UpdateFunctionConfiguration", wanted.name):
                client.update_function_configuration(**parameters)
            refuse_problem(wanted.name, wait_until_ready(stack, wanted.name))
            done.append("configuration")
        return f"{' and '.join(done)} updated" if done else "updated"

    def _mark(self, wanted: WantedFunction) -> None:
        stack = self._stack
        tags = function_tags(stack, wanted.function_arn, wanted.digest(stack) or "")
        with calling("TagResource", wanted.name):
            stack.account.client("lambda").tag_resource(Resource=wanted.function_arn, Tags=tags)
        stack.observed.functions.forget(wanted.name)

    def _prune(self, name: str) -> str:
        stack, account = self._stack, self._stack.account
        arn = account.function_arn(name)
        using = [s.name for s in stack.observed.secrets.all().values() if s.rotation_lambda_arn == arn]
        if turning := [one for one in using if self._turns(one)]:
            raise SkippedError(f"{', '.join(sorted(turning))} still rotates by it", remedy="Apply with --prune again.")
        state = stack.observed.functions.function_now(name)
        done = "function was gone already"
        if state is not None:
            if problem := foreign_function(stack, arn, state.tags):
                raise SkippedError(str(problem))
            if not is_named(stack, state.tags) and not stack.run.options.adopts_function(name):
                remedy = f"Apply with --prune --adopt {function_named(name)}."
                raise SkippedError("its mark names no repository", remedy=remedy)
            self._delete(name)
            done = "function deleted"
        role = delete_role(stack, name, account.arn("iam", f"role/{name}"))
        log = (
            delete_log_group(stack, name) if stack.spec.retired else "its log group stays until its events are too old"
        )
        forget_function(stack)
        stack.observed.functions.forget(name)
        return f"{done}, {role}; {log}"

    def _turns(self, name: str) -> bool:
        state = self._stack.observed.secrets.refresh(name)
        return state is not None and state.deleted_at is None and state.rotation_enabled


def _shown(state: FunctionState, wanted: WantedFunction) -> list[str]:
    """What differs in what GetFunction shows."""
    found = configuration_differences(state, wanted)
    if state.code_sha256 != wanted.package.sha256:
        found.append("code differs")
    return found + ([state.problem] if state.problem and not state.changing else [])


def _withdrawn(role: FunctionRole | None, wanted: WantedFunction) -> Reason | None:
    """A secret that would be taken away from the function although it only waits, and why it does."""
    policy = role.policy if role is not None else None
    held = sorted(rotated_arns(policy or {}) & set(wanted.waits))
    if not held:
        return None
    why = wanted.waits[held[0]]
    return Waits(why) if wanted.soon else Because(f"is left as it is: {why}", "unblock that secret")
