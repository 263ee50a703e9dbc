"""One unrelated component takes nothing away; one of ours stands in the way of what needs it."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.unresolved import UnresolvedReason
from secrets_pipeline.desired.value.model import DeclaredValue

if TYPE_CHECKING:
    from secrets_pipeline.desired.build import SpecSet
    from tests.desired.conftest import Bench

ATMOS = """
base_path: .
stacks: {base_path: stacks, included_paths: ["**/*"], name_template: "{{ .vars.stage }}"}
"""
HEAD = "vars: {stage: dev, context_name: dev, region: eu-west-2}\n"
SECRETS = "secretsmanager: {vars: {secrets: {a: {generate_random_password: true}}}}"


def manifest(*components: str, head: str = HEAD) -> str:
    lines = "".join(f"    {one}\n" for one in components)
    return f"{head}components:\n  terraform:\n{lines}"


def built(bench: Bench, **manifests: str) -> SpecSet:
    bench.atmos = dedent(ATMOS)
    return bench.build(**manifests)


def said(found: SpecSet, stack: str = "dev") -> list[str]:
    return [error.diagnostics() for error in found.errors.get(stack, ())]


def test_a_duplicate_that_no_secret_needs_is_a_note(bench: Bench) -> None:
    found = built(bench, a=manifest(SECRETS, "vpc: {vars: {x: 1}}"), b=manifest("vpc: {vars: {x: 2}}"))
    assert found.errors == {}
    assert [one.name for one in found.specs["dev"].secrets] == ["dev/a"]
    (notice,) = [one for one in found.notices if "duplicate" in one]
    assert "Found duplicate config for the component 'vpc' in the stack 'dev'" in notice
    assert found.notices_of[notice] == frozenset({"dev"})
    # Nothing is hidden by it.
    assert found.incomplete == frozenset()


def test_kinds_that_a_stack_says_of_others_make_no_duplicate_one_of_ours(bench: Bench) -> None:
    head = f"{HEAD}settings: {{secrets_pipeline: {{components: {{keys: kms}}, dialect: atmos}}}}\n"
    first = manifest(SECRETS, "rds: {vars: {x: 1}}", head=head)
    found = built(bench, a=first, b=manifest("rds: {vars: {x: 2}}", head=head))
    assert found.errors == {}
    assert [one.name for one in found.specs["dev"].secrets] == ["dev/a"]
    (notice,) = [one for one in found.notices if "duplicate" in one]
    assert "Found duplicate config for the component 'rds' in the stack 'dev'" in notice


def test_a_secret_that_refers_to_a_duplicate_is_blocked_alone(bench: Bench) -> None:
    needing = "secrets: {a: {generate_random_password: true}, b: {secret_data: {x: !terraform.state vpc id}}}"
    secrets = f"secretsmanager: {{vars: {{{needing}}}}}"
    found = built(bench, a=manifest(secrets, "vpc: {vars: {x: 1}}"), b=manifest("vpc: {vars: {x: 2}}"))
    a, b = found.specs["dev"].secrets
    assert not a.blocked
    assert [one.reason for one in b.unresolved] == [UnresolvedReason.UNSETTLED]
    assert "Found duplicate config for the component 'vpc'" in b.problems[0]


def test_a_default_does_not_replace_an_output_of_a_duplicate(bench: Bench) -> None:
    secrets = "secretsmanager: {vars: {secrets: {b: {secret_data: !terraform.state 'vpc .id // \"x\"'}}}}"
    backend = "backend_type: s3, backend: {s3: {bucket: b, key: k}}"
    second = manifest(f"vpc: {{vars: {{x: 2}}, {backend}}}")
    found = built(bench, a=manifest(secrets, f"vpc: {{vars: {{x: 1}}, {backend}}}"), b=second)
    (b,) = found.specs["dev"].secrets
    assert [one.reason for one in b.unresolved] == [UnresolvedReason.UNSETTLED]
    assert isinstance(b.value, DeclaredValue)
    assert [leaf.absent for leaf in b.value.leaves] == [()]


OURS = {
    "of ours": ("secretsmanager: {vars: {secrets: {b: {generate_random_password: true}}}}", "secretsmanager"),
    "that one of ours inherits from": ("base: {vars: {x: 2}}", "base"),
    "of ours that the first manifest switches off": (
        "secretsmanager/off: {vars: {secrets: {}}}",
        "secretsmanager/off",
    ),
    "that the settings name": (
        "named: {vars: {x: 2}, settings: {secrets_pipeline: {components: {named: secretsmanager}}}}",
        "named",
    ),
    "that declares secrets of Atmos": ("declaring: {secrets: {vars: {X: {store: s}}}}", "declaring"),
}


@pytest.mark.parametrize(("other", "name"), OURS.values(), ids=OURS)
def test_a_duplicate_that_is_ours_is_an_error_of_its_stack(bench: Bench, other: str, name: str) -> None:
    ours = "secretsmanager: {metadata: {inherits: [base]}, vars: {secrets: {a: {generate_random_password: true}}}}"
    first = (
        *(ours, "base: {metadata: {type: abstract}, vars: {x: 1}}"),
        *("secretsmanager/off: {metadata: {enabled: false}, vars: {secrets: {}}}", "named: {vars: {x: 1}}"),
        "declaring: {vars: {x: 1}}",
    )
    prod = manifest(SECRETS, head=HEAD.replace("dev", "prod"))
    found = built(bench, a=manifest(*first), b=manifest(other), c=prod)
    assert list(found.specs) == ["prod"]
    (error,) = said(found)
    assert f"Found duplicate config for the component '{name}' in the stack 'dev'" in error


def test_duplicates_of_ours_with_one_cause_are_one_error(bench: Bench) -> None:
    first, second = (
        [f"secretsmanager/{name}: {{vars: {{x: {number}, secrets: {{}}}}}}" for name in "abc"] for number in (1, 2)
    )
    (error,) = said(built(bench, one=manifest(*first), two=manifest(*second)))
    assert "duplicate config for the component 'secretsmanager/a' in the stack 'dev'" in error
    assert "Duplicate too: secretsmanager/b, secretsmanager/c\n" in error


def test_stacks_without_secrets_have_a_notice_a_reason_with_the_number_of_further_problems(bench: Bench) -> None:
    names = ("dev", "test", "prod")
    heads = {name: HEAD.replace("stage: dev", f"stage: {name}") for name in names}
    manifests = {f"{name}1": manifest("vpc: {vars: {x: 1}}", head=heads[name]) for name in names[:2]}
    manifests |= {f"{name}2": manifest("vpc: {vars: {x: 2}}", "eks: {vars: 1}", head=heads[name]) for name in names}
    manifests["prod3"] = manifest("efs: {vars: 1}", head=heads["prod"])
    found = built(bench, **manifests)
    assert found.errors == {}
    (duplicates,) = [one for one in found.notices if "duplicate config" in one]
    assert duplicates.endswith("There is 1 more problem of this kind in stacks without secrets: test.")
    assert found.notices_of[duplicates] == {"dev", "test"}
    (unmade,) = [one for one in found.notices if "invalid component vars section" in one]
    assert unmade.endswith("There are 3 more problems of this kind in stacks without secrets: prod, test.")
    assert found.notices_of[unmade] == set(names)


def test_a_component_that_cannot_be_made_and_is_not_ours_is_a_note_and_nothing_is_deleted(bench: Bench) -> None:
    found = built(bench, a=manifest(SECRETS, "vpc: {vars: 1}"))
    assert found.errors == {}
    assert "dev" in found.specs
    (notice,) = [one for one in found.notices if "invalid component vars section" in one]
    assert "stacks/a.yaml:" in notice
    # It may declare what seems to have left, so that nothing is pruned.
    assert found.incomplete == frozenset({"dev"})


@pytest.mark.parametrize(
    "component",
    [
        "secretsmanager/b: {vars: 1}",
        "b: {metadata: {component: secretsmanager}, vars: 1}",
        "rds: {vars: 1}",
        "b: {vars: 1, secrets: {vars: {X: {store: s}}}}",
    ],
)
def test_one_that_cannot_be_made_and_may_be_ours_is_an_error(bench: Bench, component: str) -> None:
    found = built(bench, a=manifest(SECRETS, component))
    assert not found.specs
    assert "invalid component vars section" in "".join(said(found))


def test_an_import_that_is_not_read_withholds_a_stack_with_secrets_and_shows_it(bench: Bench) -> None:
    remote = "import: ['https://example.com/x.yaml']\n"
    prod = manifest(SECRETS, head=HEAD.replace("dev", "prod"))
    found = built(bench, a=remote + manifest(SECRETS, "vpc: {}"), b=prod)
    assert list(found.specs) == ["prod"]
    (error,) = said(found)
    assert error.startswith("stacks/a.yaml:1, stack dev, key import: remote import not supported")
    assert [one.name for one in found.shown["dev"].declared.secrets] == ["dev/a"]


def test_in_a_stack_without_secrets_it_is_a_note(bench: Bench) -> None:
    remote = "import: ['https://example.com/x.yaml']\n"
    prod = manifest(SECRETS, head=HEAD.replace("dev", "prod"))
    found = built(bench, a=remote + manifest("vpc: {}"), b=prod)
    assert found.errors == {}
    assert list(found.specs) == ["prod"]
    (notice,) = [one for one in found.notices if "remote import" in one]
    assert "--from-atmos" in notice
    assert found.incomplete == frozenset({"dev"})
