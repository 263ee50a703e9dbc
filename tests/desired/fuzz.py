"""Repositories with mistakes in them, by the thousand: nothing but errors of ours may come of one.

    .venv/bin/python -m tests.desired.fuzz --seconds 3600 --seed 7

Each repository is examples/ or a fixture with one to six mistakes: values of another type, keys lost, doubled and
renamed, references to everything, odd and endless text, deep nesting, huge lists, branches moved or tied into a ring,
lines torn. It is read as every command reads one; each stack's offline plan, tree and description are made. The number
of a repository and the seed give it again: `--seed 7 --only 1234 --keep FOLDER`.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import itertools
import os
import random
import signal
import sys
import tempfile
import time
import traceback
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml
from rich.console import Console, RenderableType
from rich.text import Text

from secrets_pipeline.cli.describe.masking import masked, plain, taken_in
from secrets_pipeline.cli.plan.markdown import declared_markdown
from secrets_pipeline.cli.plan.view import Declared
from secrets_pipeline.cli.shared.reference_view import reference_json, reference_table
from secrets_pipeline.cli.tree.command import hierarchy
from secrets_pipeline.errors import InternalError, SecretsPipelineError
from secrets_pipeline.operations.open_repository import CONFIG_VARIABLE, open_repository

ROOT: Final = Path(__file__).parents[2]
REPOSITORIES: Final = ("examples", "tests/fixtures/aurora", "tests/fixtures/tf_atmos")
SETTINGS: Final = ROOT / "examples" / "operator.yaml"
CANARY: Final = "canary-4c1f"
ENVIRONMENT: Final = {CONFIG_VARIABLE: str(SETTINGS), "OAUTH_TENANT": CANARY}
"""What repositories are read under: the variable that the settings allow is secret."""
LONGEST: Final = 120
"""Seconds that one repository may take, on a machine that others use too."""

_TEXTS: Final = (
    "", " ", "x", "*", "~", "null", "true", "0", "-1", "1e999", "9" * 400, ".nan", "a" * 5_000, "é", "\u0440rod",
    "a/b/../c", "..", "\x1b[31mred\x1b[0m", "\u202egpj", "\u200b", "\x00", "\x85\u2028", "\ud7ff\ufffd",
    "%s %n {0} {x}", "$", "${", "$${", "}", "{{", "{{ .vars.context_name }}",
    '{{ index .vars "nothing" 5 }}', "arn:aws:iam::111122223333:role/x",
    "rate(1 day)", "cron(0 8 * * ? *)", "alias/x", "alias/aws/x", "{", "[]", '{"Version": "2012-10-17"}',
    '{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": 7}]}', '{"Statement": 7}', '{"Statement": [[]]}',
)  # fmt: skip
_REFERENCES: Final = (
    "${output.%s}", "x${output.%s}y", "${keys(output.%s)}", "${values(output.%s)}", "${urlencode(output.%s)}",
    "${output.%s | default('d')}", "${!output.%s}", "https://u:${output.%s}@h/", "${%s}", "${vars.%s}",
    "${settings.%s}", "${metadata.%s}", "${env:%s}", "${ssm:/%s}", "${file:%s}",
)  # fmt: skip
_TAGS: Final = (
    "!env", "!terraform.output", "!terraform.state", "!store", "!include", "!include.raw", "!exec", "!template",
    "!unset", "!append", "!literal", "!nothing", "!!binary", "!!set", "!!timestamp", "!!float",
)  # fmt: skip
_OUTPUTS: Final = (
    "secret_arns", "secret_values", "generated_passwords", "secret_versions", "rotation_enabled_secrets", "kms_key_arn",
    "key_id", "address", "port", "reader_endpoint", "function_arn", "cluster_name", "stage_name", "nothing",
)  # fmt: skip
_PLAIN: Final = (
    ("null", "null"), ("bool", "true"), ("bool", "false"), ("int", "7"), ("float", "-1.5"), ("float", "1e+20"),
    ("float", ".inf"), ("timestamp", "2012-10-17"), ("int", "0o7"), ("int", "08"),
)  # fmt: skip
_MAP, _LIST, _TEXT = "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:str"

Files = dict[str, yaml.Node]


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [one for pair in node.value for one in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _walk(node: yaml.Node) -> Iterator[yaml.Node]:
    """The node and everything below it, each once: a branch may be tied into a ring."""
    seen: set[int] = set()
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += reversed(_children(one))


@dataclass(frozen=True)
class Words:
    """What the manifests of a repository call things, so that references meet something."""

    components: tuple[str, ...]
    stacks: tuple[str, ...]
    keys: tuple[str, ...]


class Mutator:
    """Makes mistakes in parsed manifests.

    Args:
        draw: decides everything.
        words: of the repository.
    """

    def __init__(self, draw: random.Random, words: Words) -> None:
        self._draw = draw
        self._words = words
        self._mistakes: tuple[Callable[[Files], None], ...] = (
            self._retype, self._retype, self._retype, self._lose, self._double, self._rename, self._graft, self._refer,
            self._refer, self._refer,
        )  # fmt: skip

    def mutate(self, files: Files) -> None:
        """Make one to six mistakes."""
        for _ in range(self._draw.randint(1, 6)):
            self._draw.choice(self._mistakes)(files)

    def tear(self, text: str) -> str:
        """The text with lines lost, doubled or swapped."""
        lines = text.splitlines(keepends=True) or [""]
        for _ in range(self._draw.randint(1, 2)):
            one, other = self._draw.randrange(len(lines)), self._draw.randrange(len(lines))
            match self._draw.randrange(3):
                case 0:
                    lines[one] = ""
                case 1:
                    lines.insert(other, lines[one])
                case _:
                    lines[one], lines[other] = lines[other], lines[one]
        return "".join(lines)

    def _slot(self, files: Files, *, map_only: bool = False) -> tuple[yaml.Node, int]:
        """A map or list with something in it, and a place in it."""
        found = [
            node
            for name in sorted(files)
            for node in _walk(files[name])
            if isinstance(node, yaml.MappingNode if map_only else yaml.CollectionNode) and node.value
        ]
        if not found:
            return yaml.SequenceNode(_LIST, [self._scalar()]), 0
        node = self._draw.choice(found)
        return node, self._draw.randrange(len(node.value))

    def _put(self, node: yaml.Node, at: int, value: yaml.Node) -> None:
        node.value[at] = (node.value[at][0], value) if isinstance(node, yaml.MappingNode) else value

    def _retype(self, files: Files) -> None:
        node, at = self._slot(files)
        self._put(node, at, self._value())

    def _lose(self, files: Files) -> None:
        node, at = self._slot(files)
        del node.value[at]

    def _double(self, files: Files) -> None:
        node, at = self._slot(files)
        node.value.insert(self._draw.randint(0, len(node.value)), copy.deepcopy(node.value[at]))

    def _rename(self, files: Files) -> None:
        node, at = self._slot(files, map_only=True)
        if isinstance(node, yaml.MappingNode):
            key = self._scalar() if self._draw.random() < 0.7 else self._value()
            if isinstance(key, yaml.ScalarNode) and self._draw.random() < 0.5:
                key = yaml.ScalarNode(_TEXT, self._draw.choice(self._words.keys))
            node.value[at] = (key, node.value[at][1])

    def _graft(self, files: Files) -> None:
        source, at = self._slot(files)
        target, to = self._slot(files)
        found = source.value[at]
        branch = found[1] if isinstance(found, tuple) else found
        self._put(target, to, branch if self._draw.random() < 0.3 else copy.deepcopy(branch))

    def _refer(self, files: Files) -> None:
        node, at = self._slot(files)
        self._put(node, at, yaml.ScalarNode(_TEXT, self._reference()))

    def _reference(self) -> str:
        words, draw = self._words, self._draw
        stack = f"{draw.choice(words.stacks)}:" if draw.random() < 0.3 else ""
        key = f".{draw.choice(words.keys)}" if draw.random() < 0.7 else draw.choice(("", "[0]", '["a.b"]', ".a.b.c"))
        name = f"{stack}{draw.choice(words.components)}.{draw.choice(_OUTPUTS)}{key}"
        form = draw.choice(_REFERENCES)
        return form % (name if "output." in form else draw.choice((*words.keys, "OAUTH_TENANT", *_TEXTS)))

    def _text(self) -> str:
        picked = self._draw.random()
        if picked < 0.2:
            return self._reference()
        if picked < 0.6:
            return self._draw.choice(_TEXTS)
        if picked < 0.8:
            return self._draw.choice((*self._words.keys, *self._words.components, *self._words.stacks))
        return "".join(chr(self._draw.choice((*range(0x100), 0x202E, 0x200D, 0x1F600))) for _ in range(6))

    def _scalar(self) -> yaml.ScalarNode:
        tag = self._draw.choice((_TEXT, _TEXT, _TEXT, "plain", "plain", *_TAGS[:: self._draw.randint(1, 9)]))
        if tag == "plain":
            kind, text = self._draw.choice(_PLAIN)
            return yaml.ScalarNode(f"tag:yaml.org,2002:{kind}", text)
        return yaml.ScalarNode(tag, self._text())

    def _value(self) -> yaml.Node:
        match self._draw.randrange(12):
            case 0 | 1 | 2 | 3 as picked:
                several = range(max(0, picked - self._draw.choice((0, 1))))
                return yaml.SequenceNode(_LIST, [self._scalar() for _ in several])
            case 4 | 5:
                names = self._draw.sample(self._words.keys, self._draw.randrange(3))
                keys = [yaml.ScalarNode(_TEXT, name) for name in names]
                return yaml.MappingNode(_MAP, [(key, self._scalar()) for key in keys])
            case 6 if self._draw.random() < 0.3:
                one = self._scalar()
                return yaml.SequenceNode(_LIST, [copy.deepcopy(one) for _ in range(self._draw.choice((100, 3_000)))])
            case 7 if self._draw.random() < 0.5:
                return self._deep()
            case _:
                return self._scalar()

    def _deep(self) -> yaml.Node:
        node: yaml.Node = self._scalar()
        key = yaml.ScalarNode(_TEXT, self._draw.choice(self._words.keys))
        for _ in range(self._draw.choice((3, 30, 90, 300))):
            deeper = self._draw.random() < 0.5
            node = yaml.SequenceNode(_LIST, [node]) if deeper else yaml.MappingNode(_MAP, [(key, node)])
        return node


def _words(files: Files) -> Words:
    keys = {
        pair[0].value
        for node in files.values()
        for one in _walk(node)
        if isinstance(one, yaml.MappingNode)
        for pair in one.value
        if isinstance(pair[0], yaml.ScalarNode)
    }
    components = {key for key in keys if "/" in key or key in ("kms", "rds", "lambda", "ecs", "secretsmanager")}
    stacks = ("myapp-dev", "myapp-prod", "infra-shared", "shop-dev", "testenv-01-fnx", "nowhere")
    return Words(tuple(sorted(components)) or ("nothing",), stacks, tuple(sorted(keys)))


def repository(seed: int, number: int, folder: Path) -> None:
    """Write the repository of a seed and a number into an empty folder."""
    draw = random.Random(f"{seed}:{number}")  # noqa: S311 - of test cases
    root = ROOT / draw.choice((*REPOSITORIES, "examples"))
    texts = {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*.yaml"))}
    texts.pop("operator.yaml", None)
    parsed = {name: yaml.compose(text, Loader=yaml.SafeLoader) for name, text in texts.items()}
    files = {name: node for name, node in parsed.items() if node is not None}
    mutator = Mutator(draw, _words(files))
    chosen = {"atmos.yaml"} if draw.random() < 0.03 else {one for one in files if one != "atmos.yaml"}
    with _deep_recursion():
        mutator.mutate({name: files[name] for name in sorted(chosen)})
        written = {
            name: yaml.serialize(files[name], Dumper=yaml.SafeDumper, allow_unicode=draw.random() < 0.5, width=10_000)
            for name in sorted(files)
        }
    for name, text in written.items():
        if name in chosen and draw.random() < 0.03:
            text = mutator.tear(text)  # noqa: PLW2901 - the torn text is the file's
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8", errors="replace")


@contextlib.contextmanager
def _deep_recursion() -> Iterator[None]:
    """Room to copy and write what is nested deeply; what reads it has the usual room."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(50_000)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


class Finding(Exception):
    """What must not come of a repository, whatever is in it."""


def exercise(folder: Path) -> bool:
    """Read a repository, and make each stack's offline plan, tree and description.

    Returns:
        Whether every stack was without error.

    Raises:
        Finding: for an error that a bug of ours made, that says nothing, or that holds control characters; for a value
            of the environment outside of a secret's value.
    """
    try:
        desired = open_repository(folder)
    except SecretsPipelineError as error:
        _require_sense(error)
        return False
    for found in itertools.chain(*desired.errors.values()):
        _require_sense(found)
    shown: list[RenderableType] = [Text.assemble(*line) for line in hierarchy(desired.specs.values())]
    for name, spec in desired.specs.items():
        shows = Declared.of(spec)
        rows, references = shows.rows, shows.references
        declared_markdown({name: shows}, {})
        reference_json(references)
        shown.append(reference_table(references))
        if CANARY in f"{spec!r} {rows} {references} {[str(one) for one in spec.plaintext]}":
            raise Finding(f"a value of the environment in the plan of {name}")
        kinds = desired.source.stack(name).components.values()
        components = [component for kind in kinds for component in kind.values()]
        taken = taken_in(components)
        for component in components:
            plain(masked(component.sections, taken))
    console = Console(file=io.StringIO(), width=200, markup=False, emoji=False, highlight=False)
    for one in shown:
        console.print(one)
    return not desired.errors


def _require_sense(error: SecretsPipelineError) -> None:
    text = error.diagnostics()
    if isinstance(error, InternalError):
        raise Finding(text)
    if CANARY in text:
        raise Finding("a value of the environment in an error")
    if not error.message.strip():
        raise Finding("an error without a message")
    if any(unicodedata.category(one) in ("Cc", "Cf") and one != "\n" for one in text):
        raise Finding(f"control characters in an error: {text!a:.300}")


@contextlib.contextmanager
def _limited(seconds: int) -> Iterator[None]:
    def end(*_: object) -> None:
        raise Finding(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def fuzz(seed: int, numbers: Iterator[int], seconds: float) -> tuple[Counter[str], dict[str, list[int]]]:
    """Read repositories until `numbers` or the time is at an end.

    Returns:
        How many were read, and were without error; what was found, with the numbers of the repositories.
    """
    counts: Counter[str] = Counter()
    findings: dict[str, list[int]] = {}
    end = time.monotonic() + seconds
    for number in numbers:
        if time.monotonic() > end:
            break
        with tempfile.TemporaryDirectory() as folder:
            repository(seed, number, Path(folder))
            counts["read"] += 1
            try:
                with _limited(LONGEST):
                    counts["without error"] += exercise(Path(folder))
            except Exception as error:  # noqa: BLE001 - any is a finding
                findings.setdefault(_described(error), []).append(number)
    return counts, findings


def _described(error: Exception) -> str:
    if isinstance(error, Finding):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return f"{type(error).__name__} at " + " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames))


def main() -> int:
    """Fuzz for a while, and say what was found; the exit code is 1 if anything was."""
    options = argparse.ArgumentParser(description="Read repositories with mistakes; only errors of ours may come of it")
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--only", type=int, help="one repository, by its number")
    options.add_argument("--keep", type=Path, help="write that repository there and read it there")
    asked = options.parse_args()
    os.environ.update(ENVIRONMENT)
    if asked.keep and asked.only is not None:
        asked.keep.mkdir(parents=True)
        repository(asked.seed, asked.only, asked.keep)
        exercise(asked.keep)
        return 0
    numbers = itertools.count() if asked.only is None else iter([asked.only])
    counts, findings = fuzz(asked.seed, numbers, asked.seconds)
    for what, found in findings.items():
        print(f"{len(found)} times: {what}\n  --seed {asked.seed} --only {found[0]}")  # noqa: T201 - a tool
    print(f"{counts['read']} repositories read, {counts['without error']} without error; {len(findings)} findings")  # noqa: T201 - a tool
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
