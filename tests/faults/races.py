"""Two applies of one stack at once, and an apply that races a rotation; the library has no lock against either."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from secrets_pipeline import emulator
from tests.databases import logs_in
from tests.faults.cases import Clean, leaks
from tests.faults.child import Child, Run, run
from tests.faults.edits import DEFAULTS, edited
from tests.faults.ending import Ending, differences, ending, passwords
from tests.faults.ground import Ground
from tests.waiting import SECONDS

FUNCTION = Path(__file__).with_name("rotation_function.py")
ROLE = "arn:aws:iam::111122223333:role/rotation"
ROTATES = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
                "kms:Decrypt",
                "kms:GenerateDataKey",
            ],
            "Resource": "*",
        }
    ],
}
CREDENTIALS, CONNECTION = "myapp/dev/database/credentials", "myapp/dev/database/connection"
INSTANCE = "myapp-dev"
EDITED = "renamed"
"""The field `dbname` of the credentials in the edited repository."""


def two_applies(ground: Ground, expected: Clean, *, apart: float) -> tuple[str, ...]:
    """Apply a stack twice at once on a fresh account, then once more; what is wrong in the end.

    Each run may fail or skip what the other one is about to do, and say so. Two things are no difference: a key that
    lost the race for an alias, and was scheduled for deletion without ever being used; and a task definition's revision
    that says the same as the one before, since ECS has nothing to compare and swap.

    Args:
        ground: the stack.
        expected: a clean apply.
        apart: seconds by which the second one starts later.
    """
    ground.fresh()
    start = time.monotonic() + 0.05
    children = [Child(ground, before=_at(start)), Child(ground, before=_at(start + apart))]
    at_once = [child.wait() for child in children]
    stored = passwords(ground)
    settled, idle = run(ground), run(ground, plan=True)
    return (
        *(f"a run at once ended with {one.unexpected}" for one in at_once if one.unexpected),
        *(f"a run at once reported a bug: {line}" for one in at_once for line in one.told if "unexpected" in line),
        *_settled(settled, idle),
        *differences(_without_twins(_without_given_up_keys(ending(ground))), expected.ending),
        *(
            f"generated value of {name} has changed"
            for name, value in stored.items()
            if passwords(ground)[name] != value
        ),
        *leaks(ground, (*at_once, settled, idle)),
    )


def apply_and_rotation(ground: Ground, base_path: Path, *, apart: float) -> tuple[str, ...]:
    """Rotate a database's password while an apply writes a field beside it; what is wrong in the end.

    Args:
        ground: the stack `myapp-dev` of examples/.
        base_path: a folder that does not exist yet, for the edited repository.
        apart: seconds by which the apply starts after the rotation; before it if negative.
    """
    renamed = {"            dbname: app\n": f"            dbname: {EDITED}\n"}
    changed = replace(ground, base_path=edited(base_path, DEFAULTS, renamed))
    ground.fresh()
    first = run(ground)
    if not first.green:
        return (f"the first run was not green: {first}",)
    before = passwords(ground)[CREDENTIALS]
    function = rotation_function(ground)
    child = Child(changed, before=_at(time.monotonic() + 0.05 + max(apart, 0)))
    time.sleep(0.05 + max(-apart, 0))
    begun = ground.client("secretsmanager").rotate_secret(
        SecretId=CREDENTIALS, RotationLambdaARN=function, RotationRules={"AutomaticallyAfterDays": 30}
    )
    problems: list[str] = []
    rotated = _follow_rotation(ground, begun["VersionId"], problems)
    racing = child.wait()
    if racing.unexpected:
        problems.append(f"the racing apply ended with {racing.unexpected}")
    settled, idle = run(changed), run(changed, plan=True)
    problems += _settled(settled, idle)
    problems += _consistent(ground, before, rotated=rotated)
    problems += leaks(ground, (racing, settled, idle))
    return tuple(problems)


def rotation_function(ground: Ground) -> str:
    """ARN of a function that really rotates the database's password, with the permission to invoke it."""
    emulator.stand_in(ground.aws, [emulator.StandInRole(ROLE, "lambda.amazonaws.com", {"rotate": ROTATES})])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.write(FUNCTION, "rotation_function.py")
    client = ground.client("lambda")
    made = client.create_function(
        FunctionName="rotates",
        Role=ROLE,
        Runtime="python3.12",
        Handler="rotation_function.handler",
        Timeout=SECONDS,
        Code={"ZipFile": buffer.getvalue()},
    )
    client.add_permission(
        FunctionName="rotates",
        StatementId="secretsmanager",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
    )
    return str(made["FunctionArn"])


def _at(moment: float) -> Callable[[], None]:
    return lambda: time.sleep(max(0.0, moment - time.monotonic()))


def _follow_rotation(ground: Ground, version: str, problems: list[str]) -> bool:
    """Wait until the rotation is over; whether it succeeded. Meanwhile the database's password is always readable."""
    client, deadline = ground.client("secretsmanager"), time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if not _password_is_held(ground):
            problems.append("the database's password was in neither AWSCURRENT nor AWSPENDING")
        about = client.describe_secret(SecretId=CREDENTIALS)
        # Set last: the labels alone look finished a little earlier. Where the apply was quicker than that, the rotated
        # version is the previous one already, and no rotation is over that anybody could date.
        if "LastRotatedDate" in about or "AWSPREVIOUS" in about["VersionIdsToStages"].get(version, ()):
            return True
        time.sleep(0.1)
    return False


def _password_is_held(ground: Ground) -> bool:
    # What is read first may be replaced before the login: a miss counts if it stays one.
    return any(_logs_in(ground, stage) for _ in range(3) for stage in ("AWSCURRENT", "AWSPENDING"))


def _logs_in(ground: Ground, stage: str) -> bool:
    client = ground.client("secretsmanager")
    try:
        value = client.get_secret_value(SecretId=CREDENTIALS, VersionStage=stage)["SecretString"]
    except client.exceptions.ResourceNotFoundException:
        return False
    (instance,) = ground.client("rds").describe_db_instances()["DBInstances"]
    endpoint = instance["Endpoint"]
    password = json.loads(value)["password"]
    return logs_in(endpoint["Address"], endpoint["Port"], instance["MasterUsername"], password, instance["DBName"])


def _consistent(ground: Ground, before: str, *, rotated: bool) -> Iterator[str]:
    document, connection = _document(ground, CREDENTIALS), _document(ground, CONNECTION)
    if not _logs_in(ground, "AWSCURRENT"):
        yield "the database does not accept the password in AWSCURRENT"
    if rotated and document["password"] == before:
        yield "the rotated password is lost"
    if not rotated and document["password"] != before:
        yield "the password changed without a rotation"
    if document["dbname"] != EDITED:
        yield f"the field dbname is {document['dbname']}"
    if connection["password"] != document["password"] or document["password"] not in connection["url"]:
        yield "the connection secret holds another password"


def _document(ground: Ground, name: str) -> dict[str, Any]:
    text = ground.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    document: dict[str, Any] = json.loads(text)
    return document


def _settled(settled: Run, idle: Run) -> Iterator[str]:
    if not settled.green:
        yield f"the undisturbed run was not green: {settled.error or settled.unexpected or settled.told}"
    if not idle.green or idle.outcomes["applied"] or idle.left:
        yield f"the run after it was not idle: {idle.error or idle.unexpected or idle.told or idle.left}"


def _without_given_up_keys(found: Ending) -> Mapping[str, Any]:
    kept = [key for key in found["keys"] if key["Aliases"] or key["KeyState"] != "PendingDeletion"]
    return {**found, "keys": kept}


def _without_twins(found: Ending) -> Mapping[str, Any]:
    """Without revisions that say the same as an earlier one, whose place that one takes."""
    first: dict[str, str] = {}
    twins: dict[str, str] = {}
    definitions = found["task definitions"]
    for arn, about in sorted(definitions.items(), key=lambda item: _revision(item[0])):
        if "containers" in about:
            said = json.dumps([arn.rpartition(":")[0], about], sort_keys=True)
            twins[arn] = first.setdefault(said, arn)
    text = json.dumps({arn: about for arn, about in definitions.items() if twins.get(arn, arn) == arn})
    for twin, original in twins.items():
        text = text.replace(json.dumps(twin), json.dumps(original))
    return {**found, "task definitions": json.loads(text)}


def _revision(arn: str) -> int:
    last = arn.rpartition(":")[2]
    return int(last) if last.isdigit() else 0
