"""Make an example for a stack that declares no secret: a component, the file for it, its import, and settings."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import yaml

from secrets_pipeline.desired.kinds import SECRETS, TERRAFORM
from secrets_pipeline.desired.limits import ACCOUNT_ID, REGION
from secrets_pipeline.desired.names import secret_name, stack_owns
from secrets_pipeline.desired.secret.name_advice import SETTING, Advice
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.stacks import AtmosRepository, AtmosStack, read_text
from secrets_pipeline.stacks.files.disk import is_file
from secrets_pipeline.stacks.files.readable import EXTENSIONS
from secrets_pipeline.stacks.manifests.discovery import is_top_level, without_extension

PATH: Final = "example"
KEY: Final = "password"
_LABELS: Final = ("namespace", "tenant", "environment", "stage")
"""Variables that Cloud Posse's labels are made of, in their order.

Source: https://github.com/cloudposse/terraform-null-label (label_order)
"""
_FOLDER: Final = f"catalog/{SECRETS}"
_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Home:
    """Where a stack lives, as far as its variables agree.

    Attributes:
        account_id: 12 digits; empty if no variable says it, or several differ.
        region: likewise.
        inherits_region: whether a new component of the stack gets the region from it.
    """

    account_id: str
    region: str
    inherits_region: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a file.

    Attributes:
        what: the instruction, for example `In stacks/dev.yaml, add below line 3`.
        text: the lines to add, or to replace the named line with.
    """

    what: str
    text: str


@dataclass(frozen=True, slots=True)
class Example:
    """Everything that declares a first secret in a stack.

    Attributes:
        stack: its name.
        secret: the name of the secret in AWS.
        edits: of the repository's files, in order.
        home: where the stack lives.
        manifests: globs on the top-level manifests that it is made of.
    """

    stack: str
    secret: str
    edits: tuple[Edit, ...]
    home: Home
    manifests: tuple[str, ...]


def example(desired: OpenRepository, name: str) -> Example:
    """Make the example for a stack out of its own variables; calls no AWS.

    Raises:
        StackError: if there is no such stack, or it is broken.
    """
    stack = desired.source.stack(name)
    variables = _shared_variables(desired, stack)
    advice, prefix = _naming(name, variables)
    component = _new_name(desired, stack)
    lives = home(stack, variables)
    path = PurePosixPath(component).name
    secret = secret_name(prefix, None, path, KEY)
    text = _component(component, path, _line(desired, advice), secret, lives.account_id or "111122223333")
    return Example(
        stack=name,
        secret=secret,
        edits=tuple(_edits(desired, stack, component, text)),
        home=lives,
        manifests=manifests(desired, stack),
    )


def home(stack: AtmosStack, shared: Mapping[str, str] | None = None) -> Home:
    """Find where a stack lives: the one account and region that the variables of its components name.

    Args:
        stack: as resolved.
        shared: the variables that a new component of it gets; not known if None.
    """
    said: dict[str, set[str]] = {"account_id": set(), "region": set()}
    for component in stack.components.get(TERRAFORM, {}).values():
        variables = component.resolved.get("vars") or {}
        for key, pattern in (("account_id", ACCOUNT_ID), ("region", REGION)):
            if pattern.fullmatch(value := _text(variables.get(key))):
                said[key].add(value)
    found = {key: values.pop() if len(values) == 1 else "" for key, values in said.items()}
    region = (shared or {}).get("region", "")
    inherits = REGION.fullmatch(region) is not None
    return Home(found["account_id"], region if inherits else found["region"], inherits_region=inherits)


def manifests(desired: OpenRepository, stack: AtmosStack) -> tuple[str, ...]:
    """Name the top-level manifests that a stack is made of, as globs; none if a description names none."""
    return tuple(glob.escape(one) for one in stack.files if one.endswith(EXTENSIONS) and one != desired.origin.file)


def _text(value: object) -> str:
    # An account id without quotes is a number.
    return f"{value:012d}" if isinstance(value, int) and not isinstance(value, bool) else str(value or "")


def _shared_variables(desired: OpenRepository, stack: AtmosStack) -> Mapping[str, str]:
    """The texts that a new component of the stack gets as variables: those of the stack itself, as resolved."""
    components = [one.resolved.get("vars") or {} for one in stack.components.get(TERRAFORM, {}).values()]
    if isinstance(desired.source, AtmosRepository) and stack.files:
        shared = desired.source.shared_variables(_main_manifest(stack))
    else:
        # A description does not say where a variable comes from: what all components have is the stack's.
        shared = frozenset.intersection(*map(frozenset, components)) if components else frozenset()
    found = {name: {_text(variables.get(name)) for variables in components} for name in shared}
    return {name: values.pop() for name, values in found.items() if len(values) == 1}


def _line(desired: OpenRepository, advice: Advice | None) -> str:
    """The `name_template` as YAML, escaped for as many renderings as atmos.yaml asks for; empty for none."""
    if advice is None:
        return ""
    templates = desired.source.config.templates if isinstance(desired.source, AtmosRepository) else None
    twice = templates is not None and templates.enabled and templates.evaluations > 1
    return advice.line_for_two_renderings if twice else advice.line


def _naming(stack: str, variables: Mapping[str, str]) -> tuple[Advice | None, str]:
    """The `name_template` that gives each stack names of its own, None if none is needed; and the prefix it makes."""
    context, environment = variables.get("context_name", ""), variables.get("environment")
    prefix = secret_name(context, environment, "", "")
    if context and stack_owns(stack, f"{prefix}/"):
        return None, prefix
    labels = [name for name in _LABELS if variables.get(name) and stack_owns(stack, f"{stack}/{variables[name]}/")]
    if _words("-".join(variables[name] for name in labels)) >= _words(stack):
        known = "/".join(f"{{{{ .vars.{name} }}}}" for name in labels)
        return Advice.below(known), "/".join(variables[name] for name in labels)
    return Advice.below("{{ .atmos_stack }}"), stack


def _main_manifest(stack: AtmosStack) -> str:
    """The manifest that most components of the stack come from; empty if it has none."""
    made = Counter(one.manifest for components in stack.components.values() for one in components.values())
    return max(stack.files, key=lambda file: (made[file], -stack.files.index(file)), default="")


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", text.lower()))


def _new_name(desired: OpenRepository, stack: AtmosStack) -> str:
    taken = {name for components in stack.components.values() for name in components}
    names = (f"{SECRETS}/{PATH}{f'-{number}' if number > 1 else ''}" for number in range(1, _MOST))
    return next(name for name in names if name not in taken and not _file_of(desired, name)[1])


def _file_of(desired: OpenRepository, component: str) -> tuple[str, bool]:
    """The file for a new component, relative to the stacks folder, and whether it exists.

    It is not read as a stack; empty if every file would be.
    """
    if not isinstance(desired.source, AtmosRepository):
        return "", False
    config = desired.source.config
    name = PurePosixPath(component).name
    # Repositories leave files of certain names out of their stacks, most often `_defaults.yaml`.
    excluded = (PurePosixPath(pattern).name for pattern in config.excluded)
    names = (f"{name}.yaml", f"_{name}.yaml", *(one for one in excluded if not glob.has_magic(one)))
    files = (f"{_FOLDER}/{one if one.endswith(EXTENSIONS) else f'{one}.yaml'}" for one in names)
    file = next((file for file in files if not is_top_level(file, config)), "")
    return file, bool(file) and is_file(config.stacks / file)


def _component(name: str, path: str, naming: str, secret: str, account_id: str) -> str:
    lines = ["components:", f"  {TERRAFORM}:", f"    {name}:"]
    if naming:
        lines += ["      settings:", "        secrets_pipeline:", f"          {SETTING}: {naming}"]
    lines += [
        "      vars:",
        "        secrets:",
        f"          # AWS Secrets Manager gets a generated password as {secret}",
        f"          {KEY}: {{path: {path}, generate_random_password: true}}",
        "        # Declare who reads it. `verify` reports every other reader:",
        "        # consumers:",
        f'        #   app: {{type: app, role_arn: "arn:aws:iam::{account_id}:role/app", secrets: [{KEY}]}}',
    ]
    return "\n".join(lines)


def _edits(desired: OpenRepository, stack: AtmosStack, component: str, text: str) -> Iterator[Edit]:
    manifest = _main_manifest(stack) or "the stack's manifest"
    file, _ = _file_of(desired, component)
    if not file or not isinstance(desired.source, AtmosRepository):
        yield Edit(f"Add this component to {manifest}", text)
        return
    config = desired.source.config
    yield Edit(f"Write {os.path.relpath(config.stacks / file, config.base)}", text)
    yield _import(config.base / manifest, manifest, without_extension(file))


def _import(path: Path, manifest: str, name: str) -> Edit:
    """Say how a manifest imports one file more: where its `import:` ends, or that it gets one."""
    lines, new = read_text(path).splitlines(), f"import:\n  - {name}"
    try:
        root = yaml.compose("\n".join(lines), Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        root = None
    if not isinstance(root, yaml.MappingNode):
        return Edit(f"In {manifest}, add to the list `import`", new)
    key, node = next((pair for pair in root.value if pair[0].value == "import"), (None, None))
    if isinstance(node, yaml.SequenceNode) and node.value:
        return _longer(lines, node, manifest, name)
    if key is not None and (node is None or not _is_on_its_line(lines, key, node)):
        return Edit(f"In {manifest}, write the list `import` anew", new)
    if root.flow_style:
        return _in_flow(lines, root, node, manifest, name)
    if key is None:
        return Edit(f"In {manifest}, add above line {root.start_mark.line + 1}", new)
    return Edit(f"In {manifest}, replace line {key.start_mark.line + 1} with", new)


def _is_on_its_line(lines: Sequence[str], key: yaml.Node, node: yaml.Node) -> bool:
    """Whether a value without an anchor is on the line of its key, so that this line can be replaced."""
    line = key.start_mark.line
    anchored = lines[line][key.end_mark.column + 1 :].lstrip().startswith("&")
    return line == node.start_mark.line == node.end_mark.line and not anchored


def _in_flow(lines: Sequence[str], root: yaml.MappingNode, node: yaml.Node | None, manifest: str, name: str) -> Edit:
    if node is None:
        line, start = root.start_mark.line, root.start_mark.column + 1
        end, text = start, f"import: [{name}]{', ' if root.value else ''}"
    else:
        line, start, end = node.start_mark.line, node.start_mark.column, node.end_mark.column
        text = f"{'' if lines[line][:start].endswith(' ') else ' '}[{name}]"
    return Edit(
        f"In {manifest}, replace line {line + 1} with", f"{lines[line][:start]}{text}{lines[line][end:]}".rstrip()
    )


def _longer(lines: Sequence[str], node: yaml.SequenceNode, manifest: str, name: str) -> Edit:
    first, last = node.value[0], node.value[-1]
    if not node.flow_style:
        # A list with an anchor begins at the anchor.
        item = lines[first.start_mark.line]
        indent = " " * (len(item) - len(item.lstrip(" ")))
        return Edit(f"In {manifest}, add below line {_last_line(last)}", f"{indent}- {name}")
    line, column = last.end_mark.line, last.end_mark.column
    text = f"{lines[line][:column]}, {name}{lines[line][column:]}"
    return Edit(f"In {manifest}, replace line {line + 1} with", text)


def _last_line(node: yaml.Node) -> int:
    """The last line of a node, from 1; the end of a block is where the next one begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last_line(last[1] if isinstance(last, tuple) else last)
    return node.end_mark.line + bool(node.end_mark.column)
