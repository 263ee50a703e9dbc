"""Open a repository: read its stacks, and build the desired state of each.

What asks AWS of them, and git, is imported where it is asked (`assemble`, `revision`): boto3 takes longer than to read
the stacks, and who lists or draws them needs none of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from secrets_pipeline.desired.atmos_secrets.components import with_declared
from secrets_pipeline.desired.build import build_specs
from secrets_pipeline.desired.kinds import TERRAFORM
from secrets_pipeline.desired.kms_key.model import TerraformKey
from secrets_pipeline.desired.reading.spelling import function_at, shown_call
from secrets_pipeline.desired.repository_index import Conclusions, RepositoryIndex
from secrets_pipeline.desired.settings.operator import OperatorSettings, load_settings
from secrets_pipeline.desired.shown import ShownStack
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.stack_globs import expanded
from secrets_pipeline.desired.value.data import leaf_expression
from secrets_pipeline.desired.value.model import Leaf
from secrets_pipeline.errors import SecretsPipelineError, SpecError, StackError
from secrets_pipeline.operations.repository_id import repository_id
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.references.model import Expression, Path
from secrets_pipeline.stacks import (
    CONFIG_VARIABLES,
    AtmosStack,
    SourceChoice,
    StackSource,
    open_source,
    read_text,
    readable_problem,
    readable_state_problem,
)
from secrets_pipeline.stacks.files.disk import Seen, first_bytes, noted_in

if TYPE_CHECKING:
    from secrets_pipeline.aws.session import Sessions
    from secrets_pipeline.operations.revision.model import Revision
    from secrets_pipeline.reconcilers.assembly import Assembly
    from secrets_pipeline.reconcilers.run import Run
    from secrets_pipeline.values.fingerprint import Fingerprinter

CONFIG_VARIABLE = "SECRETS_PIPELINE_CONFIG"
BASE_PATH = "ATMOS_BASE_PATH"
MANIFESTS = SourceChoice()
"""The manifests of the repository."""
CAUTIOUS = ApplyOptions()
"""Neither adopts nor prunes."""


@dataclass(frozen=True)
class OpenRepository:
    """A whole repository, read once: its stacks and their desired state.

    Attributes:
        source: its stacks, as resolved.
        origin: where they come from.
        base_path: the repository.
        specs: by stack, those without errors; each read when it is asked for where there is an `index`.
        errors: by stack, `""` for those that belong to no stack.
        shown: by stack, those that may be shown in spite of their errors, and that nothing may ask AWS for.
        incomplete: stacks without errors that may declare more than is known of them.
        notices: what a user should be told once, each a sentence or two.
        notices_of: by notice that does not concern everybody, the stacks that it concerns.
        repository: its id, which marks name; empty where nothing says one.
        terraform_keys: KMS keys that its components declare for Terraform alone.
        conclusions: what only a reading of all stacks can tell about each.
        index: what another reading found in all stacks, of which this one reads few; None where it read them itself.
        read_at: the revision of that reading.
        derived: keyed digests that proved the index, by the ARN of their KMS key.
        commit: its commit, where it is no clone and the operator says it; the environment's if empty.
        kept: its checkout, where files are read that values name; None for the repository itself.
        seen: what the file system answered while it was read, and since.
        make_run: makes the run of an assembly that is given none, a real one if None; a test's has a time of its own.
    """

    source: StackSource
    origin: SourceChoice
    base_path: FilePath
    settings: OperatorSettings
    specs: Mapping[str, StackSpec]
    errors: Mapping[str, tuple[SecretsPipelineError, ...]]
    shown: Mapping[str, ShownStack] = field(default_factory=dict)
    incomplete: frozenset[str] = frozenset()
    notices: tuple[str, ...] = ()
    notices_of: Mapping[str, frozenset[str]] = field(default_factory=dict)
    repository: str = ""
    terraform_keys: tuple[TerraformKey, ...] = ()
    conclusions: Conclusions = field(default_factory=Conclusions, repr=False)
    index: RepositoryIndex | None = field(default=None, compare=False, repr=False)
    read_at: Revision | None = None
    derived: Mapping[str, Fingerprinter] = field(default_factory=dict, compare=False, repr=False)
    commit: str = ""
    kept: FilePath | None = None
    seen: Seen = field(default_factory=Seen, compare=False, repr=False)
    make_run: Callable[[OperatorSettings, ApplyOptions], Run] | None = field(default=None, compare=False, repr=False)

    @cached_property
    def _read(self) -> dict[str, AtmosStack]:
        """Stacks of which leaves were read, with the components that stand for declared secrets."""
        return {}

    @cached_property
    def _digests(self) -> dict[str, str]:
        return {}

    @property
    def has_all_stacks(self) -> bool:
        """Whether all is known that the stacks of its known manifests declare."""
        return not self.errors and not self.incomplete

    @property
    def is_complete(self) -> bool:
        """Whether all is known that its stacks declare, so that something undeclared may be deleted."""
        return self.has_all_stacks and self.source.is_whole

    def digest(self, stack: str) -> str:
        """Return the digest of a stack's desired state.

        Raises:
            KeyError: if there is no such stack, or it has errors.
        """
        if stack not in self._digests:
            self._digests[stack] = self.specs[stack].digest()
        return self._digests[stack]

    @cached_property
    def revision(self) -> Revision:
        """Find the commit that it was read at, and whether it differs; see `revision_of`."""
        if self.read_at is not None:
            return self.read_at
        from secrets_pipeline.operations.revision.model import (  # noqa: PLC0415 - see the module's docstring
            COMMIT_VARIABLE,
            revision_of,
        )

        return revision_of(self.seen, self.base_path, self.commit or os.environ.get(COMMIT_VARIABLE, ""))

    def notices_for(self, names: Collection[str] | None) -> tuple[str, ...]:
        """Return what somebody should be told who asks for stacks, by names or globs, with commas; all for None."""

        def concerns(notice: str) -> bool:
            stacks = self.notices_of.get(notice)
            return stacks is None or names is None or any(map(stacks.intersection, expanded(names, stacks).values()))

        return tuple(filter(concerns, self.notices))

    def read_leaf(self, stack: str, component: str, leaf: Leaf) -> Expression:
        """Read what the YAML says at one leaf of a declared value."""
        return leaf_expression(self._declared_in(stack), component, leaf)

    def function_at(self, stack: str, component: str, path: Path) -> str:
        """Return the YAML function at a place of a Terraform component, see `shown_call`; empty if there is none."""
        return shown_call(function_at(self._declared_in(stack).components[TERRAFORM][component], path))

    def _declared_in(self, stack: str) -> AtmosStack:
        if stack not in self._read:
            self._read.update(with_declared({stack: self.source.stack(stack)}, self.settings))
        return self._read[stack]

    def read_file(self, path: str) -> str:
        """Read a file inside the base path.

        Raises:
            StackError: if it may not, or cannot, be read.
        """
        base = self.kept or self.base_path
        unreadable = readable_problem(base, path)
        if unreadable is not None:
            raise StackError(f"{path} {unreadable.problem}", remedy=unreadable.remedy)
        try:
            return read_text(base / path)
        except (OSError, UnicodeDecodeError) as error:
            problem = type(error).__name__
        raise StackError(f"{path} cannot be read: {problem}", remedy="Name a readable text file.")

    def read_state(self, path: str, most: int) -> bytes | None:
        """Read a local state of Terraform inside the base path; nobody notes what is in it.

        Args:
            path: relative to the base path.
            most: bytes; a longer one is cut off.

        Returns:
            Its content; None if there is none.

        Raises:
            StackError: if it may not, or cannot, be read.
        """
        base = self.kept or self.base_path
        unreadable = readable_state_problem(base, path)
        if unreadable is not None:
            raise StackError(f"{path} {unreadable.problem}", remedy=unreadable.remedy)
        try:
            return first_bytes(base / path, most)
        except FileNotFoundError:
            return None
        except OSError as error:
            problem = type(error).__name__
        raise StackError(f"{path} cannot be read: {problem}", remedy="Name a component with a readable state.")

    def environment(self, name: str) -> str | None:
        """Read an environment variable that the operator's settings allow; None where it is not set.

        Raises:
            SpecError: if they do not.
        """
        if name not in self.settings.environment_allowed:
            raise SpecError(
                f"environment variable {name} is not allowed",
                remedy=f"Add it to environment_allowed in the operator's settings ({CONFIG_VARIABLE}).",
            )
        return os.environ.get(name)

    def assemble(
        self,
        sessions: Sessions | None = None,
        *,
        options: ApplyOptions = CAUTIOUS,
        writing: bool = False,
        run: Run | None = None,
    ) -> Assembly:
        """Make the stacks, to plan or apply in one run; they keep what they read.

        Args:
            sessions: how accounts are reached.
            options: what the operator asked this run for.
            writing: whether the run may make the service keys.
            run: one with other databases or another time; None for a real one.
        """
        from secrets_pipeline.aws.session import Sessions  # noqa: PLC0415 - see the module's docstring
        from secrets_pipeline.reconcilers.assembly import Assembly  # noqa: PLC0415 - see the module's docstring
        from secrets_pipeline.reconcilers.repository import Repository  # noqa: PLC0415 - see the module's docstring
        from secrets_pipeline.reconcilers.run import Run  # noqa: PLC0415 - see the module's docstring

        reached = sessions or Sessions()
        # The operator's settings may forbid writes to everybody; no account is open yet.
        reached.read_only = reached.read_only or self.settings.read_only
        repository = Repository(
            specs=self.specs,
            read_leaf=self.read_leaf,
            read_file=self.read_file,
            read_state=self.read_state,
            environment=self.environment,
            is_complete=self.is_complete,
            id=self.repository,
            terraform_keys=self.terraform_keys,
            known=self.index,
        )
        made = run or (self.make_run or Run)(self.settings, options)
        return Assembly(repository, reached, replace(made, writes=writing), self.derived)


def config_environment(base_path: FilePath, called: FilePath | None = None) -> dict[str, str]:
    """Return the variables that say where Atmos's configuration is and what it holds, for one repository.

    As in Atmos, ATMOS_BASE_PATH wins over `base_path` of atmos.yaml, as long as it names this repository: a folder that
    was asked for by name wins over it.
    """
    found = {name: os.environ[name] for name in CONFIG_VARIABLES if os.environ.get(name)}
    if _same(found.pop(BASE_PATH, ""), called or base_path):
        found[BASE_PATH] = str(base_path.absolute())
    return found


def _same(named: str, folder: FilePath) -> bool:
    return bool(named) and os.path.normpath(FilePath(named).absolute()) == os.path.normpath(folder.absolute())


def operator_settings(file: FilePath | None = None) -> OperatorSettings:
    """Read the operator's settings.

    Args:
        file: theirs; None for the one that `SECRETS_PIPELINE_CONFIG` names, if it does.

    Raises:
        SpecError: if they cannot be read.
    """
    named = file or os.environ.get(CONFIG_VARIABLE)
    return load_settings(FilePath(named) if named else None)


def open_repository(
    base_path: FilePath,
    *,
    origin: SourceChoice = MANIFESTS,
    allow_exec: bool = False,
    settings: OperatorSettings | None = None,
    called: FilePath | None = None,
    commit: str = "",
) -> OpenRepository:
    """Read a repository under the operator's settings.

    Args:
        base_path: the repository.
        origin: where its stacks come from.
        allow_exec: whether `!exec` runs commands.
        settings: the operator's; None for those that `SECRETS_PIPELINE_CONFIG` names.
        called: what the repository's folder is called in values (`!cwd`); None for its own path.
        commit: what the operator says that it is, where it is no clone; the environment's if empty.

    Raises:
        StackError: if there is no Atmos repository, or no stacks where `origin` says.
        SpecError: if the settings cannot be read.
    """
    settings, seen = operator_settings() if settings is None else settings, Seen()
    with noted_in(seen):
        opened = _opened(base_path, origin, settings, allow_exec=allow_exec, called=called)
    return replace(opened, seen=seen, commit=commit)


def open_stacks(
    base_path: FilePath,
    settings: OperatorSettings,
    *,
    origin: SourceChoice = MANIFESTS,
    allow_exec: bool = False,
    process_templates: bool = True,
    called: FilePath | None = None,
    index: RepositoryIndex | None = None,
) -> StackSource:
    """Open the stacks with the environment and the manifests that the operator admits.

    Every command does so except `describe --all-environment`.

    A variable that is secret stays a call, which is resolved when a value is written.

    Args:
        base_path: the repository.
        settings: the operator's; `environment_allowed` lists the variables.
        origin: see `open_repository`.
        allow_exec: see `open_repository`.
        process_templates: whether the `atmos` command renders templates.
        called: see `open_repository`.
        index: of a reading of all stacks; None has the manifests of each looked for.

    Raises:
        StackError: see `open_source`.
    """
    return open_source(
        origin,
        base_path,
        env=plain_environment(settings),
        config_env=config_environment(base_path, called),
        allow_exec=allow_exec,
        withhold=True,
        process_templates=process_templates,
        called=called,
        admits=settings.admits,
        known=None if index is None else index.manifests,
    )


def plain_environment(settings: OperatorSettings) -> dict[str, str | None]:
    """Return the environment variables that the operator calls plain; None for one that is not set."""
    return {name: os.environ.get(name) for name in settings.environment_plain}


def _opened(
    base_path: FilePath,
    origin: SourceChoice,
    settings: OperatorSettings,
    *,
    allow_exec: bool,
    called: FilePath | None,
) -> OpenRepository:
    source = open_stacks(base_path, settings, origin=origin, allow_exec=allow_exec, called=called)
    plain = plain_environment(settings)
    known = {name: value for name, value in plain.items() if value is not None}
    built = build_specs(source, settings, base_path=base_path, environment=known)
    notices = tuple(dict.fromkeys((*source.notices, *built.notices)))
    identity = repository_id(settings.repository, base_path)
    keys = built.terraform_keys
    return OpenRepository(
        *(source, origin, base_path, settings, built.specs, built.errors, built.shown),
        *(built.incomplete, notices, built.notices_of, identity, keys),
        conclusions=built.conclusions,
    )
