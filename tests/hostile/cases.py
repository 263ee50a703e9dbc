"""The hostile corpus: manifests of an author who may merge YAML, and what becomes of each.

A case names the parts of a manifest in which it differs from a harmless stack; `manifest()` is the whole file.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from textwrap import indent
from typing import Any, Final

import yaml

CORPUS: Final = Path(__file__).with_name("corpus")
AUTHOR, VICTIM, NEIGHBOUR = "evil-dev", "app-prod", "calm-dev"

ATMOS = """
base_path: "."
stacks:
  base_path: stacks
  included_paths: ["*"]
  name_template: "{{ .vars.context_name }}-{{ .vars.environment }}"
templates:
  settings:
    enabled: true
    sprig: {enabled: true}
    gomplate: {enabled: true}
"""
"""Whatever Atmos can do is switched on, as an author could do."""
_GIT = ("git", "-c", "init.defaultBranch=main", "-c", "core.fsync=none")


class End(StrEnum):
    """What becomes of a manifest."""

    REFUSED = "refused"
    """Nothing is written, and the author reads why."""
    BLOCKED = "blocked"
    """The one thing is not done, and the author reads why; the stack's own names may be written."""
    HARMLESS = "harmless"
    """It does not do what it tries: only the stack's own names are written."""


@dataclass(frozen=True)
class Case:
    """One manifest of the corpus.

    Attributes:
        tries: what its author wants.
        end: what becomes of it.
        says: part of the text that the author gets; empty where it is harmless.
        attack: code of the attack that it belongs to.
        team: the same two under the preset `single-team`, where they differ.
        granted: whether the preset `single-team` is meant to allow it, so that it is only run without grants.
        report: whether it is what a report of an attack would show first.
        secret: entry `s` of the component's secrets, as YAML.
        secrets: the whole map of secrets in its place.
        settings: of the component that holds them, for the pipeline.
        vars: more variables of that component.
        components: more components.
        top: more sections of the manifest.
        stack: the whole manifest in place of all of these.
        atmos: atmos.yaml, in place of the usual one.
        files: more files of the repository, by path.
        links: symbolic links, by path.
        tracked: what git tracks; None where there is no git.
        environment: variables of the pipeline's process.
        neighbours: whether the repository's other stacks can be read; they are as if this one was not there.
    """

    tries: str
    end: End
    says: str
    attack: str
    team: tuple[End, str] | None = None
    granted: bool = False
    report: bool = False
    secret: str = "secret_data: {v: plain-9}"
    secrets: str = ""
    settings: str = ""
    vars: str = ""
    components: str = ""
    top: str = ""
    stack: str = ""
    atmos: str = ATMOS
    files: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    tracked: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    neighbours: bool = True

    def manifest(self) -> str:
        """The author's stack file."""
        if self.stack:
            return self.stack
        secrets = self.secrets or f"s:\n{_block(self.secret, 2)}"
        settings = f"      settings: {{secrets_pipeline: {{{self.settings}}}}}\n" if self.settings else ""
        return (
            "vars: {context_name: evil, environment: dev}\n"
            "settings: {secrets_pipeline: {dialect: tf-atmos}}\n"
            f"{_block(self.top)}"
            "components:\n"
            "  terraform:\n"
            "    secretsmanager/a:\n"
            f"{settings}"
            "      vars:\n"
            f"{_block(self.vars, 8)}"
            "        secrets:\n"
            f"{_block(secrets, 10)}"
            f"{_block(self.components, 4)}"
        )

    def write(self, folder: Path, stacks: Mapping[str, str]) -> Path:
        """Make the repository: the author's stack beside others, by name; returns its folder."""
        texts = {"atmos.yaml": self.atmos, f"stacks/{AUTHOR}.yaml": self.manifest(), **self.files}
        texts |= {f"stacks/{name}.yaml": text for name, text in stacks.items()}
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        for name, target in self.links.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(target.replace("HERE", str(folder)))
        if self.tracked is not None:
            subprocess.run([*_GIT, "init", "-q", "."], cwd=folder, check=True, capture_output=True)
            subprocess.run([*_GIT, "add", "-f", *self.tracked], cwd=folder, check=True, capture_output=True)
            for name, text in self.files.items():
                if name.startswith(".git/"):
                    (folder / name).write_text(text)
        return folder

    def __str__(self) -> str:
        return f"{self.attack} {self.tries}"


def _block(text: str, blanks: int = 0) -> str:
    return indent(text.strip("\n") + "\n", " " * blanks) if text else ""


def cases() -> list[Case]:
    """The whole corpus; `each: {label: text}` makes one case of each label, the text in the place of `@@`."""
    found: list[Case] = []
    for file in sorted(CORPUS.glob("*.yaml")):
        for entry in yaml.safe_load(file.read_text()):
            each: Mapping[str, str] = entry.pop("each", {"": ""})
            first = entry.pop("report", False)
            for label, text in each.items():
                found.append(_case({**_filled(entry, label, text), "report": first}))
                first = False
    return found


def _filled(value: Any, label: str, text: str) -> Any:  # noqa: ANN401 - any YAML
    if isinstance(value, str):
        return value.replace("@label", label).replace("@@", text)
    if isinstance(value, list):
        return [_filled(one, label, text) for one in value]
    if isinstance(value, dict):
        return {_filled(key, label, text): _filled(one, label, text) for key, one in value.items()}
    return value


def _case(entry: dict[str, Any]) -> Case:
    end, says = _expected(entry)
    if "single_team" in entry:
        entry["team"] = _expected(entry.pop("single_team"))
    if "tracked" in entry:
        entry["tracked"] = tuple(entry["tracked"])
    return Case(end=end, says=says, **entry)


def _expected(entry: dict[str, Any]) -> tuple[End, str]:
    (end,) = [one for one in End if one in entry]
    says = str(entry.pop(end))
    return end, "" if end is End.HARMLESS else says
