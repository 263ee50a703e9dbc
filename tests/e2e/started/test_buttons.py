"""What a user sees and presses in the UI: everything materialised, a reader denied by hand, runs that fail, a rotation.

Each fixture is something that happens, and builds on the one before.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

import boto3
import pytest
from playwright.sync_api import Page, expect

from secrets_pipeline import emulator
from secrets_pipeline.orchestration.checks import CHECKS
from secrets_pipeline.orchestration.provisioning.options import ASSETS
from tests.e2e.browser import NARROW, WIDE, chromium, look_at, tables_fit, texts, window
from tests.e2e.dagster_ui import launch, markdown, open_check, open_partition, re_execute, row_of_run, see_alert, status
from tests.e2e.deployment import STACKS, Deployment
from tests.e2e.test_canary import secrets_of

STACK, ROTATING, OTHER = "myapp-dev", "myapp-prod", "infra-shared"
FOLDER, INSIDE = "myapp/dev/", "api/api-key"
READER, DENIED, INTRUDER = f"{STACK}-worker", f"{FOLDER}{INSIDE}", "intruder"
ROTATED = "myapp/prod/database/credentials"
RED_CHECK = ("access_matrix", "consumers_can_read")
BY_VERIFY = ("credentials_log_in", "secret_values_well_formed", "probe_agrees")
"""Checks that no apply judges."""
RED, ORANGE, SVG = "#c1121f", "#e69f00", "{http://www.w3.org/2000/svg}"
VERSION = "2012-10-17"
_PLACES = """() => Object.fromEntries([...document.querySelectorAll('foreignObject')].map(one => {
  const {left, right, top, bottom} = one.getBoundingClientRect();
  return [one.textContent, {left, right, top, bottom}];
}))"""
_EDGES = """() => [...document.querySelectorAll('path[marker-end]')].map(one => {
  const end = length => one.getPointAtLength(length).matrixTransform(one.getScreenCTM());
  return [end(0), end(one.getTotalLength())].map(({x, y}) => [x, y]);
})"""


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the browser received, once its window is closed."""
    return tmp_path_factory.mktemp("browser") / "received.har"


@pytest.fixture(scope="module")
def page(deployment: Deployment, partitions: list[str], received: Path) -> Iterator[Page]:
    """The window of somebody who opens the UI for the first time."""
    assert sorted(partitions) == STACKS
    with chromium() as browser:
        yield window(browser, deployment.url, received)


@pytest.fixture(scope="module")
def by_hand(aws: emulator.LocalAws) -> boto3.Session:
    """Somebody else, who changes things in AWS."""
    keys = emulator.second_user_environment(aws)
    return boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=aws.region)


def put_policy(role: str, name: str, effect: str, resource: str, by_hand: boto3.Session) -> None:
    """Put an inline policy of one statement, both of that name; who might do all would be an administrator."""
    statement = {"Sid": name, "Effect": effect, "Action": ["secretsmanager:*", "kms:*"], "Resource": resource}
    document = json.dumps({"Version": VERSION, "Statement": [statement]})
    by_hand.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)


def cells(drawn: ET.Element, colour: str) -> list[str]:
    """What the cells of a colour are, by their titles: reader and secret."""
    found = [group for group in drawn.iter(f"{SVG}g") if group[1].attrib["fill"] == colour]
    return [(group[0].text or "").partition(":")[0] for group in found]


def every_value(boto: boto3.Session) -> dict[str, str]:
    """Every version of every secret that AWS still has."""
    client = boto.client("secretsmanager")
    return {
        f"{secret['Name']} {version['VersionId']}": client.get_secret_value(
            SecretId=secret["ARN"], VersionId=version["VersionId"]
        )["SecretString"]
        for secret in client.list_secrets(MaxResults=100)["SecretList"]
        for version in client.list_secret_version_ids(SecretId=secret["ARN"], IncludeDeprecated=True)["Versions"]
    }


def forms(value: str) -> Iterator[str]:
    """A value as it may stand in a text: as it is, in JSON, in a URL, and in base64 wherever that begins."""
    yield value
    yield json.dumps(value)[1:-1]
    yield quote(value, safe="")
    raw = value.encode()
    for before in range(3):
        # Without the characters that depend on what stands around it.
        yield base64.b64encode(bytes(before) + raw).decode()[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]


@pytest.fixture(scope="module")
def materialized(page: Page) -> None:
    launch(page, "All", "Launch backfill")


@pytest.fixture(scope="module")
def denied(page: Page, materialized: None, by_hand: boto3.Session) -> None:
    """A declared reader cannot read one secret any more, and somebody else can read all of them."""
    for stack in STACKS:
        row_of_run(page, "Backfill:", f"partition: {stack}")
    # An apply does not follow what it did itself.
    expect(page.get_by_text("on_rotation")).to_have_count(0)
    put_policy(READER, "Frozen", "Deny", f"arn:aws:secretsmanager:*:*:secret:{DENIED}-*", by_hand)
    trusted = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": VERSION, "Statement": [trusted]})
    by_hand.client("iam").create_role(RoleName=INTRUDER, AssumeRolePolicyDocument=trust)
    put_policy(INTRUDER, "Everything", "Allow", "*", by_hand)


@pytest.fixture(scope="module")
def rotated(page: Page, denied: None) -> None:
    page.goto("/jobs")
    page.get_by_role("link", name="rotate_secrets").click()
    page.get_by_role("tab", name="Launchpad").click()
    # The editor takes the focus when it has loaded, and closes a list that is open by then.
    expect(page.get_by_text("No errors")).to_be_visible()
    page.get_by_placeholder("Partition").click()
    page.get_by_text(ROTATING, exact=True).first.click()
    button = page.get_by_role("button", name="Launch Run")
    expect(page.get_by_text(ROTATED)).to_be_visible()
    expect(button).to_be_enabled()
    look_at(page, page.get_by_text(ROTATED), "launchpad")
    button.click()
    expect(status(page)).to_have_text("Success")


@pytest.fixture(scope="module")
def red(page: Page, denied: None) -> None:
    """The run that AWS's event of the change has asked for; it waits a minute for further events."""
    expect(row_of_run(page, "on_access_change")).to_contain_text("Success")


@pytest.fixture(scope="module")
def mended(page: Page, red: None, by_hand: boto3.Session) -> None:
    """The cause is gone, and the run that found it was executed again."""
    iam = by_hand.client("iam")
    iam.delete_role_policy(RoleName=READER, PolicyName="Frozen")
    iam.delete_role_policy(RoleName=INTRUDER, PolicyName="Everything")
    iam.delete_role(RoleName=INTRUDER)
    row_of_run(page, "on_access_change").get_by_role("link").first.click()
    re_execute(page)
    expect(status(page)).to_have_text("Success")


def test_the_graph_reads_from_the_left_to_the_right_at_its_default_zoom(page: Page) -> None:
    page.goto("/asset-groups")
    expect(page.locator("path[marker-end]")).to_have_count(8)
    places = page.evaluate(_PLACES)
    columns = [["declaration"], ["values"], ["databases"], ["access", "rotation"], ["delivery"]]
    for before, after in pairwise(columns):
        assert max(places[one]["right"] for one in before) < min(places[one]["left"] for one in after)
    assert all(one["left"] > 0 and one["right"] < WIDE for one in places.values())
    ends = [end for edge in page.evaluate(_EDGES) for end in edge]

    def touching(group: str) -> int:
        box = places[group]
        return sum(
            box["left"] - 10 < x < box["right"] + 10 and box["top"] - 10 < y < box["bottom"] + 10 for x, y in ends
        )

    assert {group for group in places if not touching(group)} == {"operations"}
    look_at(page, page.locator("path[marker-end]").first, "graph", height=600, anew=True)


@pytest.mark.usefixtures("materialized")
def test_materialize_all_ends_in_a_green_run_for_each_stack(page: Page) -> None:
    for stack in STACKS:
        expect(row_of_run(page, "Backfill:", f"partition: {stack}")).to_contain_text("Success")
    look_at(page, page.get_by_text("Launched by"))


# What AWS tells of a change of IAM is answered after a minute, so what comes next happens meanwhile.
@pytest.mark.usefixtures("denied")
def test_the_page_of_a_stack_lists_its_secrets(page: Page) -> None:
    open_partition(page, "stack_config", STACK)
    row = page.get_by_role("row").filter(has_text=INSIDE).last
    look_at(page, row, "inventory")
    said = f"{INSIDE} (api-key, generated): does not rotate; read by lambda/worker; key {STACK}"
    assert row.inner_text() == said
    expect(row.locator("xpath=preceding-sibling::tr").first).to_have_text(f"below {FOLDER}")


@pytest.mark.usefixtures("denied")
def test_the_tables_of_every_asset_and_of_every_check_are_not_cut_off(page: Page) -> None:
    for asset in (*ASSETS, "atmos_stack"):
        page.goto(f"/assets/{asset}")
        expect(page.get_by_text("summary", exact=True)).to_be_visible()
        tables_fit(page, WIDE, NARROW)
    for asset in ASSETS:
        open_partition(page, asset, STACK)
        tables_fit(page, WIDE, NARROW)
    for check in CHECKS:
        if check.name not in BY_VERIFY:
            page.goto(f"/assets/{check.stage}?view=checks&checkDetail={check.name}")
            expect(page.get_by_text("Latest execution")).to_be_visible()
            tables_fit(page)


@pytest.mark.usefixtures("materialized")
def test_the_search_of_the_catalog_finds_the_stack_of_a_secret_by_its_name(page: Page) -> None:
    page.goto("/assets")
    page.locator(".CodeMirror").click()
    page.keyboard.type("api-key")
    look_at(page, page.get_by_role("menuitem", name="secret/myapp.dev.api.api-key=myapp-dev"))
    expect(page.get_by_role("menuitem", name="secret/myapp.prod.api.api-key=myapp-prod")).to_be_visible()


@pytest.mark.usefixtures("rotated")
def test_a_rotation_launched_by_its_launchpad_is_followed_by_a_run_of_a_sensor(page: Page) -> None:
    row = row_of_run(page, "on_rotation", f"partition: {ROTATING}")
    expect(row).to_contain_text("Success")
    expect(row).to_contain_text("_sensor")


@pytest.mark.usefixtures("rotated")
def test_the_page_of_rotation_shows_ages_as_a_table_and_as_a_picture(page: Page) -> None:
    open_partition(page, "secret_rotation", ROTATING)
    # It rotates on Sundays; within three days of one, days are told in tenths.
    until_sunday = re.compile(r"░ (0 of [3-7]|0\.0 of [0-3]\.\d) days")
    inside = ROTATED.removeprefix("myapp/prod/")
    look_at(page, page.get_by_role("row").filter(has_text=inside).filter(has_text=until_sunday).last)
    tables_fit(page, WIDE, NARROW)
    look_at(page, markdown(page, "picture").get_by_role("img", name="Rotation ages"), "rotation-ages", height=600)


@pytest.mark.usefixtures("denied")
def test_a_run_that_fails_stays_red_from_its_failure_and_is_green_when_its_cause_is_gone(
    page: Page, by_hand: boto3.Session
) -> None:
    kms = by_hand.client("kms")
    key = kms.describe_key(KeyId="alias/secrets/infra/shared")["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=key)
    launch(page, OTHER, "Launch 1 run")
    row_of_run(page, f"partition: {OTHER}", "Failure").get_by_role("link").first.click()
    expect(status(page)).to_have_text("Failure")
    look_at(page, page.get_by_role("button", name="Re-execute"))
    re_execute(page, "From failure")
    expect(status(page)).to_have_text("Failure")
    kms.enable_key(KeyId=key)
    re_execute(page)
    expect(status(page)).to_have_text("Success")


@pytest.mark.usefixtures("red")
def test_a_check_is_red_with_a_sentence_the_deciding_statement_and_what_to_do(page: Page) -> None:
    open_check(page, *RED_CHECK, STACK)
    look_at(page, page.get_by_text("1 of 8 declared reads are denied; first: "))
    first = page.get_by_role("row").filter(has_text="wrong").last
    expect(first).to_contain_text(READER)
    expect(first).to_contain_text("statement Frozen")
    expect(first.locator("xpath=preceding-sibling::tr")).to_have_count(0)
    expect(page.get_by_text("8 declared reads, 1 of them denied, 4 that nobody declared")).to_be_visible()
    expect(markdown(page, "do next")).to_contain_text("secrets-pipeline access explain")


@pytest.mark.usefixtures("red")
def test_the_picture_of_a_red_check_is_red_where_it_hurts_and_has_a_row_for_an_intruder(page: Page) -> None:
    open_check(page, *RED_CHECK, STACK)
    image = markdown(page, "matrix").get_by_role("img", name="Who can read")
    look_at(page, image, "red-matrix", height=680)
    encoded = (image.get_attribute("src") or "").partition("base64,")[2]
    drawn = ET.fromstring(base64.b64decode(encoded))  # noqa: S314 - our own
    assert cells(drawn, RED) == [f"role {READER} of 111122223333 → {DENIED}"]
    assert [cell.partition(" → ")[0] for cell in cells(drawn, ORANGE)] == [f"role {INTRUDER} of 111122223333"] * 4


@pytest.mark.usefixtures("red")
def test_an_alert_names_the_stack_and_the_check_that_is_red(page: Page) -> None:
    see_alert(page, STACK, f"{STACK}: consumers_can_read is red")
    look_at(page, page.get_by_text("check-red", exact=True))


@pytest.mark.usefixtures("mended")
def test_the_run_that_found_it_executed_again_makes_the_check_green_and_an_alert_says_so(page: Page) -> None:
    open_check(page, *RED_CHECK, STACK)
    expect(page.get_by_text("Passed (3)")).to_be_visible()
    look_at(page, page.get_by_text("8 as it should be"))
    page.get_by_role("tab", name="Overview").nth(1).click()
    expect(page.get_by_text("Latest execution")).to_be_visible()
    tables_fit(page)
    see_alert(page, STACK, f"{STACK}: consumers_can_read is not red any longer")


@pytest.mark.usefixtures("mended")
def test_the_browser_received_no_value_of_a_secret(page: Page, received: Path, boto: boto3.Session) -> None:
    page.context.close()
    found = texts(received)
    whole = "\n".join(found)
    # What is searched is what was shown, by the answers and by the live log of runs.
    assert all(said in whole for said in (DENIED, "statement Frozen", "createSecret is done", "RUN_SUCCESS"))
    values = secrets_of(every_value(boto))
    assert len(values) > 10
    assert [form for value in values for form in forms(value.decode()) if form in whole] == []
