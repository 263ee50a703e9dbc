"""Define the Dagster resource of the stacks: AWS sessions, the desired state cached for a run, the seals."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import dagster as dg

from secrets_pipeline.aws.guards import Fence
from secrets_pipeline.aws.leases.model import Lease
from secrets_pipeline.aws.service_keys import ServiceKeys
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.settings.operator import OperatorSettings, SealSettings
from secrets_pipeline.engine.model import Looked, Outcome, Total
from secrets_pipeline.errors import Lines, SecretsPipelineError, SpecError, StackError
from secrets_pipeline.operations.named_account import asked_as, refuse_unnamed_account
from secrets_pipeline.operations.open_repository import MANIFESTS, OpenRepository, operator_settings
from secrets_pipeline.operations.repository_cache import Place
from secrets_pipeline.operations.repository_index.reading import Indexes
from secrets_pipeline.operations.repository_index.store import INDEXES, IndexStore, LocalIndexStore, S3IndexStore
from secrets_pipeline.operations.repository_index.writing import Kept
from secrets_pipeline.operations.revision.checkouts import CHECKOUTS, Checkouts
from secrets_pipeline.orchestration.shared.event_log import keep_connections
from secrets_pipeline.orchestration.shared.publish import NOTHING, Publish
from secrets_pipeline.orchestration.shared.run_commit import Reading
from secrets_pipeline.orchestration.shared.run_requests import DEEP_TAG, VERIFY_TAG
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.assembly import Assembly
from secrets_pipeline.reconcilers.boundary.guard import guard_boundary
from secrets_pipeline.reconcilers.stack import Stack
from secrets_pipeline.stacks import SourceChoice
from secrets_pipeline.stacks.sources.source import STANDARD_INPUT
from secrets_pipeline.values.seal_store import LocalSealStore, S3SealStore, SealStore

StageProgress = Callable[[str, Total | Looked | Outcome], None]
"""Receives the stage (asset name): how much is planned, then each outcome, or each check, as it comes."""


def quiet(_stage: str, _told: Total | Looked | Outcome) -> None:
    """Ignore what is told: progress for runs that nobody watches."""


class Stacks:
    """The stacks of one repository in one run: read once, so that YAML cannot change under the run.

    Args:
        base_path: the Atmos repository, also an attribute.
        origin: where its stacks come from, also an attribute.
        sessions: how AWS is reached.
        options: what the operator asked for.
        seal_folder: where seals wait, unless the operator's settings name a bucket.
        desired: what the command line has read already; None has it read.
        settings_file: the operator's settings; None for the file that `SECRETS_PIPELINE_CONFIG` names.
        commit: of the repository, where the component names it.
        checkouts: folder of the commits that are kept; beside the seals if not given.
        run: the run, and where it is known; None for a sensor or schedule, which decides by what is there.
        publish: the secrets that others may depend on, also an attribute.
    """

    def __init__(
        self,
        base_path: Path,
        sessions: Sessions,
        options: ApplyOptions,
        seal_folder: Path,
        *,
        origin: SourceChoice = MANIFESTS,
        desired: OpenRepository | None = None,
        settings_file: Path | None = None,
        commit: str = "",
        checkouts: Path | None = None,
        run: tuple[dg.DagsterRun, dg.DagsterInstance] | None = None,
        publish: Publish = NOTHING,
    ) -> None:
        self.base_path = base_path
        self.origin = origin
        self.publish = publish
        self._sessions = sessions
        self._options = options
        self._seal_folder = seal_folder
        self._desired = desired
        self._settings_file = settings_file
        kept = Checkouts(checkouts or seal_folder.with_name(CHECKOUTS))
        indexes = Indexes(self._indexes, sessions)
        self._reading = Reading(Place(base_path, origin, settings_file), kept, commit, indexes)
        self._run = run
        self._assemblies: dict[bool, Assembly] = {}

    @property
    def desired(self) -> OpenRepository:
        """Return the desired state of every stack, read once: in a run, at the commit that it was decided at.

        Raises:
            GuardError: if that cannot be had any more.
        """
        if self._desired is None:
            self._desired = self.read()
        return self._desired

    @property
    def options(self) -> ApplyOptions:
        """Return what the operator asked for."""
        return self._options

    @property
    def sessions(self) -> Sessions:
        """Return the sessions of the run."""
        return self._sessions

    def fence(self, lease: Lease) -> None:
        """Have each write of this run ask first; whoever else shares the sessions is not concerned.

        Args:
            lease: of the run. If a run's lease expired, and nobody has looked for its last writes since, this run
                compares everything deeply.
        """
        self._sessions = self._sessions.derived(fence=Fence(lease.check, lease.answered))
        if lease.unsettled:
            self._options = replace(self._options, deep=True)
        self._assemblies.clear()

    @property
    def settings(self) -> OperatorSettings:
        """Read the operator's settings; the stacks are not read for them.

        Raises:
            SpecError: if they cannot be read.
        """
        return operator_settings(self._settings_file) if self._desired is None else self._desired.settings

    def read(self) -> OpenRepository:
        """Read the desired state of every stack now, or at the run's commit.

        Raises:
            StackError: if there are no stacks where they should come from.
            SpecError: if the operator's settings cannot be read.
        """
        if self.origin.file == STANDARD_INPUT:
            raise StackError(
                "only the command line reads stacks from standard input",
                remedy="Name a file that this process can read, or run `secrets-pipeline apply` again.",
            )
        return self._reading.of_run(*self._run) if self._run else self._reading.now()

    def stack(self, name: str, *, writing: bool = False) -> Stack:
        """Return a stack as the reconcilers take it, in this run.

        Args:
            name: its name.
            writing: whether the run applies; the service keys are made then.

        Raises:
            SpecError: if the stack is unknown or has errors.
            GuardError: if the credentials belong to another account, or if the stack is to be written and reaches what
                nobody lets it reach.
        """
        if name in self.desired.errors:
            raise SpecError(Lines.of(*(error.diagnostics() for error in self.desired.errors[name])))
        stack = self._assembly(writing=writing).stack(name)
        if writing:
            guard_boundary(stack)
        return stack

    def service_keys(self, stack: Stack) -> ServiceKeys:
        """Return the two keys of the pipeline itself in a stack's account, made where they are missing."""
        return self._assembly(writing=True).service_keys(stack)

    def _assembly(self, *, writing: bool) -> Assembly:
        # A run that applies is looked at by its checks with what it knows itself.
        writing = writing or True in self._assemblies
        if writing not in self._assemblies:
            self._assemblies[writing] = self.desired.assemble(self._sessions, options=self._options, writing=writing)
        return self._assemblies[writing]

    def refuse_unnamed_account(self, stack: str) -> None:
        """Refuse to write for a stack whose account nobody names; see `operations.named_account`.

        Raises:
            GuardError: if neither the operator's settings nor the stack's variables name it.
        """
        spec = self.desired.specs.get(stack)
        if spec is not None:
            refuse_unnamed_account(spec, self.desired.settings, self._sessions)

    def account_of(self, stack: str) -> str:
        """Return the account that the operator expects a stack in, or `unknown`."""
        spec = self.desired.specs.get(stack)
        return (spec.target.account_id if spec else None) or "unknown"

    def asked_as(self, stack: str) -> str:
        """Name the account of a stack, or the credentials if nobody declares one; see `operations.named_account`."""
        try:
            spec = self.desired.specs.get(stack)
        except SecretsPipelineError:
            return asked_as(None)
        return asked_as(spec.target if spec else None)

    def seals(self, stack: Stack) -> SealStore:
        """Return where sealed passwords of a stack wait between two assets: apart by account, as names may repeat."""
        settings = self.desired.settings.seals
        if settings.bucket:
            folder = f"{settings.prefix.rstrip('/')}/{stack.account.account_id}"
            return S3SealStore(self._bucket_account(settings).client("s3"), settings.bucket, folder)
        return LocalSealStore(self._seal_folder, f"{stack.account.account_id}-")

    def keep_index(self, desired: OpenRepository) -> Kept:
        """Write the index of what `read` gave, for runs; nothing is written to a bucket by who may only read.

        Raises:
            SecretsPipelineError: see `IndexWriter.write`.
            OSError: likewise.
            sqlite3.Error: likewise.
        """
        reads_only = desired.settings.read_only or self._sessions.read_only
        return Kept() if reads_only and desired.settings.seals.bucket else self._reading.keep_index(desired)

    def _indexes(self, settings: OperatorSettings) -> IndexStore:
        """Where indexes of repositories lie: beside seals."""
        seals = settings.seals
        if seals.bucket:
            return S3IndexStore(self._bucket_account(seals).client("s3"), seals.bucket, seals.prefix)
        return LocalIndexStore(self._seal_folder.with_name(INDEXES))

    def _bucket_account(self, seals: SealSettings) -> AwsAccount:
        return self._sessions.for_target(Target(region=seals.region or "us-east-1"))


@dataclass(frozen=True)
class Asked:
    """Options that whoever builds the definitions sets for their runs; no run can be asked for it by another process.

    Attributes:
        options: what is adopted, pruned and looked at closely; the command line's alone.
        base_path: the Atmos repository; None for ATMOS_BASE_PATH, else the current folder.
        settings_file: the operator's settings; None for the file that SECRETS_PIPELINE_CONFIG names.
        desired: what has been read already, which names its repository; None has each run read it.
        commit: of the repository; empty for what is there.
        checkouts: folder of the commits that are kept; None for one in DAGSTER_HOME.
        publish: globs of the secrets that others may depend on; None for those of the environment.
        probe: whether this process has the check that asks AWS as the readers.
    """

    options: ApplyOptions = field(default_factory=ApplyOptions)
    base_path: Path | None = None
    settings_file: Path | None = None
    desired: OpenRepository | None = None
    commit: str = ""
    checkouts: Path | None = None
    publish: tuple[str, ...] | None = None
    probe: bool = False

    def settings(self) -> OperatorSettings:
        """Read the operator's settings.

        Raises:
            SpecError: if they cannot be read.
        """
        return operator_settings(self.settings_file) if self.desired is None else self.desired.settings

    def source(self, env: Mapping[str, str]) -> tuple[Path, SourceChoice]:
        """Return the repository and where its stacks come from; what is not asked for is the environment's to say."""
        if self.desired is not None:
            return self.desired.base_path, self.desired.origin
        folder = self.base_path or Path(env.get("ATMOS_BASE_PATH") or ".")
        return folder, SourceChoice.chosen(None, atmos=False, env=env)


class StacksResource(dg.ConfigurableResource[Stacks]):
    """Makes the stacks of a run.

    Tags only say how closely is looked, and the launchpad has nothing of it: whoever may launch a run in the UI decides
    neither which repository is read nor what is taken over or deleted.

    Attributes:
        asked: what the component names, or the command line in its own process. What is not asked for, ATMOS_BASE_PATH,
            SECRETS_PIPELINE_FROM_FILE and SECRETS_PIPELINE_FROM_ATMOS say, and nothing is adopted or pruned.
    """

    asked: dg.ResourceDependency[Asked]

    def create_resource(self, context: dg.InitResourceContext) -> Stacks:
        """The stacks, read when somebody asks."""
        if context.run is not None and context.instance is not None:
            # Of a run that the daemon started: what the command line opens keeps them already.
            keep_connections(context.instance)
        root = context.instance.root_directory if context.instance else "."
        tags = context.run.tags if context.run is not None else {}
        deep = self.asked.options.deep or DEEP_TAG in tags
        options = replace(self.asked.options, deep=deep, reads_back=VERIFY_TAG in tags)
        base_path, origin = self.asked.source(os.environ)
        return Stacks(
            base_path,
            Sessions(),
            options,
            Path(root) / "seals",
            origin=origin,
            desired=self.asked.desired,
            settings_file=self.asked.settings_file,
            commit=self.asked.commit,
            checkouts=self.asked.checkouts,
            run=(context.run, context.instance) if context.run and context.instance else None,
            publish=Publish.chosen(self.asked.publish, os.environ),
        )
