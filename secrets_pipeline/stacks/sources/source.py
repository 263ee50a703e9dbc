"""Open the source of stacks: the manifests of a repository, a description of them, or the `atmos` command."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from secrets_pipeline.environment import switched_on
from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.stacks.components.model import AtmosStack, Component, Resolution
from secrets_pipeline.stacks.components.top_level import Admits, Known, any_manifest
from secrets_pipeline.stacks.config.config import AtmosConfig, load_config
from secrets_pipeline.stacks.files import disk
from secrets_pipeline.stacks.files.readable import git_root
from secrets_pipeline.stacks.functions.functions import FunctionEvaluator, Variables, set_only
from secrets_pipeline.stacks.manifests.discovery import manifest_file
from secrets_pipeline.stacks.sources import atmos_binary
from secrets_pipeline.stacks.sources.described import DescribedStacks
from secrets_pipeline.stacks.sources.repository import AtmosRepository

FROM_FILE_VARIABLE: Final = "SECRETS_PIPELINE_FROM_FILE"
FROM_ATMOS_VARIABLE: Final = "SECRETS_PIPELINE_FROM_ATMOS"
STANDARD_INPUT: Final = "-"


class StackSource(Protocol):
    """Resolved stacks, wherever they come from; a `AtmosRepository` is one."""

    @property
    def notices(self) -> tuple[str, ...]:
        """What a user should know about how the stacks are read, each one sentence."""

    @property
    def is_whole(self) -> bool:
        """Whether all of the configuration is read, so that no manifest is unknown."""

    def resolve(
        self,
        stacks: Collection[str] | None = None,
        *,
        process_functions: bool = True,
        process_templates: bool = True,
        keep_conflicting: bool = False,
        keep_failing: bool = False,
        keep_unsettled: bool = False,
    ) -> Resolution:
        """The stacks, whole ones only, and every error found; see `AtmosRepository.resolve`."""

    def stack(self, name: str) -> AtmosStack:
        """One stack, its functions evaluated; the same object each time. Components that fail have their `failures`.

        Raises:
            StackError: if there is no such stack, naming near misses, or if it is broken.
        """

    def stack_names(self) -> tuple[str, ...]:
        """Names of all stacks, sorted."""

    def locate(self, component: Component, path: Sequence[str | int]) -> Where:
        """Where a key of a component is set."""


@dataclass(frozen=True, slots=True)
class SourceChoice:
    """Which source was asked for: the manifests of a repository, unless one of these says otherwise.

    Attributes:
        file: file of a description, `-` for standard input; empty for none.
        atmos: whether the `atmos` command is asked.
    """

    file: str = ""
    atmos: bool = False

    def __post_init__(self) -> None:
        if self.file and self.atmos:
            raise StackError(
                "stacks cannot come from a file and from the atmos command at once",
                remedy=f"Leave --from-file ({FROM_FILE_VARIABLE}) or --from-atmos ({FROM_ATMOS_VARIABLE}) away.",
            )

    @classmethod
    def chosen(cls, file: str | None, *, atmos: bool, env: Mapping[str, str]) -> SourceChoice:
        """What was asked for by name, else what the environment says.

        Raises:
            StackError: if both a file and the command are asked for.
        """
        if not file and not atmos:
            file, atmos = env.get(FROM_FILE_VARIABLE), switched_on(env, FROM_ATMOS_VARIABLE)
        named = file if not file or file == STANDARD_INPUT else str(Path(file).absolute())
        return cls(named or "", atmos)


def open_source(
    origin: SourceChoice,
    base_path: Path,
    *,
    env: Variables | None = None,
    config_env: Mapping[str, str] | None = None,
    allow_exec: bool = False,
    withhold: bool = False,
    process_templates: bool = True,
    called: Path | None = None,
    admits: Admits = any_manifest,
    known: Known | None = None,
) -> StackSource:
    """Open the source of the stacks that were asked for.

    Args:
        origin: where they come from.
        base_path: the Atmos repository, which is also where the `atmos` command runs.
        env: all that YAML may see of the environment; this process's if not given.
        config_env: see `AtmosRepository.open`; the `atmos` command sees these and `env`.
        allow_exec: whether `!exec` runs commands.
        withhold: see `AtmosRepository.open`.
        process_templates: whether the `atmos` command renders templates; a repository is told when it is resolved.
        called: see `AtmosRepository.open`.
        admits: see `AtmosRepository.open`; a description has merged its manifests already.
        known: see `AtmosRepository.open`; a description is read whole.

    Raises:
        StackError: if there is no repository or description, or it cannot be read, or Atmos fails.
    """
    if origin == SourceChoice():
        return AtmosRepository.open(
            base_path,
            env=env,
            config_env=config_env,
            allow_exec=allow_exec,
            withhold=withhold,
            called=called,
            admits=admits,
            known=known,
        )
    root = base_path.absolute()
    environment: Variables = dict(os.environ if env is None else env)
    if origin.atmos:
        seen = {**(config_env or {}), **set_only(environment)}
        disk.note_unrepeatable()
        text = atmos_binary.describe_stacks(root, seen, process_templates=process_templates)
        name = atmos_binary.COMMAND
    else:
        text, name = _read(origin.file), "standard input" if origin.file == STANDARD_INPUT else origin.file
    evaluate = FunctionEvaluator(environment, root, git_root(root), allow_exec, withhold)
    config = _config(root, config_env, environment)
    if config is None:
        return DescribedStacks.parse(text, name, evaluate)
    return DescribedStacks.parse(text, name, evaluate, config.stores, partial(manifest_file, config=config))


def _config(root: Path, config_env: Mapping[str, str] | None, environment: Variables) -> AtmosConfig | None:
    """The configuration where a description is read; None if there is no `atmos.yaml`, or an invalid one."""
    try:
        return load_config(root, set_only(environment) if config_env is None else config_env, environment)
    except StackError:
        return None


def _read(file: str) -> str:
    try:
        if file == STANDARD_INPUT:
            return sys.stdin.buffer.read().decode("utf-8-sig")
        if disk.exists(file) and not disk.is_file(file) and not disk.is_folder(file):
            # A pipe of the shell's, which is read once.
            disk.note_unrepeatable()
            return Path(file).read_text(encoding="utf-8-sig")
        return disk.read_text(file)
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 at byte {error.start}"
    except OSError as error:
        problem = str(error.strerror)
    raise StackError(f"it cannot be read: {problem}", where=Where(file=file), remedy="Name a readable text file.")
