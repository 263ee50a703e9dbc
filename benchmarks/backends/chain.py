"""The chain, capability by capability, in this order: each says what did not work of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.backends.ground import (
    Ground,
    Said,
    Shortfalls,
    changes,
    checks,
    checks_of,
    exits,
    outcomes,
    planned,
    unless,
)
from benchmarks.backends.judgement import Shortfall
from benchmarks.backends.repository import SHARED, components
from secrets_pipeline.engine.reason import NotOurs
from secrets_pipeline.reconcilers.consumer.refresh import NOTE
from secrets_pipeline.rotation.events.hints import Hint
from secrets_pipeline.rotation.events.parsing import parse

QUEUE = "secrets-pipeline-events"
DONE = ("applied", "unchanged")
KEY, OAUTH, ROTATED = "myapp/dev/api/api-key", "myapp/dev/api/oauth-config", "myapp/prod/api/api-key"
VPN, ORPHAN = "infra/shared/network/vpn-config", "infra/shared/network/vpn-pre-shared-key"
_EVENT_SECONDS = 10


def plan_of_everything(ground: Ground) -> Shortfalls:
    """Changes alone, and nothing made."""
    said = ground.run("plan", "--all", "--detailed-exitcode")
    made = ground.client("secretsmanager").list_secrets(Filters=[{"Key": "name", "Values": ["myapp/"]}])["SecretList"]
    return [*exits(said, 2), *unless(not made, "writes", made)]


def first_apply(ground: Ground) -> Shortfalls:
    """Nothing fails, nothing is left."""
    ground.first = ground.run("apply", "--all")
    return outcomes(ground.first, right=DONE)


def checks_of_the_first_apply(ground: Ground) -> Shortfalls:
    """All pass."""
    return checks(checks_of(ground.first)) if ground.first else [Shortfall("", "nothing was applied")]


def idle_apply(ground: Ground) -> Shortfalls:
    """The second one changes nothing, but notes that what the first one started has ended, as it does on AWS."""
    found = outcomes(ground.run("apply", "--all"), right=("unchanged",))
    # If something is not noted then, the plan that follows says so.
    return [one for one in found if (one.what, one.kind) != ("consumer_refresh", f"{NOTE} update")]


def idle_plan(ground: Ground) -> Shortfalls:
    """`plan --detailed-exitcode` is 0."""
    said = ground.run("plan", "--all", "--detailed-exitcode")
    return changes(said) or exits(said, 0)


def drift(ground: Ground) -> Shortfalls:
    """A tag changed by hand is named, with exit 2, and put back."""
    client = ground.client("secretsmanager")
    client.tag_resource(SecretId=KEY, Tags=[{"Key": "Stage", "Value": "by hand"}])
    said = ground.run("plan", "-s", "myapp-dev", "--detailed-exitcode")
    named = [piece for row in planned(said) for piece in row["details"] if piece["what"] == "tag Stage"]
    ground.run("apply", "-s", "myapp-dev")
    tags = {tag["Key"]: tag["Value"] for tag in client.describe_secret(SecretId=KEY)["Tags"]}
    return [*exits(said, 2), *unless(named, "named", said.errors), *unless(tags["Stage"] == "dev", "put back")]


def value_by_hand(ground: Ground) -> Shortfalls:
    """It is kept, and what is rendered from it follows."""
    client = ground.client("secretsmanager")
    client.put_secret_value(SecretId=KEY, SecretString="by-hand")
    ground.run("apply", "-s", "myapp-dev")
    kept = _value(client, KEY)
    rendered = json.loads(_value(client, OAUTH))["client_secret"]
    return [*unless(kept == "by-hand", "kept"), *unless(rendered == "by-hand", "rendered from it")]


def events(ground: Ground) -> Shortfalls:
    """A value by hand reaches the queue as an event that the pipeline reads."""
    client, sqs = ground.client("secretsmanager"), ground.client("sqs")
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    arn = client.put_secret_value(SecretId=ROTATED, SecretString="by-hand")["ARN"]
    deadline, seen = time.monotonic() + _EVENT_SECONDS, []
    while time.monotonic() < deadline:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", ()):
            read = parse(message["Body"])
            seen.append(type(read).__name__)
            if isinstance(read, Hint) and read.secret == arn:
                return []
    return [Shortfall("event", f"none of the secret in {_EVENT_SECONDS} s, {len(seen)} others: {seen}")]


def verify(ground: Ground) -> Shortfalls:
    """All checks pass, what the policies say is what each reader is answered."""
    said = ground.run("verify", "--all", "--probe")
    return checks(said.shown["checks"]) if "checks" in said.shown else [Shortfall("", said.errors[-400:])]


def rotate(ground: Ground) -> Shortfalls:
    """By the pipeline, and what is rendered from it follows."""
    client = ground.client("secretsmanager")
    before = _value(client, KEY)
    said = ground.run("rotate", KEY)
    after = _value(client, KEY)
    rendered = json.loads(_value(client, OAUTH))["client_secret"]
    told = "; ".join(row["detail"] for one in said.shown.get("rotated", {}).values() for row in one["outcomes"])
    return [
        *unless(after != before, "value", told or said.errors),
        *unless(rendered == after, "rendered from it", told),
    ]


def rotate_by_function(ground: Ground) -> Shortfalls:
    """By the managed function, in its four steps."""
    client = ground.client("secretsmanager")
    before = _value(client, ROTATED)
    said = ground.run("rotate", ROTATED, "--timeout", "30")
    found = outcomes(Said(said.code, {"stacks": said.shown.get("rotated", {})}, said.errors), right=("applied",))
    try:
        return [*found, *unless(_value(client, ROTATED) != before, "value", "it is the same as before")]
    except client.exceptions.ResourceNotFoundException as gone:
        return [*found, Shortfall("value", str(gone), reason_type=gone.response["Error"]["Code"])]


def adopt(ground: Ground) -> Shortfalls:
    """A secret of somebody else is blocked; adopted, it keeps its value."""
    client = ground.client("secretsmanager")
    client.delete_secret(SecretId=VPN, ForceDeleteWithoutRecovery=True)
    client.delete_secret(SecretId=ORPHAN, ForceDeleteWithoutRecovery=True)
    client.create_secret(Name=ORPHAN, SecretString="theirs")
    blocked = ground.run("apply", "-s", "infra-shared")
    rows = {row["name"]: row for one in blocked.shown["stacks"].values() for row in one["outcomes"]}
    left = rows[ORPHAN]["action"] == "blocked" and rows[ORPHAN]["reason_type"] == NotOurs.__name__
    kept = _value(client, ORPHAN) == "theirs"
    adopted = ground.run("apply", "-s", "infra-shared", "--adopt", ORPHAN)
    tags = {tag["Key"] for tag in client.describe_secret(SecretId=ORPHAN).get("Tags", ())}
    return [
        *unless(left and kept, "blocked", rows[ORPHAN]),
        *outcomes(adopted, right=DONE),
        *unless(_value(client, ORPHAN) == "theirs" and "secrets-pipeline:stack" in tags, "adopted", sorted(tags)),
    ]


def prune(ground: Ground) -> Shortfalls:
    """A secret that left the YAML is an orphan, until --prune deletes it with a window."""

    def leave(found: dict[str, Any]) -> None:
        variables = found["secretsmanager/network"]["vars"]
        del variables["secrets"]["vpn_psk"]
        variables["secrets"]["vpn_config"]["secret_data"]["pre_shared_key"] = "none any more"

    components(ground.repository, SHARED, leave)
    said = ground.run("plan", "-s", "infra-shared", "--detailed-exitcode")
    named = [row for row in planned(said) if (row["name"], row["action"]) == (ORPHAN, "orphan")]
    pruned = ground.run("apply", "-s", "infra-shared", "--prune")
    about = ground.client("secretsmanager").describe_secret(SecretId=ORPHAN)
    return [
        *exits(said, 2),
        *unless(named, "named", said.errors),
        *outcomes(pruned, right=DONE),
        *unless("DeletedDate" in about, "deleted", sorted(about)),
    ]


def outputs(ground: Ground) -> Shortfalls:
    """ARNs for those who ask."""
    said = ground.run("outputs", "-s", "myapp-dev")
    arn = ground.client("secretsmanager").describe_secret(SecretId=KEY)["ARN"]
    return [*exits(said, 0), *unless(arn in json.dumps(said.shown), "ARN")]


def _value(client: Any, name: str) -> str:  # noqa: ANN401 - a client of Secrets Manager
    # Named, as plain moto answers with another version where it is not.
    value: str = client.get_secret_value(SecretId=name, VersionStage="AWSCURRENT")["SecretString"]
    return value


Capability = Callable[[Ground], Shortfalls]
WHOLE: Mapping[str, Capability] = {
    "plan of everything": plan_of_everything,
    "first apply": first_apply,
    "checks of the first apply": checks_of_the_first_apply,
    "second apply is idle": idle_apply,
    "plan when idle": idle_plan,
    "verify --probe": verify,
    "outputs": outputs,
    "drift": drift,
    "value by hand": value_by_hand,
    "rotate": rotate,
    "event reaches the queue": events,
    "rotate by the function": rotate_by_function,
    "adopt": adopt,
    "prune": prune,
}
CORE: Mapping[str, Capability] = {
    "core: first apply": first_apply,
    "core: checks of the first apply": checks_of_the_first_apply,
    "core: second apply is idle": idle_apply,
    "core: plan when idle": idle_plan,
}
"""On the repository without keys of its own, rotation, functions and services."""
