import dagster as dg
import pytest

from secrets_pipeline.errors import SpecError
from secrets_pipeline.orchestration.shared.partitions import check_key
from secrets_pipeline.orchestration.shared.stage_runner import table_of


@pytest.mark.parametrize("stack", ["", "a/b", "..", "a\nb", "a\\b"])
def test_a_stack_name_that_could_leave_its_folder_is_refused(stack: str) -> None:
    with pytest.raises(SpecError, match="partition key"):
        check_key(stack)


def test_a_table_has_a_column_for_each_of_its_first_row_and_its_cells_as_they_are() -> None:
    table = table_of([{"name": "a|b", "detail": "one\ntwo"}, {"name": "c"}])
    assert isinstance(table, dg.TableMetadataValue)
    assert [column.name for column in table.schema.columns] == ["name", "detail"]
    assert [record.data for record in table.records] == [
        {"name": "a|b", "detail": "one\ntwo"},
        {"name": "c", "detail": ""},
    ]


def test_an_empty_table_says_so() -> None:
    assert table_of([]).value == "Nothing is declared here."
