"""No two stacks share a name of what is made for them, whatever they are called, capital letters aside."""

from __future__ import annotations

import hashlib
import string

from hypothesis import example, given
from hypothesis import strategies as st

from secrets_pipeline.access.granting.attached import ROTATION_POLICY, inline_policy_name
from secrets_pipeline.desired.names import stack_folder
from secrets_pipeline.desired.rotation.function import FUNCTION_PREFIX, function_name

ALPHABET = string.ascii_letters + string.digits + "-_."
STACKS = st.one_of(
    st.text(ALPHABET, min_size=1, max_size=100),
    st.text("ab.-_A", min_size=1, max_size=6),
    st.sampled_from(["rotation", "rotation-x", "a.b", "a-b", "A-B", "stack", "rotation.stack"]),
)


def likeness(stack: str) -> str:
    """A stack whose name is what another one's function bears behind the prefix."""
    return function_name(stack).removeprefix(FUNCTION_PREFIX)


@given(STACKS, STACKS)
@example("a.b", likeness("a.b"))
@example("a.b", "a-b")
@example("prod", "Prod")
@example("x" * 60, likeness("x" * 60))
@example("a" * 80 + "b", "a" * 80 + "c")
@example("a.b", f"a-b-{hashlib.sha256(b'a.b').hexdigest()[:8]}")
def test_two_stacks_have_two_functions_with_two_roles_and_log_groups(one: str, other: str) -> None:
    names = function_name(one), function_name(other)
    assert all(len(name) <= 64 and name.startswith(FUNCTION_PREFIX) for name in names)
    # The role bears the function's name, and IAM does not tell capital letters from small ones.
    assert (names[0].lower() == names[1].lower()) is (one == other)


@given(STACKS)
def test_no_stack_bears_the_name_of_another_ones_function(stack: str) -> None:
    assert function_name(likeness(stack)) != function_name(stack) or likeness(stack) == stack


@given(STACKS, STACKS)
@example("rotation", "rotation-stack")
def test_two_stacks_have_two_inline_policies_and_none_is_that_of_a_rotation_role(one: str, other: str) -> None:
    names = inline_policy_name(one), inline_policy_name(other)
    assert (names[0] == names[1]) is (one == other)
    assert ROTATION_POLICY not in names


@given(STACKS, STACKS)
def test_the_parameters_of_no_stack_lie_under_the_path_of_another(one: str, other: str) -> None:
    assert one == other or not f"{stack_folder(one)}/".startswith(f"{stack_folder(other)}/")


def test_the_names_of_ordinary_stacks_are_what_they_always_were() -> None:
    assert function_name("myapp-prod") == "secrets-pipeline-rotation-myapp-prod"
    assert inline_policy_name("myapp-prod") == "secrets-pipeline-myapp-prod"
    assert inline_policy_name("rotation-x") == "secrets-pipeline-rotation-x"
