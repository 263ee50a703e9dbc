"""Check and build names: of stacks, of secrets, of the key that a component makes, of instances."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from secrets_pipeline.stacks import SSM, Store

STACK_NAME_LENGTH: Final = 100
"""IAM takes 128 characters for the name of an inline policy, the shortest limit of what a stack's name is a part of;
28 are for what stands around it. Parameter names (1,011 characters), tags (256) and files of locks (255) have more.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html (PolicyName)
"""

STACK_NAME_REMEDY: Final = (
    "Use ASCII letters, digits, `-`, `_` and `.`, a letter or digit first and last, no `..`, up to "
    f"{STACK_NAME_LENGTH} characters: change name, name_template or name_pattern, or the variables that it takes in."
)

_STACK_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")


def stack_name_problem(name: str) -> str | None:
    """Why a stack cannot have a name: it is a partition key, a folder of parameters, a tag and a part of IAM's names.

    Letters beyond ASCII are refused although a tag takes them, since two names may look the same.
    Source: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html (Name: a-zA-Z0-9_.-)
    """
    if len(name) > STACK_NAME_LENGTH:
        return f"a stack name of {len(name)} characters, which begins with {name[:20]!a}, is too long"
    if ".." in name or not _STACK_NAME.fullmatch(name):
        return f"stack name {name!a} cannot be a partition key and a part of AWS's names"
    return None


PARAMETER_LEVELS: Final = 15
PARAMETER_LENGTH: Final = 1011
"""Of a parameter's name: levels of its path, and characters with the ARN in front of it."""
_ARN_LENGTH = len("arn:aws-iso-b:ssm:us-isob-southeast-10:111122223333:parameter")
PUBLISHED_PREFIX: Final = "/secrets-pipeline"
_PUBLISHED = f"{PUBLISHED_PREFIX}/" + "s" * STACK_NAME_LENGTH + "/{}/secret_arns/9999"
_STORE = Store("", SSM, prefix=PUBLISHED_PREFIX)
_PARAMETER_PATH = re.compile(r"(/[A-Za-z0-9_.-]+)+")


def component_name_problem(component: str) -> str | None:
    """Why a component's outputs cannot be published: its name is a part of those of parameters.

    Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-parameter-name-constraints.html
    """
    longest = _PUBLISHED.format(component)
    if not _PARAMETER_PATH.fullmatch(longest) or {".", ".."} & set(component.split("/")):
        return f"component name {component!a} cannot be a part of a parameter's name"
    if (levels := longest.count("/")) > PARAMETER_LEVELS:
        return f"component name {component} makes parameters of {levels} levels, and AWS has {PARAMETER_LEVELS}"
    if (length := len(longest) + _ARN_LENGTH) > PARAMETER_LENGTH:
        return f"component name {component[:20]}… makes parameters of {length} characters, AWS has {PARAMETER_LENGTH}"
    return None


def stack_folder(stack: str) -> str:
    """What the names of all parameters begin with that a stack publishes, without the slash behind it."""
    return f"{PUBLISHED_PREFIX}/{stack}"


def store_place(stack: str, component: str = "", key: str = "stack") -> str | None:
    """Where a store of kind `aws/ssm` with that prefix, and no other option, looks for a value; see `Store.key`.

    None where Parameter Store takes no such name: of a stack with three hyphens in a row, or one of too many parts.
    """
    name = _STORE.key(stack, component, key)
    return name if _PARAMETER_PATH.fullmatch(name) and name.count("/") < PARAMETER_LEVELS else None


def output_folders(stack: str) -> list[str]:
    """Where the outputs of a stack are published: its own folder, and where Atmos looks, if that is another."""
    place = store_place(stack)
    return list(dict.fromkeys([stack_folder(stack), *([place.removesuffix("/stack")] if place else [])]))


def secret_name(context_name: str, environment: str | None, path: str, name: str) -> str:
    """`{context_name}/{environment}/{path}/{name}`, empty parts left out, as tf-atmos joins them.

    Source: components/terraform/secretsmanager/main.tf of tf-atmos.
    """
    parts = (context_name, environment or "", path.strip("/"), name)
    return "/".join(part for part in parts if part)


def alias_variable(variables: Mapping[str, object]) -> str:
    """Which variable of a `kms` component is its alias: `alias`, or `alias_name` where there is that alone."""
    return "alias_name" if variables.get("alias_name") is not None and variables.get("alias") is None else "alias"


def key_alias(name: str) -> str:
    """An alias as KMS has it: `myapp-dev` is `alias/myapp-dev`."""
    return name if name.startswith("alias/") else f"alias/{name}"


def own_key_alias(prefix: str) -> str:
    """The alias of the key that `create_kms_key` makes: one for each prefix of names."""
    return f"alias/secrets/{re.sub(r'[^A-Za-z0-9/_-]', '-', prefix.strip('/'))}"


def instance_identifier(context: str | None, environment: str | None, component: str) -> str:
    """A DBInstanceIdentifier out of names: lower case letters, digits and single hyphens, a letter first, up to 63.

    Source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
    """
    joined = "-".join(part for part in (context, environment, component) if part)
    text = re.sub(r"[^a-z0-9]+", "-", joined.lower()).strip("-")
    return (text if text[:1].isalpha() else f"db-{text}")[:63].rstrip("-")


def stack_owns(stack: str, prefix: str) -> bool:
    """Whether all parts of a prefix are words of the stack's name, so that names below it are the stack's own.

    `fnx/testenv-01/` is of `fnx-dev-testenv-01`. One part says nothing of where a stack's names end, unless it is all
    of the stack's name. A prefix ends with a slash: `fnx-dev-` is also the beginning of what `fnx-dev-two` has.
    """
    words, parts = _words(stack), prefix.split("/")[:-1]
    whole = len(parts) == 1 and _words(parts[0]) == words
    return whole or (len(parts) > 1 and all(_within(words, _words(part)) for part in parts))


def named_after(name: str, stacks: Iterable[str]) -> tuple[str, ...]:
    """Find the stack whose own name begins a name in AWS: none, one, or several of the same words.

    Of `myapp/prod/db` and `myapp-prod-db` that is `myapp-prod`, and not `evil-myapp-prod` or `myapp-prod-db`: the
    shorter one has all names that begin so. `myapp-prod` and `myapp_prod` are of the same words. A stack of one word
    has no names in this way.

    Args:
        name: of a secret, an alias, an identifier or a function.
        stacks: which may be meant.
    """
    return named_after_any(name, by_words(stacks))


def by_words(stacks: Iterable[str]) -> Mapping[tuple[str, ...], Sequence[str]]:
    """Group stacks by the words of their names, to ask of many names which stack each is named after."""
    found: dict[tuple[str, ...], list[str]] = {}
    for stack in stacks:
        found.setdefault(_words(stack), []).append(stack)
    return found


def named_after_any(name: str, stacks: Mapping[tuple[str, ...], Sequence[str]]) -> tuple[str, ...]:
    """Find the stack whose own name begins a name in AWS, among stacks by their words; see `named_after`."""
    name = re.sub(r"^(alias/(secrets/)?|secrets-pipeline-rotation-)", "", name)
    found = [words for words in _beginnings(name) if words in stacks]
    return tuple(sorted(stacks[min(found, key=len)])) if found else ()


def _beginnings(name: str) -> set[tuple[str, ...]]:
    """The words with which a name begins, two or more; in a name with slashes, those of whole folders."""
    folders, words = name.split("/")[:-1], _words(name)
    if folders:
        found = {_words("/".join(folders[:end])) for end in range(1, len(folders) + 1)}
    else:
        found = {words[:end] for end in range(2, len(words) + 1)}
    return {one for one in found if len(one) > 1}


@functools.cache
def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[a-z0-9]+", text.lower()))


def _within(words: tuple[str, ...], part: tuple[str, ...]) -> bool:
    return bool(part) and any(words[at : at + len(part)] == part for at in range(len(words)))
