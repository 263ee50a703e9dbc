"""Find out what one stack touches in its account, kind by kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from secrets_pipeline.arn import Arn, account_of
from secrets_pipeline.aws.session import partition_of
from secrets_pipeline.desired.boundary import Boundary
from secrets_pipeline.desired.consumer.model import EcsDelivery, LambdaDelivery, StageDelivery
from secrets_pipeline.desired.consumer.refresh_model import EcsRefresh, LambdaRefresh, SsmRefresh, StageRefresh
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.names import output_folders
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.terraform_state.model import S3State
from secrets_pipeline.reconcilers.observed.roles import RDS_ROLE, RDS_ROLE_PATH

Kind = tuple[str, list[str]]
"""A kind of thing, by its name in the table, and ARNs of it."""


def regions_of(spec: StackSpec) -> list[str]:
    """The regions of a stack and of its replicas."""
    replicas = (one.region for secret in spec.secrets for one in secret.replicas)
    return list(dict.fromkeys([spec.target.region, *replicas]))


def referred(spec: StackSpec, known: Mapping[str, StackSpec]) -> list[StackSpec]:
    """The other stacks whose outputs or values a stack takes in, each of which is read in its own account."""
    named = (one.name for one in spec.crossings if one.boundary in (Boundary.OUTPUT, Boundary.VALUE))
    names = dict.fromkeys(name.partition(":")[0] for name in named)
    return [known[name] for name in names if name in known and name != spec.stack]


def of_referred(spec: StackSpec, settings: OperatorSettings) -> Iterator[Kind]:
    """What is read of a stack by others that refer to it."""
    here = _Here(spec)
    yield "any", ["*"]
    yield "referred_secrets", here.arns("secretsmanager", *_own_secrets(spec))
    yield "referred_keys", here.arns("kms", "key/*")
    yield "fingerprint_key", here.arns("kms", _key(settings.fingerprint_key))
    yield from _listed_databases(here)


def of_stack(spec: StackSpec, settings: OperatorSettings) -> Iterator[Kind]:
    """What a stack touches in its account.

    Args:
        spec: of the stack, whose account is known.
        settings: the operator's.
    """
    here = _Here(spec)
    yield from _secrets_and_keys(here, settings)
    yield from of_states(place for place in states_in_s3(spec) if place.role_arn is None)
    yield from _databases(here)
    yield from _rotation(here, settings)
    yield from _consumers(here)


def states_in_s3(spec: StackSpec) -> list[S3State]:
    """The Terraform states in S3 that a stack reads, in regions that are known."""
    places = (one.place for one in spec.states if isinstance(one.place, S3State))
    return [one.model_copy(update={"region": one.region or spec.target.region}) for one in places]


def of_states(places: Iterable[S3State]) -> Iterator[Kind]:
    """Yield the objects, buckets and keys that reading states in S3 needs."""
    for place in places:
        partition = partition_of(place.region)
        bucket = f"arn:{partition}:s3:::{place.bucket}"
        yield "states", [f"{bucket}/{place.key}"]
        yield "state_buckets", [bucket]
        # Whose key encrypts a bucket, nobody says: the condition names the bucket.
        yield "state_keys", [str(Arn(partition, "kms", place.region, "*", "key/*"))]


class _Here:
    """A stack with the account and regions that it is in."""

    def __init__(self, spec: StackSpec) -> None:
        self.spec = spec
        self.account_id = spec.target.account_id or "*"
        self.partition = partition_of(spec.target.region)
        self.regions = regions_of(spec)

    def arns(self, service: str, *resources: str, everywhere: bool = False) -> list[str]:
        """ARNs in the stack's region, or in those of its replicas as well; what is an ARN stands for itself."""
        regions = self.regions if everywhere else self.regions[:1]
        if service == "iam":
            regions = [""]
        return [
            one if one.startswith("arn:") else str(Arn(self.partition, service, region, self.account_id, one))
            for one in dict.fromkeys(resources)
            for region in regions
        ]


def _secrets_and_keys(here: _Here, settings: OperatorSettings) -> Iterator[Kind]:
    spec = here.spec
    secrets = here.arns("secretsmanager", *_own_secrets(spec), everywhere=True)
    keys = here.arns("kms", "key/*", everywhere=True)
    yield "any", ["*"]
    yield "audited", ["*"]
    if spec.target.role_arn:
        yield "own_roles", [spec.target.role_arn]
    if settings.access.organization_role_arn is None:
        yield "organization", ["*"]
    yield "secrets", secrets
    yield "keys", keys
    # Of other accounts; those of this one are among its keys.
    given = [one.kms_key for one in spec.secrets if isinstance(one.kms_key, str) and one.kms_key.startswith("arn:")]
    yield "given_keys", [arn for arn in given if account_of(arn) != here.account_id]
    service_keys = (settings.fingerprint_key, settings.seal_key)
    for kind, named in zip(("fingerprint_key", "seal_key"), service_keys, strict=True):
        yield kind, here.arns("kms", _key(named))
    by_alias = [one for one in service_keys if one.startswith("alias/")]
    aliases = [one.alias for one in spec.keys]
    yield "new_service_keys", here.arns("kms", "key/*") if by_alias else []
    yield "aliases", here.arns("kms", *by_alias, *aliases, everywhere=True)
    folders = [f"parameter{one}" for one in output_folders(spec.stack)]
    outputs = here.arns("ssm", *(name for one in folders for name in (one, f"{one}/*")))
    yield "outputs", outputs
    yield "tagged_outputs", outputs if settings.tags else []
    yield "every_output", here.arns("ssm", "parameter/secrets-pipeline/*")
    if spec.keys:
        yield "own_keys", keys
        yield "own_aliases", here.arns("kms", *aliases, everywhere=True)
    if any(secret.replicas for secret in spec.secrets):
        yield "replicated_secrets", secrets
    # What rotates the secret of a previous name is stopped.
    if any(secret.rotation or secret.previous_name for secret in spec.secrets):
        yield "rotated_secrets", here.arns("secretsmanager", *_own_secrets(spec))
    if spec.parameters:
        yield "any_parameter", ["*"]
    taken_in = sorted({one.name for one in spec.crossings if one.boundary is Boundary.PARAMETER})
    if parameters := [f"parameter/{name.removeprefix('/')}" for name in taken_in]:
        yield "parameters", here.arns("ssm", *parameters)
        yield "parameter_keys", here.arns("kms", "key/*")


def _own_secrets(spec: StackSpec) -> list[str]:
    """Patterns of a stack's secrets: all below a prefix of its own, so that what left the YAML is found."""
    found = [f"secret:{one.home}*" if one.home else f"secret:{one.name}-??????" for one in spec.secrets]
    # A value is kept over a rename.
    found += [f"secret:{one.previous_name}-??????" for one in spec.secrets if one.previous_name]
    return list(dict.fromkeys(found))


def _key(named: str) -> str:
    """A key by ARN or id; one that an alias names may be any, and the condition says which."""
    return named if named.startswith("arn:") else "key/*" if named.startswith("alias/") else f"key/{named}"


def _databases(here: _Here) -> Iterator[Kind]:
    databases = here.spec.databases
    instances = [f"db:{name}" for one in databases if not one.is_cluster for name in _names(one)]
    clusters = [one for one in databases if one.is_cluster]
    named = [f"cluster:{name}" for one in clusters for name in _names(one)]
    yield from _listed_databases(here)
    members = [f"db:{name}" for one in clusters if one.create for name in one.member_identifiers]
    yield "databases", here.arns("rds", *instances, *members)
    yield "clusters", here.arns("rds", *named)
    made = [one for one in databases if one.create]
    yield "passworded_databases", here.arns("rds", *instances)
    yield (
        "made_databases",
        here.arns(
            "rds",
            *(f"db:{one.identifier}" for one in made if not one.is_cluster),
            *members,
            *(named if members else ()),
        ),
    )
    yield "made_clusters", here.arns("rds", *(f"cluster:{one.identifier}" for one in made if one.is_cluster))
    linked = here.arns("iam", f"role/{RDS_ROLE_PATH}/{RDS_ROLE}") if made else []
    yield "rds_role", linked
    # IAM knows no path of a role that does not exist.
    yield "perhaps_rds_role", [*linked, *here.arns("iam", f"role/{RDS_ROLE}")] if made else []
    grouped = ["DBSubnetGroupName" in one.parameters for one in made]
    yield "subnet_groups", here.arns("rds", "subgrp:*") if any(grouped) else []
    yield "default_network", [] if all(grouped) else ["*"]
    for one in made:
        yield "cluster_groups" if one.is_cluster else "database_groups", here.arns("rds", *_groups(one))
        if one.is_cluster:
            yield "database_groups", here.arns("rds", *_member_groups(one))
        if key := one.parameters.get("KmsKeyId"):
            named = here.arns("kms", _key(str(key)))
            yield "database_keys", named
            yield "foreign_database_keys", [arn for arn in named if account_of(arn) != here.account_id]
        if one.password is None or one.manage_master_user_password:
            yield "managed_passwords", here.arns("secretsmanager", "secret:rds!*")


def _listed_databases(here: _Here) -> Iterator[Kind]:
    if here.spec.databases:
        yield "all_databases", here.arns("rds", "db:*")
    if any(one.is_cluster or not one.engine_known for one in here.spec.databases):
        yield "all_clusters", here.arns("rds", "cluster:*")


def _names(database: DatabaseSpec) -> tuple[str, ...]:
    """List the identifiers that the pipeline needs rights on: none for a database that it only looks up."""
    if database.identifier is not None:
        return (database.identifier,)
    return database.traits.names if database.password is not None else ()


def _groups(database: DatabaseSpec) -> list[str]:
    """Groups that an instance or a cluster is made with; AWS makes those that nobody names."""
    given = database.parameters
    parameter = "DBClusterParameterGroupName" if database.is_cluster else "DBParameterGroupName"
    kind = "cluster-pg" if database.is_cluster else "pg"
    return [
        f"{kind}:{given.get(parameter, 'default.*')}",
        "og:default:*",
        f"subgrp:{given.get('DBSubnetGroupName', 'default')}",
    ]


def _member_groups(database: DatabaseSpec) -> list[str]:
    return [
        f"pg:{database.instance_parameters.get('DBParameterGroupName', 'default.*')}",
        "og:default:*",
        "subgrp:default",
    ]


def _rotation(here: _Here, settings: OperatorSettings) -> Iterator[Kind]:
    managed = here.spec.rotation_function
    named = [one.rotation.lambda_arn for one in here.spec.secrets if one.rotation and not one.rotation.managed]
    # A function that a parameter or an output names is not known before AWS tells.
    given = [one if isinstance(one, str) else "function:*" for one in named if one is not None]
    rotating = here.arns("lambda", *given)
    if managed is not None:
        own = here.arns("lambda", f"function:{managed.name}")
        rotating += own
        yield "functions", own
        role = here.arns("iam", f"role/{managed.name}")
        yield "function_roles", role
        yield "any_log_group", ["*"]
        yield (
            "log_groups",
            here.arns("logs", f"log-group:/aws/lambda/{managed.name}", f"log-group:/aws/lambda/{managed.name}:*"),
        )
        if settings.permissions_boundary:
            yield "bounded_function_roles", role
        if managed.subnet_ids:
            yield "network", ["*"]
    yield "rotating_functions", rotating
    yield "any_function", ["*"] if rotating else []
    yield "rotation_logs", [_log_group(one) for one in rotating]


def _log_group(function_arn: str) -> str:
    arn = Arn.parse(function_arn)
    return str(Arn(arn.partition, "logs", arn.region, arn.account_id, f"log-group:/aws/lambda/{arn.name}:*"))


def _consumers(here: _Here) -> Iterator[Kind]:
    spec = here.spec
    roles = [arn for one in spec.consumers if one.attach_policies for arn in one.readers]
    yield "consumer_roles", [arn for arn in roles if account_of(arn) == here.account_id]
    for delivery in spec.deliveries:
        match delivery:
            case _ if not delivery.deliver:
                continue
            case LambdaDelivery():
                yield "delivered_functions", here.arns("lambda", f"function:{delivery.function_name}")
            case EcsDelivery():
                yield from _service(here, delivery.cluster, delivery.service)
                yield "task_definitions", here.arns("ecs", f"task-definition/{delivery.family}:*")
                given = (delivery.execution_role_arn, delivery.task_role_arn)
                yield "task_roles", [one for one in given if one]
            case StageDelivery():
                yield from _stage(here, delivery.stage_name, "delivered_stages")
    ungranted = [one.name for one in spec.crossings if one.boundary is Boundary.FUNCTION and not one.allowed_by]
    yield (
        "ungranted_functions",
        here.arns("lambda", *(one if one.startswith("arn:") else f"function:{one}" for one in ungranted)),
    )
    yield from _refreshes(here)


def _refreshes(here: _Here) -> Iterator[Kind]:
    for refresh in here.spec.refreshes:
        match refresh.means:
            case LambdaRefresh(function_name=name):
                yield "delivered_functions", here.arns("lambda", f"function:{name}")
            case EcsRefresh(cluster=cluster, service=service):
                yield from _service(here, cluster, service)
            case StageRefresh(stage_name=stage):
                yield from _stage(here, stage)
                yield "deployments", [f"{_apis(here)}/*/deployments"]
            case SsmRefresh() as means:
                yield "any_command", ["*"]
                yield "documents", here.arns("ssm", f"document/{means.document}")
                yield "documents", _instances(here, means)


def _service(here: _Here, cluster: str, service: str) -> Iterator[Kind]:
    name = cluster.rpartition("/")[2]
    yield "any_task", ["*"]
    yield "ecs_clusters", here.arns("ecs", f"cluster/{name}")
    yield "services", here.arns("ecs", f"service/{name}/{service}")
    yield "tasks", here.arns("ecs", f"task/{name}/*")


def _stage(here: _Here, stage: str, *further: str) -> Iterator[Kind]:
    """An API's id is not known before AWS tells, so the stage may be of any."""
    yield "apis", [_apis(here)]
    for kind in ("stages", *further):
        yield kind, [f"{_apis(here)}/*/stages/{stage}"]


def _apis(here: _Here) -> str:
    return f"arn:{here.partition}:apigateway:{here.regions[0]}::/restapis"


def _instances(here: _Here, means: SsmRefresh) -> list[str]:
    named = [one for values in means.targets.values() for one in values]
    ids = named if set(means.targets) == {"InstanceIds"} else ["*"]
    managed = [one for one in ids if one.startswith("mi-")]
    return [
        *here.arns("ec2", *(f"instance/{one}" for one in ids if one not in managed)),
        *here.arns("ssm", *(f"managed-instance/{one}" for one in managed)),
    ]
