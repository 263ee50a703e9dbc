from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from secrets_pipeline.desired.tags import OWN_TAGS, TAG_VALUE_LENGTH
from secrets_pipeline.errors import SpecError
from secrets_pipeline.reconcilers import tag_keys
from secrets_pipeline.reconcilers.marks.secret_mark import Commit, Marks, MarkState, Owner, Part
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.tag_keys import COMPONENT, KEPT, KEY, REPLICAS, SPEC, STACK, VALUE_VERSION
from secrets_pipeline.values.fingerprint import Fingerprinter

OWNER = Owner("myapp-dev", "secretsmanager/api", "api_key")
MARKS = Marks(Fingerprinter(b"k" * 32))
COMMIT = Commit(7, {part: f"{number:012x}" for number, part in enumerate(Part)}, "0a1b2c3d")
ARN = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:myapp/dev/api/api-key-AbCdEf"


def secret(**tags: str) -> SecretState:
    return SecretState(name="myapp/dev/api/api-key", arn=ARN, tags=tags)


def marked(mark: str, owner: Owner = OWNER) -> SecretState:
    return secret(**owner.tags(), **{SPEC: mark})


def test_a_secret_without_our_tags_is_unmarked() -> None:
    assert MARKS.verify(secret(Team="x")).state is MarkState.UNMARKED


def test_a_provisional_mark_proves_that_we_created_it() -> None:
    mark = MARKS.verify(marked(MARKS.provisional(ARN, OWNER, "0a1b2c3d")))
    assert mark.state is MarkState.UNFINISHED
    assert mark.ours
    assert mark.owner == OWNER
    assert (mark.commit, mark.run, mark.creation) == (None, "0a1b2c3d", False)


def test_a_finished_mark_gives_back_what_was_finished_and_fits_into_a_tag() -> None:
    mark = MARKS.verify(marked(MARKS.finished(ARN, OWNER, COMMIT)))
    assert mark.state is MarkState.FINISHED
    assert mark.commit == COMMIT
    assert len(MARKS.finished(ARN, OWNER, COMMIT)) <= 256


def test_a_taken_part_is_vouched_for_no_more_and_the_others_are() -> None:
    mark = MARKS.verify(marked(MARKS.finished(ARN, OWNER, COMMIT.opened(Part.POLICY, "99999999"))))
    assert mark.state is MarkState.FINISHED
    assert mark.run == "99999999"
    assert mark.commit is not None
    assert mark.commit != COMMIT
    assert mark.commit.digests == {**COMMIT.digests, Part.POLICY: ""}


def test_who_wrote_a_mark_is_no_part_of_what_it_says() -> None:
    assert Commit(7, COMMIT.digests, "another0") == COMMIT


@pytest.mark.parametrize("tag", [STACK, COMPONENT, KEY])
def test_a_mark_does_not_verify_under_another_identity(tag: str) -> None:
    state = marked(MARKS.finished(ARN, OWNER, COMMIT))
    assert MARKS.verify(replace(state, tags={**state.tags, tag: "other"})).state is MarkState.FORGED


def test_a_mark_copied_to_another_secret_does_not_verify() -> None:
    state = marked(MARKS.finished(ARN, OWNER, COMMIT))
    copied = MARKS.verify(replace(state, arn=ARN[:-6] + "GhIjKl"))
    assert (copied.state, copied.owner) == (MarkState.FORGED, OWNER)
    provisional = marked(MARKS.provisional(ARN, OWNER, "0a1b2c3d"))
    assert MARKS.verify(replace(provisional, arn=ARN[:-6] + "GhIjKl")).state is MarkState.FORGED


def test_the_mark_of_creation_is_bound_to_the_name_and_the_time() -> None:
    at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    ours = replace(marked(MARKS.created("myapp/dev/api/api-key", OWNER, "0a1b2c3d", at)), created_at=at)
    mark = MARKS.verify(ours)
    assert (mark.state, mark.run, mark.creation) == (MarkState.UNFINISHED, "0a1b2c3d", True)
    assert MARKS.verify(replace(ours, name="myapp/dev/api/other")).state is MarkState.FORGED
    for seconds in (-900, 900):
        assert MARKS.verify(replace(ours, created_at=at + timedelta(seconds=seconds))).state is MarkState.UNFINISHED
    for seconds in (-901, 901):
        assert MARKS.verify(replace(ours, created_at=at + timedelta(seconds=seconds))).state is MarkState.FORGED
    assert MARKS.verify(replace(ours, created_at=None)).state is MarkState.FORGED


def test_words_make_one_tag_whatever_their_order() -> None:
    one, other = "eu-west-1", "us-east-1"
    assert MARKS.words(REPLICAS, ARN, [one, other]) == MARKS.words(REPLICAS, ARN, [other, one])


def test_words_are_believed_only_with_their_proof() -> None:
    tag = MARKS.words(REPLICAS, ARN, {"us-east-1", "eu-west-1"})
    assert MARKS.read_words(secret(**{REPLICAS: tag}), REPLICAS) == {"us-east-1", "eu-west-1"}
    assert MARKS.read_words(secret(**{REPLICAS: "us-east-1"}), REPLICAS) == frozenset()
    assert MARKS.read_words(secret(**{REPLICAS: tag.replace("us-east-1", "us-east-2")}), REPLICAS) == frozenset()
    assert MARKS.read_words(replace(secret(**{REPLICAS: tag}), arn=ARN[:-6] + "GhIjKl"), REPLICAS) == frozenset()
    ours = OWNER.tags() | {SPEC: MARKS.provisional(ARN, OWNER, "0a1b2c3d")}
    assert not MARKS.keeps(secret(**ours, **{KEPT: "policy"}), Part.POLICY)
    assert MARKS.keeps(secret(**ours, **{KEPT: MARKS.words(KEPT, ARN, ["policy"])}), Part.POLICY)
    assert MARKS.keeps(secret(**{KEPT: ""}), Part.POLICY)  # nobody's yet: all that it has is somebody else's


def test_a_digest_cannot_be_replaced_under_its_mac() -> None:
    _, _, mac = MARKS.finished(ARN, OWNER, COMMIT).partition(".")
    assert MARKS.verify(marked(f"another.{mac}")).state is MarkState.FORGED


def test_another_key_does_not_verify_our_marks() -> None:
    other = Marks(Fingerprinter(b"x" * 32))
    assert other.verify(marked(MARKS.finished(ARN, OWNER, COMMIT))).state is MarkState.FORGED


def test_without_a_key_nothing_verifies() -> None:
    assert Marks(None).verify(marked(MARKS.finished(ARN, OWNER, COMMIT))).state is MarkState.FORGED


def test_without_a_key_no_mark_can_be_written() -> None:
    with pytest.raises(SpecError, match="nothing was applied in this account yet"):
        Marks(None).provisional(ARN, OWNER, "0a1b2c3d")


def test_tags_without_a_mark_are_forged() -> None:
    mark = MARKS.verify(secret(**OWNER.tags()))
    assert (mark.state, mark.owner) == (MarkState.FORGED, OWNER)


@pytest.mark.parametrize("text", ["a" * 32, "30-a-b", "x-1-2-3-4-5-6-run"])
def test_a_mark_of_another_layout_is_ours_and_vouches_for_nothing(text: str) -> None:
    mark = MARKS.verify(marked(MARKS.finished(ARN, OWNER, cast("Commit", text))))
    assert (mark.state, mark.ours, mark.commit) == (MarkState.FINISHED, True, None)


def test_proofs_that_an_earlier_run_wrote_into_tags_are_believed_by_every_later_version() -> None:
    written = secret(
        **{VALUE_VERSION: "11111111.c2a2351fc8ba7947ce354b5673c63450", REPLICAS: "us-east-1.5feefbda4e3a6fb3"}
    )
    assert MARKS.written_versions(written) == ("11111111",)
    assert MARKS.read_words(written, REPLICAS) == {"us-east-1"}


@pytest.mark.parametrize("text", ["", "ä.ö", "new.ä", "x.", ".x"])
def test_whatever_stands_in_a_mark_is_no_error(text: str) -> None:
    assert MARKS.verify(marked(text)).state is MarkState.FORGED


def test_a_noted_version_is_ours_for_this_secret_alone() -> None:
    one, other = "a" * 64, "b" * 64
    noted = secret(**{VALUE_VERSION: MARKS.version("myapp/dev/api/api-key", one)})
    assert MARKS.written_versions(noted) == (one,)
    assert not MARKS.written_versions(replace(noted, name="other"))
    assert not MARKS.written_versions(secret(**{VALUE_VERSION: one}))
    assert not MARKS.written_versions(secret(**{VALUE_VERSION: f"{other}.{noted.tags[VALUE_VERSION][65:]}"}))
    assert not MARKS.written_versions(secret())
    assert not Marks(None).written_versions(noted)
    assert MARKS.wrote(noted, one)
    assert not MARKS.wrote(noted, other)
    assert not MARKS.wrote(noted, None)


def test_while_a_version_is_written_both_it_and_the_one_before_are_ours_each_by_its_own_proof() -> None:
    one, other = "a" * 64, "b" * 64
    text = MARKS.versions("myapp/dev/api/api-key", one, other)
    assert len(text) <= TAG_VALUE_LENGTH
    assert MARKS.written_versions(secret(**{VALUE_VERSION: text})) == (one, other)
    assert MARKS.written_versions(secret(**{VALUE_VERSION: text[:-1]})) == (one,)


def test_the_room_for_tags_is_counted_with_every_tag_that_is_written_on_a_secret() -> None:
    names = {value for value in vars(tag_keys).values() if isinstance(value, str) and value.startswith(tag_keys.PREFIX)}
    assert names - {tag_keys.PREFIX} == set(OWN_TAGS)
