from benchmarks.mutation.covering import tests_of as covering_tests

COVERING = {
    "a.py": {
        1: ["tests/test_wide.py::test_all|run"],
        5: ["tests/test_a.py::test_one[x]|run", "tests/test_a.py::test_one[y]|run", "tests/test_wide.py::test_all|run"],
        6: ["tests/test_b.py::test_first|setup"],
    }
}


def test_each_test_that_runs_a_line_is_named_once_in_the_order_that_is_recorded() -> None:
    found = covering_tests(COVERING, "a.py", range(5, 6))
    assert found == ["tests/test_a.py::test_one", "tests/test_wide.py::test_all"]


def test_a_line_that_the_setup_of_a_test_runs_is_judged_by_its_whole_file_at_last() -> None:
    assert covering_tests(COVERING, "a.py", range(6, 7)) == ["tests/test_b.py::test_first", "tests/test_b.py"]


def test_a_line_that_runs_at_import_is_judged_by_every_test_of_the_module() -> None:
    found = covering_tests(COVERING, "a.py", range(2, 3))
    assert found == [
        "tests/test_wide.py::test_all",
        "tests/test_a.py::test_one",
        "tests/test_b.py::test_first",
        "tests/test_b.py",
    ]
