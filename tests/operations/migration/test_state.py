"""States are read in both forms; whatever else is given gets one message, which quotes nothing of it.

For the shapes see `terraform_state`. An encrypted state: `basedata` in `internal/encryption/base.go` of
opentofu/opentofu. A plan: https://developer.hashicorp.com/terraform/internals/json-format#plan-representation
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from secrets_pipeline.errors import TerraformStateError
from secrets_pipeline.operations.migration.state import State, read_state
from tests.operations.migration import terraform_state as tf

CANARY = "canary-Zx81-in-a-state"


def read(document: object) -> State:
    return read_state(json.dumps(document).encode())


def test_both_forms_hold_the_same_instances() -> None:
    found = [{**one, "module": 'module.app["a"].module.db'} for one in tf.instances(tf.estate("fnx/dev", count=6))]
    found += tf.instances(tf.estate("fnx/root", count=2))
    file, shown = read(tf.state_file(found)), read(tf.shown(found))
    assert {str(one.address) for one in file.instances} == {str(one.address) for one in shown.instances}
    assert 'module.app["a"].module.db.aws_secretsmanager_secret.this["secret_00"]' in {
        str(one.address) for one in file.instances
    }
    by_address = {one.address: one for one in shown.instances}
    assert all(
        (one.attributes, one.depends_on) == (by_address[one.address].attributes, by_address[one.address].depends_on)
        for one in file.instances
    )
    assert (file.version, file.opentofu, file.program) == ("1.9.8", False, "terraform")


def test_opentofu_is_known_by_its_registry() -> None:
    provider = 'provider["registry.opentofu.org/hashicorp/aws"].west'
    state = read(tf.state_file([{**one, "provider": provider} for one in tf.instances(tf.estate("a", count=1))]))
    assert (state.program, len(state.instances)) == ("tofu", 5)


@pytest.mark.parametrize("form", [tf.state_file, tf.shown])
def test_data_sources_deposed_and_tainted_objects_are_told_apart(form: Any) -> None:  # noqa: ANN401 - two functions
    (password, secret, version, *_) = tf.instances(tf.estate("a", count=1))
    data = {**secret, "mode": "data", "name": "read"}
    state = read(form([password, {**secret, "status": "tainted"}, version, data, {**version, "deposed": "deadbeef"}]))
    assert (dict(state.data), len(state.instances)) == ({"aws_secretsmanager_secret": 1}, 3)
    assert state.deposed == ['aws_secretsmanager_secret_version.this["secret_00"]']
    assert [one.tainted for one in state.instances] == [False, True, False]


@pytest.mark.parametrize("key", [None, 0, "a/b", float("inf"), 1.5])
@pytest.mark.parametrize("form", [tf.state_file, tf.shown])
def test_instances_have_the_keys_of_count_and_for_each(form: Any, key: int | str | None) -> None:  # noqa: ANN401 - as above
    (_, secret, *_) = tf.instances(tf.estate("a", count=1))
    (instance,) = read(form([{**secret, "key": key}])).instances
    assert instance.address.key == (str(key) if isinstance(key, float) else key)


@pytest.mark.parametrize("form", [tf.state_file, tf.shown])
def test_what_terraform_marks_as_sensitive_is_dropped_whatever_it_is(form: Any) -> None:  # noqa: ANN401 - as above
    (_, secret, *_) = tf.instances(tf.estate("a", count=1))
    secret["attributes"]["description"] = CANARY
    (instance,) = read(form([{**secret, "sensitive": ["description"]}])).instances
    assert (instance.attributes.text("description"), instance.attributes.withheld) == ("", frozenset({"description"}))
    assert CANARY not in repr(instance)


def test_nothing_that_is_not_listed_is_kept_and_values_do_not_show() -> None:
    found = tf.instances(tf.estate("a", count=6))
    for one in found:
        one["attributes"] |= {"of_a_later_provider": CANARY}
        # States of older versions mark nothing that a provider declares sensitive.
        one["sensitive"] = []
    state = read({**tf.state_file(found), "outputs": {"password": {"value": CANARY, "type": "string"}}})
    assert CANARY not in repr(state)
    assert not [one for one in tf.estate("a", count=6) if one.value in repr(state)]


ENCRYPTED = {"serial": 1, "lineage": "x", "meta": {"key_provider.pbkdf2.k": CANARY}, "encrypted_data": CANARY}
WRONG: dict[str, tuple[bytes, str]] = {
    "nothing": (b"  \n", "the state file is empty"),
    "cut off": (json.dumps({"version": 4, "x": CANARY}).encode()[:-2], "line 1, column 21"),
    "not JSON": (f"{CANARY}: yaml".encode(), "line 1, column 1"),
    "a long number": (b'{"version": 4, "x": ' + b"9" * 5_000 + b"}", "a number in it is too long"),
    "deep": (b"[" * 200_000, "nests too deeply"),
    "binary": (b"\xff\xfe" + CANARY.encode(), "not UTF-8"),
    "a saved plan": (b"PK\x03\x04" + CANARY.encode(), "a saved plan"),
    "a list": (json.dumps([CANARY]).encode(), "the top-level JSON value is not an object"),
    "a plan": (json.dumps({"format_version": "1.2", "planned_values": {"x": CANARY}}).encode(), "of a plan"),
    "encrypted": (json.dumps({**ENCRYPTED, "encryption_version": "v0"}).encode(), "tofu show -json | secrets-pipeline"),
    "format 3": (json.dumps({"version": 3, "modules": [CANARY]}).encode(), "format 3, of Terraform 0.11"),
    "format 5": (json.dumps({"version": 5, "x": CANARY}).encode(), "format 5"),
    "no format": (json.dumps({"name": CANARY}).encode(), "it has no format version"),
    "another format": (json.dumps({"version": CANARY}).encode(), "it has no format version"),
}


@pytest.mark.parametrize("case", WRONG)
def test_anything_else_gets_one_message_that_quotes_nothing(case: str) -> None:
    content, said = WRONG[case]
    with pytest.raises(TerraformStateError) as raised:
        read_state(content)
    assert said in str(raised.value)
    assert raised.value.remedy
    # Exceptions of the parser hold the whole document.
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    assert CANARY not in repr(raised.value)


@pytest.mark.parametrize("document", [{"version": 4}, {"format_version": "1.0"}, {"version": 4, "resources": []}])
def test_an_empty_state_holds_nothing(document: Any) -> None:  # noqa: ANN401 - JSON
    assert read(document).instances == []


@pytest.mark.parametrize("wrong", [None, 1, "x", [], [1], {"a": 1}])
def test_a_state_of_a_strange_shape_is_read_as_far_as_it_goes(wrong: object) -> None:
    resource = {"mode": "managed", "type": "aws_secretsmanager_secret", "name": "this"}
    read({"version": 4, "resources": wrong, "outputs": wrong})
    read({"version": 4, "resources": [{**resource, "instances": wrong}]})
    strange = {"attributes": wrong, "sensitive_attributes": wrong, "dependencies": wrong, "index_key": None}
    read({"version": 4, "resources": [{**resource, "instances": [strange], "module": wrong}]})
    read({"format_version": "1.0", "values": {"root_module": {"resources": wrong, "child_modules": wrong}}})


@pytest.mark.parametrize("name", ['x"\n}\nresource "a" "b" {', "a b", "1", ""])
def test_names_that_terraform_does_not_have_are_not_written_into_its_language(name: str) -> None:
    (_, secret, *_) = tf.instances(tf.estate("a", count=1))
    for strange in ({**secret, "name": name}, {**secret, "type": name}, {**secret, "module": f"module.{name}"}):
        assert [read(form([strange])).instances for form in (tf.state_file, tf.shown)] == [[], []]


def test_attributes_that_nobody_upgraded_are_said() -> None:
    old = {"mode": "managed", "type": "aws_secretsmanager_secret", "name": "this", "provider": tf.AWS}
    state = read({"version": 4, "resources": [{**old, "instances": [{"attributes_flat": {"name": CANARY}}]}]})
    assert (state.unreadable, state.instances) == (["aws_secretsmanager_secret.this"], [])
