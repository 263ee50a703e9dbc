"""Define the `dg.Component` that makes everything of the pipeline from a few lines of YAML."""

import os
import resource
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import dagster as dg
from pydantic import Field

from secrets_pipeline.orchestration.build import WATCHERS, Watcher, build_definitions
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.publish import Publish
from secrets_pipeline.orchestration.shared.resources import Asked


class Repository(dg.Model):
    """Which Atmos repository is read, and at which commit."""

    path: str | None = Field(default=None, description="Its folder, relative to the folder of this file.")
    commit: str | None = Field(
        default=None,
        description="The whole id of the commit: of a folder that is no clone, as in an image, what it is; of a clone, "
        "what is read of it, whatever is checked out. By default what is checked out, or SECRETS_PIPELINE_COMMIT.",
    )
    checkouts: str | None = Field(
        default=None,
        description="The folder where commits of a clone are kept for runs that were decided by them. By default "
        "`checkouts` in DAGSTER_HOME.",
    )


@dataclass(frozen=True)
class Read:
    """A repository as the attributes say it, its paths absolute."""

    path: Path | None = None
    commit: str = ""
    checkouts: Path | None = None


def _repository(context: dg.ResolutionContext, said: str | Repository | None) -> Read:
    if not isinstance(said, Repository):
        return Read(_beside(context, said))
    found = {name: context.resolve_value(value) for name, value in said.model_dump().items()}
    return Read(_beside(context, found["path"]), found["commit"] or "", _beside(context, found["checkouts"]))


def _beside(context: dg.ResolutionContext, path: str | None) -> Path | None:
    return None if path is None else context.resolve_source_relative_path(path)


class SecretsPipelineComponent(dg.Component, dg.Resolvable, dg.Model):
    """Makes AWS Secrets Manager match an Atmos repository: one partition a stack, one asset a stage.

    A code location serves one repository, and so holds one of these; several share an instance by their names. Each run
    of its jobs is one process. Other jobs of the project, Materialize included, keep the project's executor.
    """

    repository: Annotated[
        Read,
        dg.Resolver(
            _repository,
            model_field_type=str | Repository | None,
            description="The Atmos repository, relative to the folder of this file, or `path`, `commit` and "
            "`checkouts`. By default ATMOS_BASE_PATH, else the current folder.",
            examples=[
                "../../infrastructure",
                "{{ project_root }}/atmos",
                {"path": "/srv/infrastructure", "commit": "{{ env.ATMOS_COMMIT }}"},
            ],
        ),
    ] = Read()
    operator_settings: Annotated[
        Path | None,
        dg.Resolver(
            _beside,
            model_field_type=str | None,
            description="The operator's settings, relative to the folder of this file: which account a stack may write "
            "to, and what YAML may touch. By default the file that SECRETS_PIPELINE_CONFIG names.",
            examples=["operator.yaml"],
        ),
    ] = None
    name: Annotated[
        str | None,
        dg.Resolver.default(
            description="Prefix of the partition set, of jobs, sensors, schedules and asset keys, so that several "
            "repositories share one Dagster instance. By default SECRETS_PIPELINE_NAME, else none.",
            examples=["payments"],
        ),
    ] = None
    owners: Annotated[
        Sequence[str],
        dg.Resolver.default(
            description="Owners of every asset, as Dagster has them: `team:NAME`, or an e-mail address.",
            examples=[["team:platform-security"]],
        ),
    ] = ()
    retire_many: Annotated[
        bool,
        dg.Resolver.default(
            description="Retire partitions also where more than half of the stacks left the repository at once. "
            "By default they are kept then, and the sensor says so: a wrong folder looks the same.",
            examples=[True],
        ),
    ] = False
    publish: Annotated[
        Sequence[str] | None,
        dg.Resolver.default(
            description="The secrets that assets of other teams may depend on, as globs of whole names (`*` also "
            "matches a slash): each is an external asset `secret/NAME`, materialized when it has a new version and its "
            "checks are green. 3,000 at most. By default SECRETS_PIPELINE_PUBLISH, else none.",
            examples=[["myapp/*/database/*"]],
        ),
    ] = None
    include: Annotated[
        Sequence[Watcher],
        dg.Resolver.default(
            description="What acts by itself; assets, checks and jobs are always there. The sensors add a "
            "partition for each stack, and follow changed YAML, rotations and failed runs; the schedules verify.",
            examples=[["schedules"], []],
        ),
    ] = WATCHERS

    @classmethod
    def get_spec(cls) -> dg.ComponentTypeSpec:
        """What the UI says of the component."""
        return dg.ComponentTypeSpec(
            description="Makes AWS Secrets Manager match an Atmos repository, and keeps it so.",
            tags=["aws", "atmos", "secrets"],
        )

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Build the definitions.

        Raises:
            DagsterInvalidDefinitionError: if the project has another of these components.
        """
        found = context.component_tree.get_all_components(SecretsPipelineComponent)
        if len(found) > 1:
            repositories = ", ".join(str(one.repository.path or "that of ATMOS_BASE_PATH") for one in found)
            raise dg.DagsterInvalidDefinitionError(
                f"a code location serves one Atmos repository, and this project names {len(found)}: {repositories}. "
                "Make a project for each, and list them in one workspace."
            )
        return self.definitions()

    def code_location(self) -> dg.Definitions:
        """Build the definitions of a code location that holds nothing else: Materialize also runs in one process."""
        return self.definitions(executor=dg.in_process_executor)

    def definitions(self, executor: dg.ExecutorDefinition | None = None) -> dg.Definitions:
        """Build the definitions, and forbid core dumps of this process (`setrlimit`): it holds values.

        Args:
            executor: of each job of the project that names none; None leaves it to the project.
        """
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # Dagster copies what a project has, with parameters that only it sets, after this has returned.
        warnings.filterwarnings("ignore", category=dg.BetaWarning, module=r"dagster\.")
        asked = Asked(
            base_path=self.repository.path,
            settings_file=self.operator_settings,
            commit=self.repository.commit,
            checkouts=self.repository.checkouts,
            publish=Publish.chosen(self.publish, os.environ).globs,
        )
        names = Names.chosen(self.name, os.environ)
        return build_definitions(
            asked=asked,
            watchers=self.include,
            names=names,
            owners=self.owners,
            retire_many=self.retire_many,
            executor=executor,
        )
