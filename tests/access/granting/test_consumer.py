"""The documents of every consumer of examples/: right, and least."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from secrets_pipeline.access.evaluator import Context, Policy, Request, authorize
from secrets_pipeline.access.granting.consumer import consumers_named
from secrets_pipeline.access.granting.identity import PolicyDocument
from secrets_pipeline.access.reach.reader import DECRYPT, Allowed, DeniedByKms, DeniedBySecretsManager
from secrets_pipeline.desired.consumer.model import ConsumerSpec
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.stack import StackSpec
from tests.access.granting.conftest import ACCOUNT, Cloud, caller, read

OWN, OTHER = "o-a1b2c3d4e5", "o-z9y8x7w6v5"


def own_consumers(specs: Mapping[str, StackSpec]) -> Iterator[tuple[StackSpec, ConsumerSpec, str, PolicyDocument]]:
    """Every consumer of the stacks' own account, with its role and the role's document."""
    for spec in specs.values():
        for consumer in spec.consumers:
            for arn, document in Cloud(spec).documents(consumer).identity.items():
                yield spec, consumer, arn, document


def foreign_consumers(specs: Mapping[str, StackSpec]) -> Iterator[tuple[StackSpec, ConsumerSpec, str, PolicyDocument]]:
    """Every consumer of another account, with its role and what is handed over."""
    for spec in specs.values():
        for consumer in spec.consumers:
            for policies in Cloud(spec).documents(consumer).handover.values():
                for arn, document in policies.items():
                    yield spec, consumer, arn, document


def without(document: PolicyDocument, number: int) -> dict[str, Any]:
    statements = document["Statement"]
    return {**document, "Statement": [*statements[:number], *statements[number + 1 :]]}


def in_organization(spec: StackSpec, organization_id: str) -> StackSpec:
    return spec.model_copy(update={"organization_id": organization_id})


def test_the_examples_have_consumers_of_both_kinds(specs: Mapping[str, StackSpec]) -> None:
    assert len(list(own_consumers(specs))) >= 9
    assert len(list(foreign_consumers(specs))) == 2


@pytest.mark.parametrize("delegating", [False, True], ids=["our key policy", "default key policy"])
def test_each_consumer_reads_its_secrets_and_no_others_of_the_stack(
    specs: Mapping[str, StackSpec], *, delegating: bool
) -> None:
    for spec, consumer, arn, document in own_consumers(specs):
        cloud, who = Cloud(spec, delegating=delegating), caller(arn, document)
        for secret in spec.secrets:
            verdict = read(who, cloud.secret(secret))
            expected = Allowed if secret.ref in consumer.secrets else DeniedBySecretsManager
            assert isinstance(verdict, expected), (consumer.name, secret.name, verdict)


def test_each_consumer_needs_every_statement_where_the_key_leaves_it_to_iam(specs: Mapping[str, StackSpec]) -> None:
    for spec, consumer, arn, document in own_consumers(specs):
        cloud = Cloud(spec, delegating=True)
        for number in range(len(document["Statement"])):
            who = caller(arn, without(document, number))
            verdicts = [read(who, cloud.secret(spec.secret(ref))) for ref in consumer.secrets]
            denied = DeniedBySecretsManager if number == 0 else DeniedByKms
            assert verdicts
            assert all(isinstance(one, denied) for one in verdicts), (consumer.name, number)


def test_each_consumer_needs_every_arn_that_its_document_names(specs: Mapping[str, StackSpec]) -> None:
    for spec, consumer, arn, document in own_consumers(specs):
        reading, *others = document["Statement"]
        for resource in reading["Resource"]:
            fewer = {**reading, "Resource": [one for one in reading["Resource"] if one != resource]}
            statements = [*([fewer] if fewer["Resource"] else []), *others]
            who = caller(arn, {**document, "Statement": statements})
            denied = [
                spec.secret(ref).name
                for ref in consumer.secrets
                if not isinstance(read(who, Cloud(spec).secret(spec.secret(ref))), Allowed)
            ]
            assert denied == [resource.rpartition(":secret:")[2].removesuffix("-??????")]


def test_no_consumer_may_decrypt_but_through_secrets_manager_and_only_its_secrets(
    specs: Mapping[str, StackSpec],
) -> None:
    for spec, consumer, arn, document in own_consumers(specs):
        cloud, who = Cloud(spec, delegating=True), caller(arn, document)
        for secret in spec.secrets:
            through = cloud.secret(secret).decrypt(ACCOUNT)
            mine = secret.ref in consumer.secrets
            assert authorize(through, who, cloud.key(secret)).allowed is mine
            values = {key: value for key, value in through.context.values.items() if key != "kms:viaservice"}
            directly = Request(DECRYPT, Context(values, through.context.unknown))
            assert authorize(directly, who, cloud.key(secret)).allowed is False
            elsewhere = Context({**values, "kms:viaservice": ("secretsmanager.eu-west-1.amazonaws.com",)})
            assert authorize(Request(DECRYPT, elsewhere), who, cloud.key(secret)).allowed is False


@pytest.mark.parametrize("action", ["PutSecretValue", "DeleteSecret", "PutResourcePolicy", "UpdateSecretVersionStage"])
def test_no_consumer_may_write(specs: Mapping[str, StackSpec], action: str) -> None:
    for spec, consumer, arn, document in own_consumers(specs):
        for ref in consumer.secrets:
            target = Cloud(spec).secret(spec.secret(ref)).target
            assert authorize(Request(f"secretsmanager:{action}"), caller(arn, document), target).allowed is False


def test_before_anything_exists_the_documents_are_right_already(specs: Mapping[str, StackSpec]) -> None:
    for spec in specs.values():
        cloud = Cloud(spec, delegating=True)
        for consumer in spec.consumers:
            planned = cloud.documents(consumer, exists=False)
            assert any("the alias stands for it" in one for one in planned.open)
            for arn, document in [*planned.identity.items(), *planned.handover.get("444455556666", {}).items()]:
                for secret in spec.secrets:
                    verdict = read(caller(arn, document), cloud.secret(secret))
                    assert isinstance(verdict, Allowed) is (secret.ref in consumer.secrets)
            assert Cloud(spec).documents(consumer).open == ()


def test_a_key_that_lost_its_alias_is_not_opened_by_what_names_the_alias(specs: Mapping[str, StackSpec]) -> None:
    spec = specs["myapp-dev"]
    cloud = Cloud(spec, delegating=True)
    (consumer,) = consumers_named(spec, "batch")
    ((arn, document),) = cloud.documents(consumer, exists=False).identity.items()
    secret = spec.secret(consumer.secrets[0])
    key = cloud.key(secret)
    through = cloud.secret(secret).decrypt(ACCOUNT)
    assert authorize(through, caller(arn, document), key).allowed is True
    for aliases in ((), ("alias/another",)):
        other = replace(key, context=Context({"kms:resourcealiases": aliases}))
        assert authorize(through, caller(arn, document), other).allowed is False


@pytest.mark.parametrize("delegating", [False, True], ids=["our key policy", "default key policy"])
def test_a_foreign_reader_needs_all_three_documents(specs: Mapping[str, StackSpec], *, delegating: bool) -> None:
    for spec, consumer, arn, document in foreign_consumers(specs):
        cloud = Cloud(spec, delegating=delegating)
        for secret in spec.secrets:
            mine = secret.ref in consumer.secrets
            assert isinstance(read(caller(arn, document), cloud.secret(secret)), Allowed) is mine
            if mine:
                who = caller(arn, document)
                assert isinstance(read(who, cloud.secret(secret, shared=False)), DeniedBySecretsManager)
                assert isinstance(read(who, cloud.secret(secret, key_readers=False)), DeniedByKms)
                assert isinstance(read(caller(arn), cloud.secret(secret)), DeniedBySecretsManager)
                assert isinstance(read(caller(arn, without(document, 1)), cloud.secret(secret)), DeniedByKms)


def test_the_statements_that_are_shown_are_those_that_are_put(specs: Mapping[str, StackSpec]) -> None:
    for spec, consumer, arn, _ in foreign_consumers(specs):
        cloud = Cloud(spec)
        shown = cloud.documents(consumer)
        assert shown.foreign_keys == ()
        assert sorted(shown.secret_policies) == sorted(spec.secret(ref).name for ref in consumer.secrets)
        for policy in (*shown.secret_policies.values(), *shown.key_policies.values()):
            assert [one["Principal"] for one in policy["Statement"]] == [{"AWS": [arn]}]
        for ref in consumer.secrets:
            secret = spec.secret(ref)
            target = cloud.secret(secret).target
            alone = replace(target, policy=Policy("shown", shown.secret_policies[secret.name]))
            who = caller(arn, shown.handover["444455556666"][arn])
            assert authorize(cloud.secret(secret).get_value, who, alone).allowed


def test_a_handed_over_document_names_complete_arns_and_so_not_a_secret_that_is_made_again(
    specs: Mapping[str, StackSpec],
) -> None:
    for spec, consumer, arn, document in foreign_consumers(specs):
        assert "?" not in json.dumps(document)
        for ref in consumer.secrets:
            old = Cloud(spec).secret(spec.secret(ref))
            again = replace(old.target, arn=f"{old.target.arn[:-6]}Zz9yX8")
            assert authorize(old.get_value, caller(arn, document), again).allowed is False


def test_with_an_organisation_only_its_members_read(specs: Mapping[str, StackSpec]) -> None:
    for spec, consumer, arn, document in foreign_consumers(specs):
        cloud = Cloud(in_organization(spec, OWN))
        for ref in consumer.secrets:
            secret: SecretSpec = spec.secret(ref)
            member, stranger, nobodys = (caller(arn, document, organization_id=one) for one in (OWN, OTHER, ""))
            assert isinstance(read(member, cloud.secret(secret)), Allowed)
            for who in (stranger, nobodys):
                assert isinstance(read(who, cloud.secret(secret)), DeniedBySecretsManager)
                # The key refuses by itself, also where the secret's policy has lost its condition.
                assert authorize(cloud.secret(secret).decrypt(who.account_id), who, cloud.key(secret)).allowed is False


def test_what_is_under_the_default_key_needs_no_statement_about_keys(specs: Mapping[str, StackSpec]) -> None:
    spec = specs["myapp-dev"]
    secrets = tuple(secret.model_copy(update={"kms_key": None}) for secret in spec.secrets)
    (consumer,) = consumers_named(spec, "batch")
    made = Cloud(spec.model_copy(update={"secrets": secrets})).spec
    found = documents_of(made, consumer)
    assert [one["Sid"] for one in found["Statement"]] == ["SecretsPipelineRead"]


def documents_of(spec: StackSpec, consumer: ConsumerSpec) -> PolicyDocument:
    (document,) = Cloud(spec).documents(consumer, exists=False).identity.values()
    return document


def test_a_key_of_another_account_has_to_let_in_our_own_reader(specs: Mapping[str, StackSpec]) -> None:
    key = "arn:aws:kms:eu-west-2:999900001111:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    spec = specs["myapp-dev"]
    secrets = tuple(secret.model_copy(update={"kms_key": key}) for secret in spec.secrets)
    (consumer,) = consumers_named(spec, "batch")
    found = Cloud(spec.model_copy(update={"secrets": secrets})).documents(consumer, exists=False)
    assert (list(found.key_policies), found.foreign_keys, found.open) == ([key], (key,), ())
    (statement,) = found.key_policies[key]["Statement"]
    assert statement["Principal"] == {"AWS": list(consumer.readers)}


def test_all_of_it_is_json(specs: Mapping[str, StackSpec]) -> None:
    spec = specs["myapp-dev"]
    (consumer,) = consumers_named(spec, "reports")
    plain = json.loads(json.dumps(Cloud(spec).documents(consumer).plain()))
    assert sorted(plain) == [
        "attached",
        "consumer",
        "foreign_keys",
        "handover",
        "identity",
        "key_policies",
        "open",
        "secret_policies",
    ]
    assert list(plain["handover"]) == ["444455556666"]
