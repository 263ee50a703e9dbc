"""Plans as Markdown: read back with a Markdown parser of others."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from secrets_pipeline.cli.plan.markdown import MOST_CHARACTERS, MOST_ROWS, plans_markdown
from secrets_pipeline.cli.plan.view import StackPlan
from secrets_pipeline.cli.shared.markdown import block, code, table, text
from secrets_pipeline.emulator import LocalAws
from secrets_pipeline.engine.model import Change, ChangeClass, Resource
from secrets_pipeline.engine.reason import Because
from secrets_pipeline.errors import visible
from tests.cli.conftest import CANARY, Cli
from tests.runs import assert_exited

GFM = MarkdownIt("commonmark").enable("table")
ACCOUNT = "111122223333"


def change(
    name: str,
    action: ChangeClass = ChangeClass.CREATE,
    *reasons: str,
    remedy: str = "",
    kind: str = "secret",
    drift: bool = False,
) -> Change:
    return Change(Resource(kind, name), action, tuple(Because(one, remedy) for one in reasons), drift=drift)


def plan(*changes: Change, stack: str = "shop-dev") -> StackPlan:
    return StackPlan({"secrets": changes}, stack, ACCOUNT, "eu-west-2")


def markdown(
    *plans: StackPlan, errors: dict[str, list[str]] | None = None, unchanged: bool = False, deep: bool = True
) -> str:
    return plans_markdown(plans, errors or {}, unchanged=unchanged, deep=deep)


def read_tables(source: str) -> list[list[list[str]]]:
    """The text of each cell of each table, as a browser would show it."""
    found: list[list[list[str]]] = []
    for token in GFM.parse(source):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type == "inline" and found and token.level > 2 and found[-1]:
            kinds = {child.type for child in token.children or ()}
            assert kinds <= {"text", "text_special", "code_inline"}, kinds
            found[-1][-1].append("".join(child.content for child in token.children or ()))
    return found


def test_a_plan_has_a_heading_counts_and_its_changes_by_class() -> None:
    source = markdown(
        plan(
            change("z", ChangeClass.ORPHAN, "is not in the stack any more: `apply --prune` deletes it"),
            change("b/c", ChangeClass.UPDATE, "kms key differs: alias/a → alias/b"),
            change("a", ChangeClass.NONE),
            change("b/a", ChangeClass.CREATE),
            change("b/b", ChangeClass.UPDATE, "changed outside: tag Team is missing", drift=True),
        )
    )
    assert source.startswith(
        "### `shop-dev` · 111122223333 · eu-west-2\n\n"
        "**1 create, 2 update, 1 orphan, 1 none** · ⚠️ 1 changed outside\n\n| action | kind | name | reason |\n"
    )
    assert read_tables(source) == [
        [
            ["action", "kind", "name", "reason"],
            ["create", "secret", "b/a", ""],
            ["update", "secret", "b/c", "kms key differs: alias/a → alias/b"],
            ["update ⚠️ drift", "secret", "b/b", "changed outside: tag Team is missing"],
            ["orphan", "secret", "z", "is not in the stack any more: `apply --prune` deletes it"],
        ]
    ]


def test_blocked_changes_stand_apart_with_what_unblocks_them() -> None:
    source = markdown(
        plan(
            change("a"),
            change("b", ChangeClass.BLOCKED, "exists without our tags", remedy="`apply --adopt` takes it over"),
            change("b", ChangeClass.BLOCKED, "the secret is not ours", kind="rotation"),
        )
    )
    changes, blocked = read_tables(source)
    assert [row[2] for row in changes[1:]] == ["a"]
    assert blocked == [
        ["kind", "name", "reason", "what unblocks it"],
        ["secret", "b", "exists without our tags", "`apply --adopt` takes it over"],
        ["rotation", "b", "the secret is not ours", "unblock the secret of that name"],
    ]


def test_a_plan_with_nothing_to_do_says_so() -> None:
    assert "**2 none**\n\nNothing to do." in markdown(plan(*[change("a", ChangeClass.NONE)] * 2))
    assert read_tables(markdown(plan(change("a", ChangeClass.NONE)), unchanged=True))[0][1][0] == "none"


@pytest.mark.parametrize(("rows", "folded"), [(20, False), (21, True)])
def test_many_rows_are_folded_away(rows: int, folded: bool) -> None:
    source = markdown(plan(*(change(f"s{number}") for number in range(rows))))
    assert ("<details>\n<summary>21 changes</summary>\n\n| action" in source) is folded
    assert len(read_tables(source)[0]) == rows + 1


def test_errors_are_told_as_they_stand_by_stack() -> None:
    text_of = "stacks/a.yaml:3: wrong | <b>\n  Write `x`.\n```"
    source = markdown(errors={"shop-b": [text_of], "": ["of no stack"], "shop-a": ["x"]})
    fences = [token.content for token in GFM.parse(source) if token.type == "fence"]
    assert fences == ["of no stack\n", "x\n", f"{text_of}\n"]
    assert source.index("`shop-a`") < source.index("`shop-b`")


def test_what_was_not_read_is_said_unless_it_was() -> None:
    assert "are seen with `--deep`" in markdown(plan(), deep=False)
    assert "--deep" not in markdown(plan(), deep=True)


def test_a_comment_has_room_for_it_whatever_the_number_of_changes_and_stacks() -> None:
    reason = "kms key differs: " + "x" * 100
    many = [
        plan(*(change(f"s{n}", ChangeClass.UPDATE, reason) for n in range(1000)), stack=f"stack-{k}") for k in range(9)
    ]
    source = markdown(*many, plan(change("last"), stack="small"), errors={"x": ["e"]})
    assert len(source) <= MOST_CHARACTERS + 200
    assert f"… and {1000 - MOST_ROWS} more" in source
    assert all(f"### `stack-{k}` · 111122223333 · eu-west-2\n\n**1000 update**" in source for k in range(9))
    assert "… is too long for a comment" in source
    assert "| create | secret | `last` |  |" in source
    assert "### Errors" in source


@pytest.mark.parametrize(("stacks", "longest"), [(1, 50_000), (2000, 2000)])
@pytest.mark.parametrize("errors", [[], ["e" * 70_000], ["e" * 1000] * 200])
def test_no_number_of_stacks_and_errors_is_more_than_a_comment_holds(
    stacks: int, longest: int, errors: list[str]
) -> None:
    many = [plan(change("s", ChangeClass.UPDATE, "r" * longest), stack=f"stack-{k:04}") for k in range(stacks)]
    source = markdown(*many, errors={"x": errors} if errors else {})
    assert len(source) <= 65_536
    shown = source.count("### `stack-")
    assert shown >= min(stacks, 100)
    assert (f"… and {stacks - shown} more stacks" in source) == (shown < stacks)
    told = source.count("e" * 1000 + "\n")
    assert (f"… and {len(errors) - told} more errors" in source) == (told < len(errors))


def test_the_same_plan_is_the_same_text() -> None:
    changes = [change("a"), change("b", ChangeClass.UPDATE, "x"), change("c", ChangeClass.BLOCKED, "y", remedy="z")]
    assert markdown(plan(*changes)) == markdown(plan(*changes))
    assert markdown(plan(*changes)) == markdown(plan(*sorted(changes, key=lambda one: one.action.value)))


words = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp", "Cs")), min_size=1, max_size=30)
nasty = st.text("ab|`*_<>&[]()!#$\\~@: -+.=/\"'0", min_size=1, max_size=30)


@given(name=words | nasty, reason=words | nasty)
@example(name="<img src=x onerror=alert(1)>", reason="</td><script>alert(1)</script>")
@example(name="a`|`b", reason="`a` | **b** [x](http://y) ![z](q) $x$ :smile:")
@example(name="a\\|b", reason="--- | ---")
@example(name=" ", reason="  a  b ")
@example(name="1. x", reason="# h")
@example(name="x #12", reason="fixes #12 :tada: by @all: yes")
def test_no_name_and_no_reason_is_ever_markup(name: str, reason: str) -> None:
    rows = [[code(name), text(reason)], ["x", "y"]]
    assert read_tables(table(("a", "b"), rows)) == [
        [["a", "b"], [shown(name, is_name=True), shown(reason)], ["x", "y"]],
    ]


def shown(words: str, *, is_name: bool = False) -> str:
    """As a browser shows it: blanks in a row are one, what shows nothing is escaped, mentions are taken apart."""
    alone = visible(re.sub(r"\s+", " ", words).strip())
    return alone if is_name and re.fullmatch(r"[A-Za-z0-9/_+=.:,# -]+", alone) else linked(alone)


def linked(words: str) -> str:
    return re.sub(r"@|#(?=[0-9])", lambda found: f"{found[0]}\u200b", words)


@given(words | nasty)
def test_no_html_and_no_mention_survives(name: str) -> None:
    rendered = GFM.render(f"in a line: {code(name)} {text(name)}")
    assert set(re.findall(r"<[^>]*>", rendered)) <= {"<p>", "</p>", "<code>", "</code>"}
    assert not re.search(r"@\w", html.unescape(rendered))


def test_an_emoji_and_the_number_of_an_issue_stay_words() -> None:
    assert text("a: b :tada: #12 # 1") == "a: b &#58;tada: &#35;&#8203;12 &#35; 1"


@given(st.lists(nasty, max_size=4))
def test_a_block_ends_where_its_text_does(lines: Sequence[str]) -> None:
    whole = "\n".join(lines)
    tokens = GFM.parse(f"{block(whole)}\n\nafter")
    assert [token.type for token in tokens if token.level == 0] == ["fence", "paragraph_open", "paragraph_close"]


def test_the_command_prints_markdown_alone_without_a_value(cli: Cli, half_broken: Path, aws: LocalAws) -> None:
    result = cli("plan", "--base-path", half_broken, "--format", "markdown")
    assert_exited(result, 1)
    assert result.stdout.startswith("### `shop-dev` · 111122223333 · eu-west-2\n\n**7 create**")
    assert "`shop/dev/api/token`" in result.stdout
    assert "### Errors\n\n**`shop-broken`**" in result.stdout
    assert "are seen with `--deep`" in result.stdout
    assert CANARY not in result.stdout
    assert cli("plan", "--base-path", half_broken, "--format", "markdown").stdout == result.stdout


def test_what_is_declared_can_be_printed_as_markdown_without_aws(cli: Cli, repository: Path) -> None:
    result = cli("plan", "--base-path", repository, "--offline", "--format", "markdown")
    assert_exited(result)
    names = [row[1] for row in read_tables(result.stdout)[0][1:]]
    assert {"shop/dev/api/token", "shop/dev/api/config"} <= set(names)
    assert "nothing was compared with AWS" in result.stdout
    assert CANARY not in result.stdout
