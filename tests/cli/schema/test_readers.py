"""The schema and the readers: what one knows, the other does, with the same types and bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import BaseModel

from secrets_pipeline.cli.schema.document import manifest_schema
from secrets_pipeline.desired import kinds
from secrets_pipeline.desired.atmos_secrets.declarations import DeclarationEntry, declaration
from secrets_pipeline.desired.build import build_specs
from secrets_pipeline.desired.manifests.stack_settings import StackSettings
from secrets_pipeline.desired.manifests.vocabulary import VARIABLES
from secrets_pipeline.desired.reading import target
from secrets_pipeline.desired.reading.inputs import Inputs
from secrets_pipeline.desired.reading.keys import SWITCHES
from secrets_pipeline.desired.reading.scope import ComponentScope
from secrets_pipeline.desired.settings.operator import OperatorSettings, TargetRule
from secrets_pipeline.stacks import AtmosRepository, Component
from tests.cli.schema.manifests import REPOSITORIES, ROOT
from tests.desired.conftest import Bench
from tests.grants import TRUSTED

SCHEMA: Final = manifest_schema()
TYPES: Final = {"text": "string", "late": "string", "integer": "integer", "boolean": "boolean", "texts": "array"}
TYPES_OF_MAPS: Final = {"tags": "object", "inputs": "object", "entries": "array"}
Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """One key that a reader asked for.

    Attributes:
        model: that describes the map at the beginning of the path.
        path: below it.
        how: method of `Inputs`.
        least: of an integer.
        most: of an integer.
    """

    model: str
    path: tuple[str, ...]
    how: str
    least: int | None = None
    most: int | None = None


@dataclass
class Readings:
    """What all readers asked for."""

    asked: set[Reading] = field(default_factory=set)
    known: set[tuple[str, tuple[str, ...], frozenset[str]]] = field(default_factory=set)


def place(inputs: Inputs) -> tuple[str, tuple[str, ...]] | None:
    """The model, and the path below it, of a map."""
    scope = inputs.scope
    match inputs.path:
        case ("vars", *below):
            kind = scope.stack.kinds.get(scope.name)
            return (VARIABLES[kind].__name__, tuple(map(str, below))) if kind else None
        case ("settings", "secrets_pipeline", *below):
            return StackSettings.__name__, tuple(map(str, below))
    return None


def nodes(node: Node, path: tuple[str, ...]) -> Iterator[Node]:
    """The schemas at a path below a schema; none where the schema does not know it."""
    while "$ref" in node:
        node = SCHEMA["$defs"][node["$ref"].rpartition("/")[2]]
    for one in node.get("anyOf", ()):
        yield from nodes(one, path)
    if not path and "anyOf" not in node:
        yield node
    elif not path:
        return
    elif path[0] in node.get("properties", {}):
        yield from nodes(node["properties"][path[0]], path[1:])
    elif isinstance(node.get("additionalProperties"), dict):
        yield from nodes(node["additionalProperties"], path[1:])
    elif "items" in node:
        yield from nodes(node["items"], path[1:])


def at(model: str, path: tuple[str, ...]) -> list[Node]:
    return list(nodes({"$ref": f"#/$defs/{model}"}, path))


EVERYTHING: Final = """
    vars: {context_name: all, environment: dev, region: eu-west-2, account_id: "111122223333", tags: {A: b}}
    components:
      terraform:
        secretsmanager:
          settings:
            secrets_pipeline:
              verification: {}
              rotation_function: {}
              components: {x: ignore}
              plaintext_allowed: ["*"]
              organization_id: o-a1b2c3d4e5
              name_template: "all/dev/{{`{{ .secret.path }}/{{ .secret.name }}`}}"
          vars:
            secrets:
              random: {generate_random_password: true, port: 1, rotation_days: 3, rotation_lambda_arn: FUNCTION}
              written: {secret_data: {password: "fL9%vQ2!"}, policy: [], replica_regions: [{region: eu-west-1}]}
              bytes: {secret_binary: aGE=, rotation: {managed: true}}
              odd: {generate_random_password: true, username: u, engine: postgres, port: 5432, ssl: false}
            consumers:
              ecs: {type: ecs, execution_role_arn: ROLE, secrets: [written], refresh: {cluster: c, service: s}}
              eks: {type: eks, role_arn: ROLE, identity: irsa, oidc_provider: oidc.example.com, secrets: [written]}
              app: {type: app, role_arn: ROLE, assumed_by: ["111122223333"], secrets: [written],
                    refresh: {ssm_document: d, targets: {a: b}, parameters: {c: d}}}
              lambda: {type: lambda, role_arn: ROLE, secrets: [written], refresh: {function_name: f}}
        secretsmanager/named:
          vars: {secrets: {one: {value: external, name: x}}}
        kms: {settings: {secrets_pipeline: {create: true}}, vars: {alias: a, policy: []}}
        kms/other: {settings: {secrets_pipeline: {create: true}}, vars: {alias_name: b}}
        rds:
          settings: {secrets_pipeline: {create: true}}
          vars: {engine: mysql, username: u, password: "!terraform.state secretsmanager generated_passwords.random"}
        rds/aurora:
          settings: {secrets_pipeline: {create: true}}
          vars:
            engine: aurora-mysql
            master_username: u
            manage_master_user_password: true
            serverlessv2_scaling_configuration: {min_capacity: 1, max_capacity: 2}
        rds/spelt:
          settings: {secrets_pipeline: {create: true}}
          vars:
            engine: aurora-mysql
            cluster_size: 1
            cluster_instance_class: c
            cluster_identifier: i
            database_name: d
            username: u
            master_password: x
        rds/typed:
          settings: {secrets_pipeline: {create: true}}
          vars: {engine: mysql, instance_type: c}
        lambda: {settings: {secrets_pipeline: {deliver: true}}, vars: {function_name: f, environment_variables: {A: b}}}
        ecs:
          settings: {secrets_pipeline: {deliver: true}}
          vars:
            cluster_name: c
            service_name: s
            container_definitions:
              - name: n
                secrets: [{name: A, valueFrom: x}, {name: B, value_from: x}]
                environment: [{name: C, value: x}]
        apigateway:
          settings: {secrets_pipeline: {deliver: true}}
          vars: {api_name: a, stage_name: s, stage_variables: {a: b}}
        api:
          secrets: {vars: {KEY: {store: asm}}}
          settings: {secrets_pipeline: {secrets: {KEY: {generate_random_password: true}}}}
"""
STORES: Final = """
stores: {asm: {kind: aws/asm, secret: true, options: {region: eu-west-2, prefix: all}}}
"""


def watched(monkeypatch: pytest.MonkeyPatch) -> Readings:
    """Have every reader tell what it asks for; it reads as before."""
    found = Readings()

    def noted(how: str) -> Callable[..., Any]:
        original = getattr(Inputs, how)

        def method(self: Inputs, key: str = "tags", *args: Any, **options: Any) -> Any:  # noqa: ANN401 - any method
            where = place(self)
            if where is not None:
                bounds = (options.get("least", 0), options.get("most")) if how == "integer" else (None, None)
                found.asked.add(Reading(where[0], (*where[1], str(key)), how, *bounds))
            return original(self, key, *args, **options)

        return method

    for how in (*TYPES, *TYPES_OF_MAPS, "known", "has"):
        monkeypatch.setattr(Inputs, how, noted(how))
    refuse, flag = Inputs.refuse_unknown, ComponentScope.flag

    def refusing(self: Inputs, known: frozenset[str], *args: Any, **options: Any) -> None:  # noqa: ANN401 - any method
        where = place(self)
        assert where is not None
        found.known.add((*where, frozenset(known)))
        refuse(self, known, *args, **options)

    def flagged(self: ComponentScope, name: str, **options: bool) -> bool:
        found.asked.add(Reading(StackSettings.__name__, (name,), "boolean"))
        return flag(self, name, **options)

    known_text = target._known_text

    def texted(scope: ComponentScope, key: str) -> str | None:
        found.asked.add(Reading(VARIABLES[scope.stack.kinds[scope.name]].__name__, (key,), "known"))
        return known_text(scope, key)

    own_settings = kinds.own_settings

    class Settings(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - any value
            found.asked.add(Reading(StackSettings.__name__, (key,), "known"))
            return super().get(key, default)

    monkeypatch.setattr(kinds, "own_settings", lambda component: Settings(own_settings(component)))
    monkeypatch.setattr(target, "_known_text", texted)
    monkeypatch.setattr(Inputs, "refuse_unknown", refusing)
    monkeypatch.setattr(ComponentScope, "flag", flagged)
    return found


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Readings:
    """What readers ask for of examples/, of the fixtures, and of a stack that uses everything."""
    found = watched(monkeypatch)
    settings = OperatorSettings(grants=TRUSTED, targets=(TargetRule(stacks="*", account_id="111122223333"),))
    for name in REPOSITORIES:
        build_specs(AtmosRepository.open(ROOT / name, env={}), settings)
    role, function = "arn:aws:iam::111122223333:role/r", "arn:aws:lambda:eu-west-2:111122223333:function:f"
    text = EVERYTHING.replace("ROLE", f'"{role}"').replace("FUNCTION", f'"{function}"')
    bench = Bench(tmp_path)
    bench.atmos += STORES
    for manifest in (text, text.replace("name_template", "other")):
        bench.build(all=manifest)
    return found


def test_what_a_reader_asks_for_is_in_the_schema_with_its_type_and_bounds(readings: Readings) -> None:
    assert len(readings.asked) > 200
    for one in sorted(readings.asked, key=str):
        found = at(one.model, one.path)
        assert found, one
        wanted = {**TYPES, **TYPES_OF_MAPS}.get(one.how)
        of_any_type = any("type" not in node for node in found)
        assert wanted is None or of_any_type or any(wanted in node["type"] for node in found), one
        if one.how == "integer":
            assert [(node.get("minimum"), node.get("maximum")) for node in found] == [(one.least, one.most)], one


def test_keys_beside_those_that_a_reader_knows_are_refused_by_the_schema_too(readings: Readings) -> None:
    by_place: dict[tuple[str, tuple[str, ...]], set[str]] = {}
    for model, path, keys in readings.known:
        by_place.setdefault((model, path), set()).update(keys)
    assert len(by_place) > 20
    for (model, path), known in by_place.items():
        closed = [node for node in at(model, path) if "properties" in node]
        assert closed, (model, path)
        for node in closed:
            assert node["additionalProperties"] is False, (model, path)
            assert known <= set(node["properties"]), (model, path)
            # What a refresh takes depends on the type of its consumer.
            assert known == set(node["properties"]) or path[-1] == "refresh", (model, path)


def test_every_key_of_the_schema_is_one_that_a_reader_asks_for(readings: Readings) -> None:
    asked = {(one.model, one.path[0]) for one in readings.asked}
    models: list[type[BaseModel]] = [*VARIABLES.values(), StackSettings]
    there = {(model.__name__, key) for model in models for key in model.model_fields if key not in SWITCHES}
    assert not there - asked


def test_what_a_declaration_of_atmos_is_read_for_is_in_the_schema() -> None:
    asked: set[str] = set()

    class Spec(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - any value
            asked.add(key)
            return super().get(key, default)

    resolved = {"secrets": {"vars": {"KEY": Spec(store="here")}}}
    declaration(Component(name="api", kind="terraform", stack="dev", resolved=resolved, manifest="x"), "KEY")
    assert asked == set(DeclarationEntry.model_fields) == set(SCHEMA["$defs"]["DeclarationEntry"]["properties"])
