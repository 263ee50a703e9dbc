"""The record of declared tags names those tags, and no other."""

from secrets_pipeline.desired.tags import TAG_VALUE_LENGTH
from secrets_pipeline.reconcilers.marks.declared_tags import DeclaredTags
from secrets_pipeline.reconcilers.tag_keys import TAGS
from secrets_pipeline.values.fingerprint import Fingerprinter

DECLARED = DeclaredTags(Fingerprinter(b"k" * 32), "myapp/dev/api")


def test_a_resource_without_a_record_has_no_declared_tag() -> None:
    assert DECLARED.recorded(["Team"], {}) == []


def test_a_record_names_what_was_declared() -> None:
    record = DECLARED.record(["Team", "Cost"], {})
    assert DECLARED.recorded(["Team", "Cost", "Access"], record) == ["Team", "Cost"]


def test_what_a_record_said_before_stays_while_there_is_room() -> None:
    record = DECLARED.record(["Cost"], DECLARED.record(["Team"], {}))
    assert DECLARED.recorded(["Team", "Cost"], record) == ["Team", "Cost"]


def test_twenty_eight_tags_have_eight_digits_each_and_more_have_five() -> None:
    for count, digits in ((28, 8), (29, 5), (40, 5)):
        record = DECLARED.record([f"tag-{number}" for number in range(count)], {})[TAGS]
        assert len(record) <= TAG_VALUE_LENGTH
        assert {len(word) for word in record.split()} == {digits}


def test_without_a_fingerprint_key_nothing_is_recorded() -> None:
    assert DeclaredTags(None, "myapp/dev/api").record(["Team"], {}) == {}
