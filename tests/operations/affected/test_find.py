"""Which stacks differ from those of another commit once they are resolved; what nobody can tell is affected."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from secrets_pipeline.errors import StackError
from secrets_pipeline.operations.affected.find import find_affected
from secrets_pipeline.operations.affected.model import Affected
from secrets_pipeline.operations.open_repository import CONFIG_VARIABLE, open_repository
from tests.gits import committed, git
from tests.strategies.small_repositories import write

ATMOS = """
base_path: "."
stacks: {base_path: stacks, included_paths: ["*"], excluded_paths: ["catalog/*"], name_template: "{{ .vars.stage }}"}
components: {terraform: {base_path: components/terraform}}
"""
CATALOG = """
components:
  terraform:
    secretsmanager/app:
      vars:
        context_name: shop
        region: eu-west-1
        secrets:
          token: {generate_random_password: true}
          pin: {secret_data: "canary-1"}
"""
ALONE = CATALOG.replace("secretsmanager/app", "secretsmanager/alone")
SETTINGS = """
targets: [{stacks: "*", account_id: "111122223333"}]
grants: [{stacks: "*", preset: single-team}]
"""


def manifest(stage: str, *, inherits: bool = True, more: str = "") -> str:
    head = "import: [catalog/app]\n" if inherits else ""
    own = "" if inherits else ALONE
    return f"{head}vars: {{stage: shop-{stage}, environment: {stage}}}\n{own}{more}"


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`shop-dev` and `shop-prod` inherit from a catalog, `shop-lab` does not; a branch is checked out."""
    folder = write(
        {
            "operator.yaml": SETTINGS,
            "infra/atmos.yaml": ATMOS,
            "infra/stacks/catalog/app.yaml": CATALOG,
            "infra/stacks/dev.yaml": manifest("dev"),
            "infra/stacks/prod.yaml": manifest("prod"),
            "infra/stacks/lab.yaml": manifest("lab", inherits=False),
            "infra/components/terraform/vpc/main.tf": "# nothing",
        },
        tmp_path / "clone",
    )
    committed(folder)
    git(folder, "checkout", "-q", "-b", "topic")
    monkeypatch.setenv(CONFIG_VARIABLE, str(folder / "operator.yaml"))
    return folder


def affected(clone: Path, base: str = "main") -> Affected:
    return find_affected(open_repository(clone / "infra"), base)


def reasons(clone: Path, base: str = "main") -> Mapping[str, list[str]]:
    return said(affected(clone, base))


def said(found: Affected) -> Mapping[str, list[str]]:
    return {stack: [str(one) for one in why] for stack, why in found.stacks.items()}


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_catalog_affects_the_stacks_that_inherit_it_committed_or_not(clone: Path) -> None:
    edit(clone / "infra/stacks/catalog/app.yaml", "token: {", "token: {description: for the shop, ")
    edit(clone / "infra/stacks/catalog/app.yaml", "canary-1", "canary-2")
    why = [
        "secretsmanager/app vars.secrets.token.description is new",
        "secretsmanager/app vars.secrets.pin.secret_data differs",
    ]
    expected = {"shop-dev": why, "shop-prod": why}
    assert reasons(clone) == expected
    committed(clone)
    assert reasons(clone) == expected
    assert "canary" not in repr(affected(clone))


def test_comments_order_terraform_code_and_other_components_affect_nothing(clone: Path) -> None:
    edit(clone / "infra/stacks/catalog/app.yaml", "      vars:", "      # why\n\n      vars:")
    edit(clone / "infra/stacks/dev.yaml", "stage: shop-dev, environment: dev", "environment: dev, stage: shop-dev")
    edit(clone / "infra/stacks/prod.yaml", "\n", "\n# prod\n")
    write(
        {
            "infra/components/terraform/vpc/main.tf": "# another",
            "infra/stacks/lab.yaml": (clone / "infra/stacks/lab.yaml").read_text()
            + "    vpc: {vars: {cidr: 10.0.0.0/8}}\n",
        },
        clone,
    )
    found = affected(clone)
    assert (found.stacks, found.gone, found.unreadable, found.compared) == ({}, (), (), 3)


def test_a_renamed_stack_is_new_and_its_old_name_is_gone(clone: Path) -> None:
    edit(clone / "infra/stacks/prod.yaml", "shop-prod", "shop-live")
    found = affected(clone)
    assert said(found) == {"shop-live": ["the stack is new"]}
    assert found.gone == ("shop-prod",)


def test_components_that_come_and_go_are_named(clone: Path) -> None:
    edit(clone / "infra/stacks/lab.yaml", "secretsmanager/alone", "secretsmanager/other")
    assert reasons(clone) == {"shop-lab": ["secretsmanager/alone left", "secretsmanager/other is new"]}


def test_a_stack_that_declares_nothing_any_more_is_gone(clone: Path) -> None:
    edit(clone / "infra/stacks/lab.yaml", "secretsmanager/alone", "vpc")
    assert (affected(clone).stacks, affected(clone).gone) == ({}, ("shop-lab",))


def test_secrets_that_atmos_declares_are_compared_as_well(clone: Path) -> None:
    stores = "stores: {asm: {kind: aws/asm, secret: true, options: {region: eu-west-1, prefix: shop}}}\n"
    edit(clone / "infra/atmos.yaml", "components: {", f"{stores}components: {{")
    declared = "    vpc/logs: {secrets: {vars: {API_KEY: {store: asm}}}}\n"
    (clone / "infra/stacks/net.yaml").write_text(
        f"vars: {{stage: shop-net, region: eu-west-1}}\ncomponents:\n  terraform:\n{declared}"
    )
    committed(clone)
    git(clone, "branch", "-f", "main")
    assert reasons(clone) == {}
    edit(clone / "infra/stacks/net.yaml", "API_KEY: {store: asm}", "API_KEY: {store: asm}, OTHER: {store: asm}")
    assert reasons(clone) == {"shop-net": ["vpc/logs/secrets vars.secrets.OTHER is new"]}
    edit(clone / "infra/atmos.yaml", "prefix: shop", "prefix: other")
    git(clone, "checkout", "-q", "infra/stacks")
    assert list(reasons(clone)) == ["shop-net"]


def test_a_number_is_no_flag(clone: Path) -> None:
    edit(clone / "infra/stacks/lab.yaml", "        secrets:", "        extra: 1\n        secrets:")
    committed(clone)
    git(clone, "branch", "other")
    edit(clone / "infra/stacks/lab.yaml", "extra: 1", "extra: true")
    assert reasons(clone, "other") == {"shop-lab": ["secretsmanager/alone vars.extra differs"]}


def test_files_that_values_read_count_and_those_that_nothing_reads_do_not(clone: Path) -> None:
    more = """
          key: {secret_data: "${file:files/key.pem}"}
          page: {secret_data: !include files/page.txt}
"""
    (clone / "infra/stacks/lab.yaml").write_text(manifest("lab", inherits=False, more=more))
    files = {f"infra/files/{name}": "canary-1" for name in ("key.pem", "page.txt", "readme.txt")}
    write(files, clone)
    committed(clone)
    git(clone, "branch", "other")
    write(dict.fromkeys(files, "canary-2"), clone)
    why = ["secretsmanager/alone vars.secrets.page.secret_data differs"]
    why.append("file files/key.pem, which secretsmanager/alone reads, differs")
    assert reasons(clone, "other") == {"shop-lab": why}


@pytest.mark.parametrize("through", ["folder", "file"])
def test_a_link_that_leads_elsewhere_counts(clone: Path, through: str) -> None:
    """Both files are there before and after, each as it was: only the link differs."""
    write({"infra/files/one/pin": "canary-1", "infra/files/two/pin": "canary-2"}, clone)
    link = clone / "infra" / ("link" if through == "folder" else "pin")
    end = "" if through == "folder" else "/pin"
    link.symlink_to(f"files/one{end}")
    named = "link/pin" if through == "folder" else "pin"
    edit(clone / "infra/stacks/catalog/app.yaml", '"canary-1"', f'"${{file:{named}}}"')
    committed(clone)
    git(clone, "branch", "-f", "main")
    assert reasons(clone) == {}
    link.unlink()
    link.symlink_to(f"files/two{end}")
    committed(clone)
    why = ["file files/two/pin, which secretsmanager/app reads, differs"]
    assert reasons(clone) == {"shop-dev": why, "shop-prod": why}
    edit(clone / "infra/stacks/catalog/app.yaml", f"file:{named}", "file:files/one/pin")
    assert reasons(clone)["shop-dev"] == ["secretsmanager/app vars.secrets.pin.secret_data differs"]


def test_a_secret_whose_name_begins_the_name_of_another_hides_no_file(clone: Path) -> None:
    write({"infra/files/one/pin": "canary-1", "infra/files/two/pin": "canary-2"}, clone)
    (clone / "infra/link").symlink_to("files/one")
    edit(clone / "infra/stacks/catalog/app.yaml", '"canary-1"', '"${file:link/pin}"')
    committed(clone)
    git(clone, "branch", "-f", "main")
    (clone / "infra/link").unlink()
    (clone / "infra/link").symlink_to("files/two")
    edit(clone / "infra/stacks/catalog/app.yaml", "          pin:", "          pi: {secret_data: x}\n          pin:")
    assert reasons(clone)["shop-dev"] == [
        "secretsmanager/app vars.secrets.pi is new",
        "file files/two/pin, which secretsmanager/app reads, differs",
    ]


def test_where_a_stack_lives_is_the_operators_to_change(clone: Path) -> None:
    edit(clone / "operator.yaml", "targets: [", 'targets: [{stacks: "*-prod", account_id: "222233334444"}, ')
    assert reasons(clone) == {"shop-prod": ["what it asks for, target.account_id, differs"]}
    edit(clone / "operator.yaml", "targets:", "permissions_boundary: narrow\ntargets:")
    assert set(reasons(clone)) == {"shop-dev", "shop-lab", "shop-prod"}
    assert "operator's setting permissions_boundary differs" in reasons(clone)["shop-dev"]


@pytest.mark.parametrize("tracked", [True, False])
def test_settings_that_the_commit_has_not(clone: Path, monkeypatch: pytest.MonkeyPatch, *, tracked: bool) -> None:
    write({"new.yaml": SETTINGS.replace("111122223333", "222233334444")}, clone)
    if tracked:
        committed(clone)
    monkeypatch.setenv(CONFIG_VARIABLE, str(clone / "new.yaml"))
    expected = {"shop-dev", "shop-lab", "shop-prod"} if tracked else set()
    assert set(reasons(clone)) == expected


def test_a_stack_with_errors_at_the_base_is_affected_and_hides_nothing(clone: Path) -> None:
    right = manifest("lab", inherits=False)
    (clone / "infra/stacks/lab.yaml").write_text(right.replace("generate_random_password: true", "wrong: 1"))
    committed(clone)
    git(clone, "branch", "broken")
    (clone / "infra/stacks/lab.yaml").write_text(right)
    assert reasons(clone, "broken") == {"shop-lab": ["the stack had errors there, so that nobody can compare it"]}


def test_a_manifest_that_could_not_be_read_at_the_base_is_said(clone: Path) -> None:
    (clone / "infra/stacks/lab.yaml").write_text("vars: [")
    committed(clone)
    git(clone, "branch", "broken")
    (clone / "infra/stacks/lab.yaml").write_text(manifest("lab", inherits=False))
    found = affected(clone, "broken")
    assert said(found) == {"shop-lab": ["the stack is new"]}
    assert "stacks/lab.yaml" in found.unreadable[0]


def test_a_repository_that_could_not_be_read_at_all_affects_everything(clone: Path) -> None:
    (clone / "infra/atmos.yaml").write_text("stacks: [")
    committed(clone)
    git(clone, "branch", "broken")
    (clone / "infra/atmos.yaml").write_text(ATMOS)
    found = affected(clone, "broken")
    assert set(found.stacks) == {"shop-dev", "shop-lab", "shop-prod"}
    assert "atmos.yaml" in found.unreadable[0]


def test_an_error_now_is_affected_and_no_stack_counts_as_gone_while_a_manifest_cannot_be_read(clone: Path) -> None:
    edit(clone / "infra/stacks/lab.yaml", "generate_random_password: true", "wrong: 1")
    (clone / "infra/stacks/prod.yaml").write_text("vars: [")
    found = affected(clone)
    assert said(found) == {"shop-lab": ["the stack has errors"]}
    assert found.gone == ()


def test_what_a_base_may_be_called(clone: Path, tmp_path: Path) -> None:
    first = git(clone, "rev-parse", "main")
    git(clone, "tag", "-a", "v1", "-m", "one", "main")
    edit(clone / "infra/stacks/lab.yaml", "pin:", "code:")
    committed(clone)
    # What the other branch did since is not this one's.
    git(clone, "checkout", "-q", "main")
    edit(clone / "infra/stacks/dev.yaml", "vars:", "vars: &v")
    edit(clone / "infra/stacks/catalog/app.yaml", "canary-1", "canary-2")
    committed(clone)
    git(clone, "checkout", "-q", "topic")
    for name in ("main", "refs/heads/main", "v1", first, first[:10], "HEAD~1", "HEAD^", "topic~1^0", f"{first}~0"):
        found = affected(clone, name)
        assert (found.base, list(found.stacks)) == (first, ["shop-lab"])
    git(tmp_path, "clone", "-q", "--no-local", "-b", "topic", str(clone), str(tmp_path / "theirs"))
    theirs = open_repository(tmp_path / "theirs/infra")
    git(clone, "checkout", "-q", "topic")
    for name in ("main", "origin/main", "main~1", "origin/main^"):
        assert find_affected(theirs, name).base == first
    for name in ("HEAD~9", "HEAD^2", "mian~1", "HEAD:infra"):
        with pytest.raises(StackError, match=r"no commit, branch or tag of that name"):
            find_affected(theirs, name)
    git(tmp_path / "theirs", "remote", "set-head", "origin", "main")
    assert find_affected(theirs, "origin/HEAD").base == first


def test_a_base_that_is_not_there_is_one_error_with_the_cure(clone: Path, tmp_path: Path) -> None:
    with pytest.raises(
        StackError,
        match=r"the base mian cannot be compared with: the clone has no commit, branch or tag of that name\n.*--base",
    ):
        affected(clone, "mian")
    edit(clone / "infra/stacks/lab.yaml", "pin:", "code:")
    committed(clone)
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{clone}", str(tmp_path / "shallow"))
    shallow = open_repository(tmp_path / "shallow/infra")
    for name in ("main", "origin/main", git(clone, "rev-parse", "main")):
        with pytest.raises(StackError, match="fetch-depth: 0"):
            find_affected(shallow, name)
    git(tmp_path / "shallow", "fetch", "-q", "--depth", "1", "origin", "main:main")
    with pytest.raises(StackError, match=r"no common ancestor.*fetch-depth: 0"):
        find_affected(shallow, "main")
    bare = write(
        {name: (clone / name).read_text() for name in ("infra/atmos.yaml", "infra/stacks/lab.yaml")}, tmp_path / "bare"
    )
    with pytest.raises(StackError, match="in no clone of git"):
        find_affected(open_repository(bare / "infra"), "main")


def test_nothing_is_left_behind(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    affected(clone)
    assert list((tmp_path / "temporary").iterdir()) == []
    assert git(clone, "status", "--porcelain") == ""
