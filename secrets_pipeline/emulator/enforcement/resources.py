"""Name what a call acts on, by ARN, as policies name it.

Source: the tables "Resource types" of
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.sns.models import Topic, sns_backends
from moto.sqs.models import Queue, sqs_backends
from moto.ssm.models import ssm_backends

from secrets_pipeline.arn import Arn
from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.core.secret_key import key_of
from secrets_pipeline.emulator.enforcement.request import AskedCall

Resources: TypeAlias = Callable[[AskedCall], Iterable[str]]
"""A call → ARNs of what it acts on; `*` for a service that knows no resource for it."""

_CLUSTER = "default"


def anything_at_all(_call: AskedCall) -> Iterable[str]:
    """What has no resource."""
    return ("*",)


def named(form: str, *parameters: str) -> Resources:
    """Resources that parameters name, all of a kind where none is given; one that is an ARN stands for itself.

    Args:
        form: what follows the account in the ARN, `{}` for the name, for example `function:{}`.
        parameters: of the call: texts, or lists of texts.
    """

    def found(call: AskedCall) -> Iterable[str]:
        names = list(call.texts(*parameters)) or ["*"]
        return [one if Arn.match(one) else call.arn(form.format(one)) for one in names]

    return found


def function(call: AskedCall) -> Iterable[str]:
    """A Lambda function, without version or alias: `function:NAME`."""
    return [function_arn(call, next(call.texts("FunctionName", "Resource"), "*"))]


def function_arn(call: AskedCall, given: str) -> str:
    """The same of a function's name or ARN."""
    arn = Arn.match(given)
    return str(arn.unqualified) if arn else call.arn(f"function:{given}")


def role(call: AskedCall) -> Iterable[str]:
    """An IAM role with its path: `role/PATH/NAME`."""
    name = call.text("RoleName")
    known = list(iam_backends[call.account_id][call.partition].roles.values())
    path = next((one.path for one in known if one.name == name), call.text("Path") or "/")
    return [call.arn(f"role{path}{name}")]


def rule(call: AskedCall) -> Iterable[str]:
    """A rule: `rule/NAME` on the default bus, else `rule/BUS/NAME`; in the account of a bus that is named by ARN."""
    bus, name = call.text("EventBusName") or "default", next(call.texts("Name", "Rule"), "*")
    arn, bus = Arn.match(bus), bus.rpartition("/")[2]
    owner = arn.account_id if arn else None
    return [call.arn(f"rule/{name}" if bus == "default" else f"rule/{bus}/{name}", account_id=owner)]


def queue(call: AskedCall) -> Iterable[str]:
    """A queue by name, URL or ARN, in the account that the URL, or GetQueueUrl's parameter, names."""
    return [queue_arn(call, next(call.texts("QueueName", "QueueUrl", "SourceArn", "TaskHandle"), "*"))]


def queue_arn(call: AskedCall, given: str) -> str:
    """The same of a queue's name, URL or ARN."""
    place, _, name = given.rpartition("/")
    owner = call.text("QueueOwnerAWSAccountId") or place.rpartition("/")[2]
    return given if Arn.match(given) else call.arn(name, account_id=owner if owner.isdigit() else None)


def redriven_queues(call: AskedCall) -> Iterable[str]:
    """Where StartMessageMoveTask moves messages to: by default the queues that the dead-letter queue is of."""
    if call.has("DestinationArn"):
        return [call.text("DestinationArn")]
    held = list(sqs_backends[call.account_id][call.region].queues.values())
    source = call.text("SourceArn")
    return [one.queue_arn for one in held if (one.redrive_policy or {}).get("deadLetterTargetArn") == source]


def target_roles(call: AskedCall) -> Iterable[str]:
    """Roles that EventBridge gets to reach the targets of a rule."""
    return call.texts("Targets.RoleArn")


def bucket(call: AskedCall) -> Iterable[str]:
    """A bucket: its ARN names neither region nor account."""
    return [f"arn:{call.partition}:s3:::{call.text('Bucket')}"]


def bucket_without_object(call: AskedCall) -> Iterable[str]:
    """The bucket of an object that is not there: whoever may not list a bucket is not told so.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """
    held = s3_backends[call.account_id][call.partition].buckets.get(call.text("Bucket"))
    return bucket(call) if held is not None and call.text("Key") not in held.keys else ()


def stored_object(call: AskedCall) -> Iterable[str]:
    """An object of a bucket."""
    return [f"arn:{call.partition}:s3:::{call.text('Bucket')}/{call.text('Key')}"]


def log_group(call: AskedCall) -> Iterable[str]:
    """A log group as most actions name it, with `:*`.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
    """
    given = next(call.texts("logGroupIdentifier", "logGroupName"), "*")
    return [f"{given if Arn.match(given) else call.arn(f'log-group:{given}')}:*"]


def tagged_log_group(call: AskedCall) -> Iterable[str]:
    """A log group as the actions about tags name it, without `:*`."""
    given = next(call.texts("resourceArn", "logGroupName"), "*")
    return [given if Arn.match(given) else call.arn(f"log-group:{given}")]


def parameter(call: AskedCall) -> Iterable[str]:
    """A parameter of SSM, or a path of them: `parameter/PATH` without the slash that the name begins with."""
    return [call.arn(f"parameter/{one.removeprefix('/')}") for one in call.texts("Name", "Names", "Path")]


def command_targets(call: AskedCall) -> Iterable[str]:
    """What SendCommand runs, and where: a document, and instances, all of them where tags choose.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/run-command-setting-up.html
    """
    document = call.text("DocumentName")
    yield document if Arn.match(document) else call.arn(f"document/{document}")
    ids = list(call.texts("InstanceIds"))
    for one in call.params.get("Targets") or ():
        ids += one["Values"] if str(one["Key"]).lower() == "instanceids" else ["*"]
    for one in ids:
        yield call.arn(f"managed-instance/{one}") if one.startswith("mi-") else call.arn(f"instance/{one}", "ec2")


def rest_path(call: AskedCall) -> Iterable[str]:
    """What API Gateway's own path names: `/restapis/ID/stages/NAME`, without an account.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-iam-policy-examples.html
    """
    return [f"arn:{call.partition}:apigateway:{call.region}::{call.path}"]


def cluster_of(call: AskedCall) -> str:
    """ARN of the ECS cluster that a call names, by default the account's `default`."""
    given = call.text("cluster") or _CLUSTER
    return given if Arn.match(given) else call.arn(f"cluster/{given}")


def in_cluster(kind: str, *parameters: str) -> Resources:
    """Services or tasks of a cluster: `service/CLUSTER/NAME`.

    Args:
        kind: `service`, `task` or `container-instance`.
        parameters: that name them; none stands for all.
    """

    def found(call: AskedCall) -> Iterable[str]:
        cluster = cluster_of(call).rpartition("/")[2]
        names = list(call.texts(*parameters)) or ["*"]
        return [one if Arn.match(one) else call.arn(f"{kind}/{cluster}/{one}") for one in names]

    return found


def database(call: AskedCall) -> Iterable[str]:
    """An RDS instance, and what it is made with where its parameters say so, or where it is made.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/security_iam_id-based-policy-examples.html
    """
    yield call.arn(f"db:{call.text('DBInstanceIdentifier') or '*'}")
    if call.has("DBClusterIdentifier"):
        yield call.arn(f"cluster:{call.text('DBClusterIdentifier')}")
    yield from _made_with(call, pg="DBParameterGroupName", og="OptionGroupName", subgrp="DBSubnetGroupName")


def database_cluster(call: AskedCall) -> Iterable[str]:
    """An Aurora cluster, and what it is made with."""
    yield call.arn(f"cluster:{call.text('DBClusterIdentifier') or '*'}")
    groups = {"cluster-pg": "DBClusterParameterGroupName", "og": "OptionGroupName"}
    if call.operation.startswith("Create"):
        groups["subgrp"] = "DBSubnetGroupName"
    yield from _made_with(call, **groups)


def key(parameter_name: str) -> Resources:
    """The KMS key that a parameter names, any of the account's where it names none that is known."""
    return lambda call: [_key_arn(call, call.text(parameter_name), call.account_id)]


def _key_arn(call: AskedCall, named: str, account_id: str) -> str:
    try:
        return str(key_of(named, account_id, call.region).arn)
    except Fault:
        return call.arn("key/*", "kms", account_id=account_id)


def keys_of(encrypted: Resources) -> Resources:
    """The keys that encrypt resources; AWS's own for a service serves everybody in its account."""

    def found(call: AskedCall) -> Iterable[str]:
        for one in encrypted(call):
            arn = Arn.parse(one)
            named = _NAMES_OF_KEYS[arn.service](call, arn)
            if named and "alias/aws/" not in named:
                yield _key_arn(call, named, arn.account_id or call.account_id)

    return found


def _key_of_parameter(call: AskedCall, arn: Arn) -> str | None:
    asked = call.texts("Name", "Names")
    name = next((one for one in asked if arn.resource == f"parameter/{one.removeprefix('/')}"), "")
    held = ssm_backends[call.account_id][call.region].get_parameter(name)
    return held.keyid if held is not None and held.parameter_type == "SecureString" else None


def _key_of_object(call: AskedCall, _arn: Arn) -> str | None:
    """Of an object that is there; of one that is put, as the request says, or the bucket, in this order.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html
    """
    held = s3_backends[call.account_id][call.partition].buckets.get(call.text("Bucket"))
    if held is None:
        return None
    if call.operation != "PutObject":
        there = held.keys.get(call.text("Key"))
        return there.kms_key_id if there is not None else None
    if call.has("ServerSideEncryption"):
        return call.text("SSEKMSKeyId")
    rule = ((held.encryption or {}).get("Rule") or {}).get("ApplyServerSideEncryptionByDefault") or {}
    return rule.get("KMSMasterKeyID")


def _key_of_held(_call: AskedCall, arn: Arn) -> str | None:
    return getattr(queue_or_topic(arn), "kms_master_key_id", None)


def queue_or_topic(arn: Arn) -> Queue | Topic | None:
    """What moto holds under the ARN of a queue or topic."""
    if arn.service == "sns":
        return sns_backends[arn.account_id][arn.region].topics.get(str(arn))
    return sqs_backends[arn.account_id][arn.region].queues.get(arn.name)


_NAMES_OF_KEYS: Mapping[str, Callable[[AskedCall, Arn], str | None]] = {
    "s3": _key_of_object,
    "sns": _key_of_held,
    "sqs": _key_of_held,
    "ssm": _key_of_parameter,
}
"""By the service in an ARN: what the key is called that encrypts such a resource; nothing for none."""


def managed_secret(call: AskedCall) -> Iterable[str]:
    """The secret that RDS is about to make and to manage: `rds!db-…` or `rds!cluster-…`."""
    kind = "cluster" if call.operation.endswith("Cluster") else "db"
    return [call.arn(f"secret:rds!{kind}-??????", "secretsmanager")]


def _made_with(call: AskedCall, **groups: str) -> Iterable[str]:
    default = {"subgrp": "default", "og": f"default:{call.text('Engine')}"}
    for kind, parameter_name in groups.items():
        given = call.text(parameter_name)
        if not given and call.operation.startswith("Create"):
            given = default.get(kind, f"default.{call.text('Engine')}")
        if given:
            yield call.arn(f"{kind}:{given}")
