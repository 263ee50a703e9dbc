"""A value of bytes: declared, put by hand, adopted; it is copied whole and breaks nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from secrets_pipeline.desired.value.model import DeclaredValue
from secrets_pipeline.engine.model import Applied, Failed, Unchanged
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.finding import Verdict
from secrets_pipeline.reconcilers.secret_value.strength_checks import secret_values_well_formed

if TYPE_CHECKING:
    from secrets_pipeline.desired.secret.model import SecretSpec
    from secrets_pipeline.desired.stack import StackSpec
    from tests.bench import Bench

BYTES = b"\x00\x01\xff"


def binary(bench: Bench, text: str, **more: Any) -> SecretSpec:  # noqa: ANN401 - as of `Bench.declared`
    """A secret with bytes, from their Base64 in the YAML."""
    secret = bench.declared(value=text, **more)
    assert isinstance(secret.value, DeclaredValue)
    return secret.model_copy(update={"value": secret.value.model_copy(update={"binary": True})})


def stored(bench: Bench, key: str = "api") -> bytes:
    return bench.secrets.get_secret_value(SecretId=bench.name(key))["SecretBinary"]


def shape(bench: Bench, spec: StackSpec) -> tuple[Verdict, str]:
    (found,) = secret_values_well_formed(bench.context(spec, writing=False))
    return found.verdict, found.detail


def test_declared_bytes_are_stored_kept_and_rendered_again(bench: Bench) -> None:
    spec = bench.create(binary(bench, "AAH/"))
    assert stored(bench) == BYTES
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
    assert shape(bench, spec) == (Verdict.RIGHT, "binary")
    moved = bench.spec(binary(bench, "AAH/AA=="), keys=(bench.key(),))
    assert {type(one) for one in bench.provision(moved).values()} <= {Applied, Unchanged}
    assert stored(bench) == BYTES + b"\x00"


def test_bytes_move_to_another_key_as_they_are(bench: Bench) -> None:
    bench.create(binary(bench, "AAH/"))
    spec = bench.spec(binary(bench, "AAH/", kms_key=bench.late("${output.kms.key_arn}")), keys=(bench.key(),))
    assert {type(one) for one in bench.provision(spec).values()} <= {Applied, Unchanged}
    assert (stored(bench), bench.versions("api")) == (BYTES, 2)
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_what_a_reference_gives_has_to_be_base64(bench: Bench) -> None:
    bench.ssm.put_parameter(Name=f"/{bench.stack}/keystore", Value="no Base64, canary", Type="SecureString")
    outcome = bench.provision(bench.spec(binary(bench, f"${{ssm:/{bench.stack}/keystore}}")))
    failed = outcome[f"secrets {bench.name('api')}"]
    assert isinstance(failed, Failed)
    assert failed.error.message.endswith("the value is no Base64")
    assert "canary" not in str(failed.error)


def test_bytes_of_somebody_else_are_right_and_where_a_password_belongs_wrong(bench: Bench) -> None:
    external = bench.create(bench.external())
    bench.secrets.put_secret_value(SecretId=bench.name("vendor"), SecretBinary=BYTES)
    assert shape(bench, external) == (Verdict.RIGHT, "binary")
    other = bench.another()
    generated = other.create(other.generated())
    other.secrets.put_secret_value(SecretId=other.name("password"), SecretBinary=BYTES)
    assert shape(other, generated) == (Verdict.WRONG, "its value is binary: somebody replaced it by hand")


def test_an_adopted_secret_keeps_its_bytes_under_another_key(bench: Bench) -> None:
    bench.secrets.create_secret(Name=bench.name("password"), SecretBinary=BYTES)
    spec = bench.spec(bench.generated(kms_key=bench.late("${output.kms.key_arn}")), keys=(bench.key(),))
    outcomes = bench.provision(spec, options=ApplyOptions(adopt=("*",)))
    assert isinstance(outcomes[f"secrets {bench.name('password')}"], Applied)
    assert stored(bench, "password") == BYTES


def test_a_document_is_not_made_of_bytes(bench: Bench) -> None:
    spec = bench.create(bench.declared(value={"a": "one"}))
    bench.secrets.put_secret_value(SecretId=bench.name("api"), SecretBinary=BYTES)
    bench.yaml["api", "a"] = "two"
    failed = bench.provision(spec)[f"secrets {bench.name('api')}"]
    assert isinstance(failed, Failed)
    assert "is binary" in failed.error.message
    assert "value: external" in failed.error.remedy
    assert stored(bench) == BYTES
