import dagster as dg
import pytest

from secrets_pipeline.errors import SpecError
from secrets_pipeline.orchestration.pages.metadata import table_of, telling
from secrets_pipeline.orchestration.shared.partitions import check_key


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


def test_a_long_table_keeps_what_is_most_telling_and_says_how_much_it_leaves_out() -> None:
    rows = [{"name": str(number), "outcome": "unchanged"} for number in range(200)]
    rows[150]["outcome"] = "applied"
    rows[199]["outcome"] = "failed"
    table = table_of(rows, telling)
    assert isinstance(table, dg.TableMetadataValue)
    shown = [record.data for record in table.records]
    assert [one["name"] for one in shown] == ["199", "150", *map(str, range(98)), "… 100 more"]
    in_order = table_of(rows)
    assert isinstance(in_order, dg.TableMetadataValue)
    assert [record.data["name"] for record in in_order.records] == [*map(str, range(100)), "… 100 more"]


def test_an_empty_table_says_so() -> None:
    assert table_of([]).value == "Nothing is declared here."
