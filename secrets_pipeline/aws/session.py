"""Open an AWS account and region with one set of credentials; its clients are guarded, paced and shared."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, cast, overload

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialResolver

from secrets_pipeline import __version__
from secrets_pipeline.arn import Arn
from secrets_pipeline.aws import deadlines, once
from secrets_pipeline.aws.credentials import GivenCredentials
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.guards import READ_ONLY_VARIABLE, Fence, ReadOnly
from secrets_pipeline.aws.loader import share_loader
from secrets_pipeline.aws.logs import mask_logs
from secrets_pipeline.aws.pacer import Pacer, pacer_for
from secrets_pipeline.aws.patience import Patience
from secrets_pipeline.aws.quotas import PACED_SERVICES
from secrets_pipeline.desired.base import Target
from secrets_pipeline.environment import switched_on

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from mypy_boto3_apigateway.client import APIGatewayClient
    from mypy_boto3_cloudtrail.client import CloudTrailClient
    from mypy_boto3_ec2.client import EC2Client
    from mypy_boto3_ecs.client import ECSClient
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_iam.client import IAMClient
    from mypy_boto3_kms.client import KMSClient
    from mypy_boto3_lambda.client import LambdaClient
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_organizations.client import OrganizationsClient
    from mypy_boto3_rds.client import RDSClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_secretsmanager.client import SecretsManagerClient
    from mypy_boto3_sns.client import SNSClient
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_ssm.client import SSMClient
    from mypy_boto3_sts.client import STSClient

mask_logs()

_MAX_ATTEMPTS = 8

# Parameter Store's rate of writes is not published, so it cannot be paced: its client slows down when AWS tells it to.
# Support named 3 a second (github-aws-runners/terraform-aws-github-runner#2944): without this, 60 writes at once use up
# the tries that botocore allows a client.
_ADAPTING = Config(retries={"mode": "adaptive", "total_max_attempts": _MAX_ATTEMPTS})


def partition_of(region: str) -> str:
    """Return `aws`, `aws-cn`, `aws-us-gov` or `aws-eusc`, after a region's name; no call is made."""
    return boto3.Session(botocore_session=_session()).get_partition_for_region(region)


def _session(profile: str | None = None, *, threads: int = 10) -> botocore.session.Session:
    session = botocore.session.Session(profile=profile)
    share_loader(session)
    session.set_default_client_config(
        Config(
            retries={"mode": "standard", "total_max_attempts": _MAX_ATTEMPTS},
            connect_timeout=deadlines.CONNECT_SECONDS,
            read_timeout=deadlines.READ_SECONDS,
            max_pool_connections=threads,
            user_agent_extra=f"secrets-pipeline/{__version__}",
        )
    )
    deadlines.install(session)
    return session


class AwsAccount:
    """An account and region. Threads may share it; each service has one client.

    Attributes:
        region: AWS region name.
        botocore_session: makes further clients, just as guarded and paced, for libraries that want a session.
    """

    def __init__(
        self, session: botocore.session.Session, region: str, *, pacers: Callable[[str, str], Pacer] = pacer_for
    ) -> None:
        self.region = region
        self.botocore_session = session
        self._boto3 = boto3.Session(botocore_session=session, region_name=region)
        self._pacers = pacers
        self._lock = threading.RLock()
        self._clients: dict[str, BaseClient] = {}
        self._account_id: str | None = None
        self._caller_arn = ""
        # First of all handlers: a request is signed after it waited, so that its signature is fresh.
        for service in PACED_SERVICES:
            session.get_component("event_emitter").register_first(f"request-created.{service}", self._pace)

    @property
    def account_id(self) -> str:
        """Return the caller's account, 12 digits; GetCallerIdentity is called once.

        Raises:
            AwsError: if STS cannot be reached, or there are no credentials.
        """
        with self._lock:
            if self._account_id is None:
                with calling("GetCallerIdentity", f"in {self.region}"):
                    identity = self.client("sts").get_caller_identity()
                self._account_id, self._caller_arn = identity["Account"], identity["Arn"]
            return self._account_id

    @property
    def caller_arn(self) -> str:
        """Return the ARN of the caller, of a role without its path; GetCallerIdentity is called once.

        Raises:
            AwsError: if STS cannot be reached, or there are no credentials.
        """
        with self._lock:
            return self._caller_arn if self.account_id else ""

    @property
    def partition(self) -> str:
        """Return `aws`, `aws-cn`, `aws-us-gov` or `aws-eusc`, after the region."""
        return self._boto3.get_partition_for_region(self.region)

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of this account and region, or of IAM, which has no regions.

        Args:
            service: namespace, for example `lambda`.
            resource: for example `function:api`.

        Raises:
            AwsError: if STS does not tell the account.
        """
        return str(Arn(self.partition, service, "" if service == "iam" else self.region, self.account_id, resource))

    def function_arn(self, name: str) -> str:
        """Return the ARN of the Lambda function of a name, made or not.

        Raises:
            AwsError: if STS does not tell the account.
        """
        return self.arn("lambda", f"function:{name}")

    @overload
    def client(self, service: Literal["secretsmanager"]) -> SecretsManagerClient: ...
    @overload
    def client(self, service: Literal["kms"]) -> KMSClient: ...
    @overload
    def client(self, service: Literal["rds"]) -> RDSClient: ...
    @overload
    def client(self, service: Literal["lambda"]) -> LambdaClient: ...
    @overload
    def client(self, service: Literal["ecs"]) -> ECSClient: ...
    @overload
    def client(self, service: Literal["apigateway"]) -> APIGatewayClient: ...
    @overload
    def client(self, service: Literal["ssm"]) -> SSMClient: ...
    @overload
    def client(self, service: Literal["sts"]) -> STSClient: ...
    @overload
    def client(self, service: Literal["ec2"]) -> EC2Client: ...
    @overload
    def client(self, service: Literal["iam"]) -> IAMClient: ...
    @overload
    def client(self, service: Literal["organizations"]) -> OrganizationsClient: ...
    @overload
    def client(self, service: Literal["logs"]) -> CloudWatchLogsClient: ...
    @overload
    def client(self, service: Literal["s3"]) -> S3Client: ...
    @overload
    def client(self, service: Literal["sns"]) -> SNSClient: ...
    @overload
    def client(self, service: Literal["sqs"]) -> SQSClient: ...
    @overload
    def client(self, service: Literal["cloudtrail"]) -> CloudTrailClient: ...
    @overload
    def client(self, service: Literal["events"]) -> EventBridgeClient: ...
    @overload
    def client(self, service: str) -> BaseClient: ...
    def client(self, service: str) -> BaseClient:
        """Return the client of a service, made at its first use.

        Raises:
            AwsError: if boto3 cannot make it, for example without a region.
        """
        with self._lock:
            if service not in self._clients:
                make = cast("Callable[..., BaseClient]", self._boto3.client)
                with calling("create a client", f"of {service} in {self.region}"):
                    self._clients[service] = make(service, config=_ADAPTING if service == "ssm" else None)
            return self._clients[service]

    def __repr__(self) -> str:
        return f"AwsAccount({self._account_id or 'account not asked yet'}, {self.region})"

    def _pace(self, operation_name: str, event_name: str, **_: object) -> None:
        self._pacers(self.account_id, self.region).wait(operation_name, event_name.split(".")[1])


class Sessions:
    """Opens every account and region of a run, each once.

    Args:
        base: where credentials come from; the default session if None.
        read_only: whether writes are refused; None leaves it to SECRETS_PIPELINE_READ_ONLY.
        threads: how many threads may call one service at once.
        pacers: the pacer of an account and region.
        fence: what each try of a write asks first; None for nothing.
        config: over the defaults of every client.
        patience: what waits for that which AWS does not show yet, also an attribute.
    """

    def __init__(
        self,
        base: boto3.Session | None = None,
        *,
        read_only: bool | None = None,
        threads: int = 32,
        pacers: Callable[[str, str], Pacer] = pacer_for,
        fence: Fence | None = None,
        config: Config | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.patience = patience or Patience()
        self._base = base
        self.read_only = switched_on(os.environ, READ_ONLY_VARIABLE) if read_only is None else read_only
        self._threads = threads
        self._pacers = pacers
        self._fence = fence
        self._config = config
        self._lock = threading.Lock()
        self._accounts: dict[tuple[str, str | None, str | None, bool], AwsAccount] = {}

    def derived(self, *, read_only: bool = False, fence: Fence | None = None, config: Config | None = None) -> Sessions:
        """Return sessions of the same credentials, none of them open yet; see the class for what may be added."""
        return Sessions(
            self._base,
            read_only=self.read_only or read_only,
            threads=self._threads,
            pacers=self._pacers,
            fence=fence,
            config=config,
            patience=self.patience,
        )

    def for_target(self, target: Target) -> AwsAccount:
        """Return the account and region of a target, under the role that it names (STS AssumeRole at the first call).

        Raises:
            AwsError: if the configured profile does not exist.
        """
        return self._opened(target, own=True)

    def visited(self, target: Target) -> AwsAccount:
        """Return an account that is looked at beside that of a stack; see `for_target`.

        AWS's refusal to assume its role is an answer about that role: the pipeline can ask everything else.
        """
        return self._opened(target, own=False)

    def _opened(self, target: Target, *, own: bool) -> AwsAccount:
        place = (target.region, target.role_arn, target.external_id)
        with self._lock:
            key = (*place, own or (*place, True) in self._accounts)
            if key not in self._accounts:
                with calling("open a session", f"in {target.region}"):
                    self._accounts[key] = self._open(target, own=own)
            return self._accounts[key]

    def beyond(self, account: AwsAccount, role_arn: str) -> AwsAccount:
        """Assume a role (STS AssumeRole) with an account's own credentials, in the same region; made anew at each call.

        Raises:
            AwsError: if there are no credentials; whether the role may be assumed shows at the first call.
        """
        with calling("open a session", f"as {role_arn}"):
            base = boto3.Session(botocore_session=account.botocore_session, region_name=account.region)
            return self._open(Target(region=account.region, role_arn=role_arn), base, own=False)

    def _open(self, target: Target, given: boto3.Session | None = None, *, own: bool) -> AwsAccount:
        mask_logs()
        base = given or self._base or boto3.Session(botocore_session=_session())
        session = _session(None if base.profile_name == "default" else base.profile_name, threads=self._threads)
        session.set_config_variable("region", target.region)
        credentials = GivenCredentials(base, session, target, own=own)
        session.register_component("credential_provider", CredentialResolver([credentials]))
        once.install(session)
        self.patience.install(session)
        if self._config is not None:
            session.set_default_client_config(session.get_default_client_config().merge(self._config))
        if self.read_only:
            ReadOnly().install(session)
        if self._fence is not None:
            self._fence.install(session)
        return AwsAccount(session, target.region, pacers=self._pacers)
