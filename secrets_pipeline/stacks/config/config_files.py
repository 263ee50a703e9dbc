"""Find, order and read the files of an Atmos configuration (Atmos `pkg/config/load.go`)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from secrets_pipeline.errors import Lines, StackError, Where
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml import reader
from secrets_pipeline.golang.yaml.composer import InvalidYamlError
from secrets_pipeline.golang.yaml.tags import UNSET, FunctionCall
from secrets_pipeline.stacks.amounts import LONGEST_CHAIN, MOST_MERGES
from secrets_pipeline.stacks.config.config_file import ConfigFile, lowered
from secrets_pipeline.stacks.config.stores import NotAllowed
from secrets_pipeline.stacks.files import remote
from secrets_pipeline.stacks.files.disk import entries, is_file, is_folder, read_text, real_path
from secrets_pipeline.stacks.files.globs import FileTree, OutsideError
from secrets_pipeline.stacks.files.readable import ReadableFiles, Use, git_root, limit, within
from secrets_pipeline.stacks.functions.functions import (
    Variables,
    construct,
    env_value,
    repository_root,
    working_directory,
)
from secrets_pipeline.stacks.merge import Section, merge_all

_NAMES: Final = (".atmos.yml", ".atmos.yaml", "atmos.yml", "atmos.yaml")
_DROP_INS: Final = ("atmos.d", ".atmos.d")
_EXTENSIONS: Final = (".yaml", ".yml")
_UNREAD: Final = (
    "{} is not read: the machine's and the user's configuration is, where ATMOS_CLI_CONFIG_PATH names its folder: "
    "ATMOS_CLI_CONFIG_PATH={}"
)
_SYSTEM: Final = Path("/usr/local/etc/atmos")
_IMAGE: Final = "rootfs/usr/local/etc/atmos"
"""Where the repository of a Geodesic image keeps that folder.

Source: https://github.com/cloudposse/geodesic (rootfs)
"""


@dataclass(frozen=True, slots=True)
class ConfigFiles:
    """The files of a configuration, the lowest precedence first.

    Attributes:
        files: all of them.
        folder: that of the main file with the highest precedence, which `base_path: .` stands for.
        notices: what a user should know of how they were found, each a sentence.
        unread: whether one of them imports what is not read.
    """

    files: tuple[ConfigFile, ...]
    folder: Path
    notices: tuple[str, ...] = ()
    unread: bool = False

    def merged(self) -> Section:
        """Merge all of them, without the keys that `!unset` takes out."""
        merged: Section = _without_unset(merge_all(file.section for file in self.files))
        return merged


def find_config(
    root: Path, env: Mapping[str, str], system: Path = _SYSTEM, *, readable: Variables | None = None
) -> ConfigFiles:
    """Read the configuration of the repository at `root`, its imports, drop-ins and profiles included.

    Args:
        root: absolute folder to start from, as Atmos starts from the current folder.
        env: variables that say where it is.
        system: folder of the machine's configuration; like that of the user it is not read, but said to exist.
        readable: what `!env` in it may read; `env` if not given.

    Raises:
        StackError: if there is none, or a file of it is invalid, or imports what is remote or outside the repository.
    """
    folders = _folders(root, env)
    elsewhere = {system, *([Path(env["HOME"]) / ".atmos"] if env.get("HOME") else [])}.difference(folders)
    unread = [place / name for place in sorted(elsewhere) for name in _NAMES[::-1] if is_file(place / name)]
    notices = [_UNREAD.format(path, path.parent) for path in unread]
    if not folders:
        image = root / _IMAGE
        raise StackError(
            Lines.of(f"no atmos.yaml in {root} or a parent folder", *notices),
            remedy=f"There is one in {image}: set ATMOS_BASE_PATH={root} and ATMOS_CLI_CONFIG_PATH={image}."
            if _has_config(image)
            else "Name the Atmos repository: --base-path DIR, or ATMOS_BASE_PATH, or ATMOS_CLI_CONFIG_PATH.",
        )
    loader = _Loader(root, env, env if readable is None else readable, folders)
    files = tuple(file for folder in folders for file in loader.folder(folder))
    files += tuple(loader.profiles(ConfigFiles(files, folders[-1])))
    return ConfigFiles(files, folders[-1], (*notices, *loader.notices), loader.unread)


def _folders(root: Path, env: Mapping[str, str]) -> list[Path]:
    """Folders with a configuration, the lowest precedence first."""
    here = [root] if _has_config(root) else []
    explicit = env.get("ATMOS_CLI_CONFIG_PATH")
    if explicit:
        folder = Path(explicit).absolute()
        folder = folder.parent if is_file(folder) else folder
        if not _has_config(folder):
            raise StackError(
                f"no atmos.yaml in ATMOS_CLI_CONFIG_PATH ({explicit})", remedy="Correct the variable, or unset it."
            )
        return [*here, folder]
    if here:
        return here
    found = [place for place in root.parents if any(is_file(place / name) for name in _NAMES)][:1]
    git = git_root(root) if env.get("ATMOS_GIT_ROOT_BASEPATH") != "false" else None
    return [*found, git] if git and git not in found and _has_config(git) else found


def _has_config(folder: Path) -> bool:
    return any(is_file(folder / name) for name in _NAMES) or any(is_folder(folder / name) for name in _DROP_INS)


class _Loader:
    """Reads files of one configuration."""

    def __init__(self, root: Path, env: Mapping[str, str], readable: Variables, folders: Sequence[Path]) -> None:
        self._root = root
        self._env = env
        self._readable = readable
        self._git = git_root(root)
        self._tree = FileTree(*(place for folder in folders for place in (limit(root, folder), folder)))
        self._named: dict[tuple[Path, str, Path], list[ConfigFile]] = {}
        self._merges = 0
        self.notices: list[str] = []
        self.unread = False

    def folder(self, folder: Path) -> list[ConfigFile]:
        """Read the files of a folder: drop-ins, then imports, then the main files."""
        drop_ins = [] if self._git in (None, folder) else self._drop_ins(self._git)
        drop_ins += self._drop_ins(folder)
        main = [self._read(folder / name, folder) for name in _NAMES if is_file(folder / name)]
        merged = merge_all(file.section for file in (*drop_ins, *main))
        importer = main[-1] if main else drop_ins[-1] if drop_ins else None
        if importer is None:
            return []
        base = merged.get("base_path")
        anchor = self._anchor(base if isinstance(base, str) else "", folder)
        imported = list(self._imports(merged.get("import"), anchor, (importer,), folder))
        return [*drop_ins, *imported, *main]

    def profiles(self, config: ConfigFiles) -> Iterator[ConfigFile]:
        """Read the files of the profiles that `ATMOS_PROFILE` names, or else `profiles.default`."""
        section = config.merged().get("profiles")
        settings = section if isinstance(section, dict) else {}
        names = self._env.get("ATMOS_PROFILE") or settings.get("default") or ""
        base = settings.get("base_path")
        places = [config.folder / ".atmos" / "profiles", config.folder / "profiles"]
        if isinstance(base, str) and base:
            places.insert(0, config.folder / base)
        places = [place for place in places if self._is_inside(place, config.folder)]
        for name in filter(None, (part.strip() for part in str(names).split(","))):
            found = next((place / name for place in places if is_folder(place / name)), None)
            if found is None or ".." in name.split("/"):
                known = sorted({entry.name for place in places for entry in entries(place)})
                raise StackError(
                    f"Atmos profile {name!r} not found; there are: {', '.join(known) or 'none'}",
                    remedy="Correct ATMOS_PROFILE or profiles.default; those outside of the repository are not read.",
                )
            self._check_inside(found, config.folder, name)
            for path in self._found(found, "**/*", config.folder):
                yield self._read(path, config.folder)

    def _drop_ins(self, folder: Path) -> list[ConfigFile]:
        paths = [path for name in _DROP_INS for path in self._found(folder, f"{name}/**/*", folder)]
        return [self._read(path, folder) for path in paths]

    def _anchor(self, base: str, folder: Path) -> Path:
        """Where imports start: the base path, which begins at the file's own folder if it has a dot in front."""
        start = folder if not base or base.startswith(".") else self._root
        return Path(os.path.normpath(start / base))

    def _imports(self, names: Value, anchor: Path, chain: tuple[ConfigFile, ...], folder: Path) -> Iterator[ConfigFile]:
        """The imported files, each followed by those that it imports itself: as in Atmos these win over it."""
        importer = chain[-1]
        if len(chain) > LONGEST_CHAIN + 1:
            raise StackError(
                f"more than {LONGEST_CHAIN} files of the configuration import each other in a row",
                where=chain[-2].import_place,
                remedy="Import what is needed directly.",
            )
        for name in _import_names(names, importer):
            where = importer.import_place
            if remote.is_remote(name):
                # In practice these are commands and documentation, which do not say what a stack is.
                self.unread = True
                self.notices.append(
                    f"{where}: the import of {remote.shown(name)!r} is not read: nothing is fetched. "
                    "If it says anything about stacks, vendor the file into the repository, or use --from-atmos."
                )
                continue
            files = self._named_by(name, anchor, folder, where)
            self._merges += max(1, len(files))
            if self._merges > MOST_MERGES:
                raise StackError(
                    f"more than {MOST_MERGES} files of the configuration to merge: files that are imported several "
                    "times import others several times",
                    where=where,
                    remedy="Import each file once.",
                )
            if not files:
                self.notices.append(f"{importer.name} imports {name!r}, which matches no file: ignored, as in Atmos.")
            for file in files:
                if any(file.path == one.path for one in chain):
                    cycle = " → ".join([*(one.name for one in chain), file.name])
                    raise StackError(f"import cycle: {cycle}", where=where, remedy="Remove one of these imports.")
                yield file
                base = file.section.get("base_path")
                inner = self._anchor(base, file.path.parent) if isinstance(base, str) and base else anchor
                yield from self._imports(file.section.get("import"), inner, (*chain, file), folder)

    def _named_by(self, name: str, anchor: Path, folder: Path, where: Where) -> list[ConfigFile]:
        """The files that an import names, read once for all imports that name them so."""
        key = anchor, name, folder
        if key not in self._named:
            paths = self._found(anchor, name, folder, where)
            for path in paths:
                self._check_inside(path, folder, name, where)
            self._named[key] = [self._read(path, folder) for path in paths]
        return self._named[key]

    def _found(self, anchor: Path, name: str, folder: Path, where: Where | None = None) -> list[Path]:
        """Files of that name, folder or glob: the shallow ones first, `.yaml` instead of `.yml`."""
        target = Path(os.path.normpath(anchor / name))
        if self._is_inside(target, folder) and is_folder(target):
            name = f"{name}/**/*"
        names = [name] if "." in name.rpartition("/")[2] else [name + extension for extension in _EXTENSIONS]
        paths: dict[tuple[Path, str], Path] = {}
        try:
            found = [path for pattern in names for path in self._tree.matches(anchor, pattern)]
        except OutsideError:
            raise _leaves(name, where) from None
        for path in found:
            paths.setdefault((path.parent, path.stem if path.suffix in _EXTENSIONS else path.name), path)
        return sorted(paths.values(), key=lambda path: (len(path.parts), str(path)))

    def _is_inside(self, path: Path, folder: Path) -> bool:
        real = real_path(path)
        return any(within(real, real_path(place)) for place in (limit(self._root, folder), folder))

    def _check_inside(self, path: Path, folder: Path, name: str, where: Where | None = None) -> None:
        if not self._is_inside(path, folder):
            raise _leaves(name, where)

    def _read(self, path: Path, folder: Path) -> ConfigFile:
        """A file of the configuration in `folder`, which it may not lead out of."""
        name = os.path.relpath(path, self._root)
        self._check_inside(path, folder, name, Where(file=name))
        real, top = real_path(path), limit(self._root, folder)
        base = folder if within(real, real_path(folder)) else top
        # What lies elsewhere, the operator has named; what another work tree tracks says nothing of it.
        unreadable = ReadableFiles(base, top if within(real, str(top)) else None).problem(path, Use.CONFIGURATION)
        if unreadable is not None:
            raise StackError(f"the file {unreadable.problem}", where=Where(file=name), remedy=unreadable.remedy)
        try:
            text = read_text(real)
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise StackError(
                f"the file cannot be read: {reason}", where=Where(file=name), remedy="Save it as readable UTF-8."
            ) from None
        try:
            section = reader.load_mapping(text, name, self._constructed)
        except InvalidYamlError as error:
            message, remedy = f"invalid Atmos configuration: {error.problem}", error.cure or "Correct the YAML."
            raise StackError(message, where=error.where, remedy=remedy) from None
        return ConfigFile(path, name, text, lowered(section))

    def _constructed(self, tag: str, text: str) -> Value:
        """Functions that Atmos evaluates in its configuration; others stay calls, which nothing here may need."""
        value = construct(tag, text)
        if not isinstance(value, FunctionCall):
            return value
        if value.tag == "!env":
            found = env_value(value.args, {}, self._readable)
            variable = value.args.split()[0].strip("\"'")
            return found if found != "" or variable in self._readable else NotAllowed(variable)
        if value.tag in ("!repo-root", "!git.root"):
            return repository_root(value.args, self._git, self._root)
        return working_directory(value.args, self._root) if value.tag == "!cwd" else value


def _leaves(name: str, where: Where | None) -> StackError:
    return StackError(f"{name!r} leaves the repository", where=where, remedy="Keep the configuration inside.")


def _import_names(value: Value, importer: ConfigFile) -> list[str]:
    names = [value] if isinstance(value, str) else value or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise StackError(
            "invalid import: it must be a list of paths",
            where=importer.import_place,
            remedy="Write a list of files, folders or globs.",
        )
    return [name for name in names if name]


def _without_unset(value: Value) -> Value:
    if not isinstance(value, dict):
        return value
    return {key: _without_unset(inner) for key, inner in value.items() if inner is not UNSET}
