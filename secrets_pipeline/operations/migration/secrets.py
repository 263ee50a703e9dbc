"""Join the resources of a state to secrets: what Terraform spreads over five resources, an entry says in one place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from secrets_pipeline.arn import Arn
from secrets_pipeline.desired.limits import ACCOUNT_ID, DESCRIPTION_LENGTH, REGION, secret_name_problem
from secrets_pipeline.desired.tags import RESERVED_PREFIXES, tag_problems
from secrets_pipeline.operations.migration.attributes import ALIAS, KEY, PARAMETER, POLICY, ROTATION, SECRET, Attributes
from secrets_pipeline.operations.migration.model import Found, MigratedParameter, MigratedSecret
from secrets_pipeline.operations.migration.state import Instance, State
from secrets_pipeline.operations.migration.values import Values

_DEFAULT_KEYS: Final = ("alias/aws/secretsmanager", "alias/aws/ssm")
_DEFAULT_WINDOW: Final = 30
_VERSION: Final = "2012-10-17"
"""Of policies: in an older one `${…}` is text.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
"""


def find_secrets(state: State) -> Found:
    """Find the secrets of a state, and the parameters that secrets may take the place of."""
    join = _Join(state)
    secrets = tuple(join.secrets())
    parameters = tuple(join.parameters())
    return Found(secrets, parameters, tuple(join.notes))


class _Join:
    def __init__(self, state: State) -> None:
        self.notes: list[str] = []
        self._state = state
        self._values = Values(state)
        self._policies = _by(state.of(POLICY), "secret_arn")
        self._rotations = _by(state.of(ROTATION), "secret_id")

    def secrets(self) -> Iterator[MigratedSecret]:
        arns = set()
        for instance in self._state.of(SECRET):
            given = instance.attributes
            text, name = given.text("arn") or given.text("id"), given.text("name")
            arn = _arn(text)
            if arn is None or not name:
                hidden = " is marked as sensitive" if given.withheld & {"arn", "id", "name"} else " is not in the state"
                self.notes.append(f"{instance.address}: its name or ARN{hidden}, so it is left out")
                continue
            arns |= {text, name}
            yield self._secret(instance, arn, name)
        for instance in self._state.of(POLICY, ROTATION, *Values.kinds):
            of = instance.attributes.text("secret_arn") or instance.attributes.text("secret_id")
            if of not in arns:
                whose = Arn.match(of)
                named = whose.resource.partition(":")[2].rpartition("-")[0] if whose else of
                self.notes.append(
                    f"{instance.address} belongs to the secret {named or '?'}, which this state does not have: "
                    "Terraform keeps it, and goes on to write it. Migrate it with the state that has the secret"
                )

    def _secret(self, instance: Instance, arn: Arn, name: str) -> MigratedSecret:
        given, notes = instance.attributes, list(_notes(instance, name))
        policies = self._policies.get(str(arn), [])
        turning = [one for at in (str(arn), name) for one in self._rotations.get(at, [])]
        value, sources = self._values.of(str(arn), name, notes)
        key = given.text("kms_key_id")
        return MigratedSecret(
            instance=instance,
            arn=arn,
            name=name,
            value=value,
            description=_description(given, notes),
            kms_key_id="" if key.endswith(_DEFAULT_KEYS) else key,
            recovery_window_in_days=_window(given),
            tags=_tags(given, notes),
            policy=_policy([given, *(one.attributes for one in policies)], notes),
            rotation=_rotation([given, *(one.attributes for one in turning)], notes),
            replicas=tuple(_replicas(given)),
            parts=(*turning, *policies, *sources),
            notes=(*notes, *self._key_notes(key)),
        )

    def parameters(self) -> Iterator[MigratedParameter]:
        for instance in self._state.of(PARAMETER):
            given = instance.attributes
            if given.text("type") != "SecureString":
                continue
            arn, name = _arn(given.text("arn")), given.text("name")
            if arn is None or not name:
                self.notes.append(f"{instance.address}: its name or ARN is not to be read, so it is left out")
                continue
            notes = list(_notes(instance, name.strip("/")))
            if source := self._values.same(instance):
                notes.append(f"its value is that of {source.address}")
            description, tags, key = _description(given, notes), _tags(given, notes), given.text("key_id")
            own = "" if key.endswith(_DEFAULT_KEYS) else key
            yield MigratedParameter(instance, arn, name, description, own, tags, tuple(notes))

    def _key_notes(self, key: str) -> Iterator[str]:
        """Where the key is Terraform's, it stays so: an entry names it, and nobody else has to."""
        for one in self._state.of(KEY, ALIAS):
            names = {one.attributes.text(name) for name in ("arn", "key_id", "name")} - {""}
            if key in names:
                yield f"its KMS key is {one.address}, which Terraform manages"


def _arn(text: str) -> Arn | None:
    """An ARN that says account and region, which name stacks and files."""
    arn = Arn.match(text)
    whole = arn is not None and ACCOUNT_ID.fullmatch(arn.account_id) and REGION.fullmatch(arn.region)
    return arn if whole else None


def _by(instances: Sequence[Instance], name: str) -> dict[str, list[Instance]]:
    found: dict[str, list[Instance]] = {}
    for one in instances:
        found.setdefault(one.attributes.text(name), []).append(one)
    return found


def _notes(instance: Instance, name: str) -> Iterator[str]:
    if instance.tainted:
        yield "tainted: the next apply of Terraform deletes and creates it, unless it forgets it first"
    for withheld in sorted(instance.attributes.withheld):
        yield f"{withheld} is marked as sensitive in Terraform, so it is not shown: write it here yourself"
    if problem := secret_name_problem(name):
        yield f"{problem}: this project refuses it"
    if instance.attributes.number("recovery_window_in_days") == 0:
        yield "recovery_window_in_days is 0: it would be deleted at once, which a production stack refuses"
    kind = instance.attributes.text("type")
    if instance.address.type == SECRET and kind:
        yield "a secret that an AWS partner manages: this project does not know its type"


def _description(given: Attributes, notes: list[str]) -> str:
    found = given.text("description")
    if len(found) > DESCRIPTION_LENGTH:
        notes.append(f"its description has {len(found)} characters, AWS takes {DESCRIPTION_LENGTH}")
    if "${" in found or "{{" in found or found.startswith("!"):
        notes.append("its description holds ${ or {{, or begins with !: Atmos or this project may read a reference")
    return found


def _window(given: Attributes) -> int:
    found = given.number("recovery_window_in_days")
    return _DEFAULT_WINDOW if found is None else found


def _tags(given: Attributes, notes: list[str]) -> dict[str, str]:
    """The tags that Terraform sets: `tags_all`, which has the provider's `default_tags` too."""
    found = given.texts("tags_all") or given.texts("tags")
    ours = {key for key in found if key.lower().startswith(RESERVED_PREFIXES)}
    tags = {key: value for key, value in found.items() if key not in ours}
    notes.extend(f"{problem}: this project refuses it" for problem in tag_problems(tags))
    return dict(sorted(tags.items()))


def _policy(given: Sequence[Attributes], notes: list[str]) -> Mapping[str, Any] | None:
    """The policy of `aws_secretsmanager_secret_policy`, else the one that the secret itself says.

    The secret says what AWS answered when Terraform last looked, whoever put it.
    """
    for one in reversed(given):
        text = one.text("policy")
        try:
            document = json.loads(text) if text else None
        except (ValueError, RecursionError):
            document = text
        if isinstance(document, str) or (document and not isinstance(document, dict)):
            notes.append("its policy is no JSON object in the state: plan --adopt shows what AWS has")
            return None
        if document:
            if document.get("Version") != _VERSION:
                notes.append(f"its policy is of another version than {_VERSION}, which this project writes")
            return document
    return None


def _rotation(given: Sequence[Attributes], notes: list[str]) -> Mapping[str, Any] | None:
    for one in reversed(given):
        if one.public.get("rotation_enabled") is False or not one.maps("rotation_rules"):
            continue
        rules = one.maps("rotation_rules")[0]
        function = one.text("rotation_lambda_arn")
        if not function:
            notes.append("AWS rotates it without a function: this project cannot declare that, and leaves it alone")
            return None
        days, schedule = rules.get("automatically_after_days"), rules.get("schedule_expression")
        when = {"schedule_expression": schedule} if schedule else {"automatically_after_days": days} if days else {}
        duration = rules.get("duration")
        return {"lambda_arn": function, **when, **({"duration": duration} if duration else {})}
    return None


def _replicas(given: Attributes) -> Iterator[str | Mapping[str, str]]:
    for one in sorted(given.maps("replica"), key=lambda one: str(one.get("region"))):
        region, key = one.get("region"), one.get("kms_key_id")
        if isinstance(region, str) and region:
            own = isinstance(key, str) and key and not key.endswith(_DEFAULT_KEYS)
            yield {"region": region, "kms_key_id": str(key)} if own else region
