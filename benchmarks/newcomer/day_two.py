"""Tasks of the day after the first apply, each on a shop of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from benchmarks.newcomer.shop import OPERATOR, SECOND_REGION, SHOP, shop_with
from benchmarks.newcomer.team import Row, Team
from tests.operations.migration.terraform_state import TerraformSecret, instances, state_file

SETTINGS: Final = ("--config", "operator.yaml")
DEV: Final = ("-s", "shop-dev", *SETTINGS)
ASKED: Final = ("--detailed-exitcode",)
STACK: Final = "stacks/dev.yaml"
KEY: Final = "secret shop/dev/api/api-key@eu-west-2"
URL: Final = "secret shop/dev/api/url@eu-west-2"
PUBLISHED: Final = "parameter /secrets-pipeline/*"
FIRST: Final = 'first: {type: app, role_arn: "arn:aws:iam::111122223333:role/first", secrets: [api-key]}'
SECOND: Final = 'second: {type: app, role_arn: "arn:aws:iam::444455556666:role/second", secrets: [api-key]}'
PLAIN: Final = "{path: api, generate_random_password: true}"
TERRAFORMS_VALUE: Final = "value-that-terraform-made-8812"


def with_role(team: Team, name: str) -> None:
    """Make a role that may read the key of the shop by its identity."""
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole"}
    resource = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:shop/dev/api/api-key-??????"
    reads = {
        "Effect": "Allow",
        "Action": ["secretsmanager:GetSecretValue", "kms:Decrypt"],
        "Resource": [resource, "arn:aws:kms:eu-west-2:111122223333:key/*"],
    }
    trusted, policy = (json.dumps({"Version": "2012-10-17", "Statement": [one]}) for one in (trust, reads))
    iam = team.console("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted)
    iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=policy)


def opened(team: Team) -> None:
    """Apply the shop for the first time."""
    team.write(SHOP)
    with_role(team, "first")
    team.run("apply", *DEV, touches=[KEY, URL, PUBLISHED, "key *"], quote=False)


def value_of(team: Team, name: str) -> str:
    """Read a value at the console."""
    return str(team.console("secretsmanager").get_secret_value(SecretId=name)["SecretString"])


def add_a_reader(team: Team) -> None:
    """A role more; a field of another type; the document for whoever attaches it."""
    opened(team)
    team.edit("operator.yaml", "preset: single-team", 'preset: single-team, readers: ["444455556666"]')
    team.edit(STACK, FIRST, f"{FIRST}\n          second: {{type: ecs, role_arn: x, secrets: [api-key]}}")
    team.run("plan", *DEV, exits=1, says=["Write execution_role_arn and task_role_arn"])
    team.edit(STACK, "second: {type: ecs, role_arn: x, secrets: [api-key]}", SECOND)
    team.run("plan", *DEV, *ASKED, exits=2, says=["secret-policy", "second"])
    team.run("apply", *DEV, touches=[KEY, "key *"])
    team.run("access", "policy", *DEV, "--consumer", "second", "--offline", says=["secretsmanager:GetSecretValue"])


def rotate(team: Team) -> None:
    """By a part of the name, then by the whole one: what is rendered from it follows."""
    opened(team)
    before = value_of(team, "shop/dev/api/url")
    team.run("rotate", "api-key", *SETTINGS, "--yes", exits=1, says=["shop/dev/api/api-key"])
    team.run("rotate", "shop/dev/api/api-key", *SETTINGS, "--yes", touches=[KEY, URL])
    after = value_of(team, "shop/dev/api/url")
    team.expect(after != before and value_of(team, "shop/dev/api/api-key") in after, "the URL holds another password")
    team.run("plan", *DEV, "--deep", *ASKED)


def delete(team: Team) -> None:
    """A reader that names it is an error; then one orphan of two is pruned."""
    team.write(shop_with(*(f"{name}: {PLAIN}" for name in ("a", "b", "c"))))
    team.run("apply", *DEV, touches=["secret shop/dev/api/?@eu-west-2", PUBLISHED, "key *"], quote=False)
    team.edit(STACK, f"          a: {PLAIN}\n          b: {PLAIN}\n", "")
    team.run("plan", *DEV, says=["orphan"])
    team.run("apply", *DEV, touches=[PUBLISHED])
    team.run("orphans", *SETTINGS, "--prune", "shop/dev/api/a", "--yes", touches=["secret shop/dev/api/a@*"])
    with (team.folder / STACK).open("a") as stack:
        stack.write("        consumers: {x: {type: app, role_arn: 'arn:aws:iam::111122223333:role/x', secrets: [b]}}\n")
    team.run("plan", *DEV, exits=1, says=["consumers.x"])


def two_engineers(team: Team) -> None:
    """Two homes, one AWS, at once."""
    team.write(SHOP)
    with_role(team, "first")
    colleague = team.elsewhere("colleague")
    with ThreadPoolExecutor(2) as both:
        done = list(both.map(lambda one: one.unseen("apply", *DEV), (team, colleague)))
    team.happened.append(f"`apply` twice at once → {done[0].returncode} and {done[1].returncode}")
    team.expect([one.returncode for one in done] == [0, 0], f"one of two failed: {done[0].stderr}{done[1].stderr}")
    team.console("secretsmanager")
    team.run("plan", *DEV, "--deep", *ASKED, says=["none"])


def another_length(team: Team) -> None:
    """The rule of a password changes, its value does not, and that is said."""
    opened(team)
    team.edit(STACK, "api-key: {path: api, ", "api-key: {path: api, random_password_length: 40, ")
    team.run("plan", *DEV, *ASKED, says=["secrets-pipeline rotate shop/dev/api/api-key"])


def rename(team: Team) -> None:
    """Another path: a new password, said; with `previous_name` the value stays."""
    team.write(shop_with(f"token: {PLAIN}"))
    team.run("apply", *DEV, touches=["secret shop/dev/api/token@*", PUBLISHED, "key *"], quote=False)
    value = value_of(team, "shop/dev/api/token")
    team.edit(STACK, "token: {path: api,", "token: {path: partner,")
    team.run("plan", *DEV, says=["previous_name"])
    team.edit(STACK, "token: {path: partner,", "token: {path: partner, previous_name: shop/dev/api/token,")
    team.run("apply", *DEV, touches=["secret shop/dev/partner/token@*", "parameter *"])
    team.expect(value_of(team, "shop/dev/partner/token") == value, "another value")


def adopt(team: Team) -> None:
    """A secret as Terraform leaves it: what would change is shown before, and what nobody declares stays."""
    team.write(shop_with(f"token: {PLAIN}"))
    tags = {"ManagedBy": "Terraform", "Name": "token", "Team": "payments"}
    team.console("secretsmanager").create_secret(
        Name="shop/dev/api/token",
        SecretString=TERRAFORMS_VALUE,
        Description="made by terraform",
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    name = "shop/dev/api/token"
    team.run("plan", *DEV, says=["exists without our tags"])
    team.run("plan", *DEV, "--adopt", name, says=[name], lacks=[TERRAFORMS_VALUE])
    team.run("apply", *DEV, "--adopt", name, "--yes", touches=[f"secret {name}@*", PUBLISHED, "key *"])
    found = team.console("secretsmanager").describe_secret(SecretId=name)
    kept = {tag["Key"]: tag["Value"] for tag in found["Tags"]}
    team.expect(found.get("Description") == "made by terraform", "the description is gone")
    team.expect(tags.items() <= kept.items(), f"tags are gone: {kept}")
    team.expect(value_of(team, name) == TERRAFORMS_VALUE, "another value")
    team.run("plan", *DEV, "--deep", *ASKED)


def decommission(team: Team) -> None:
    """The stack is switched off, then its file is gone: it is listed, and taken down."""
    opened(team)
    team.edit(STACK, "create_kms_key: true", "secrets_enabled: false")
    team.run("orphans", *SETTINGS, says=["shop/dev/api/api-key"])
    team.write({STACK: "", "stacks/qa.yaml": SECOND_REGION.replace("second", "qa")})
    # Nothing names its region any more.
    there = ("--region", "eu-west-2")
    team.run("orphans", *SETTINGS, says=["--region"])
    team.run("orphans", *SETTINGS, *there, says=["shop/dev/api/api-key"])
    team.run("destroy", *DEV, *there, "--dry-run", says=["shop/dev/api/api-key"])
    # The key waits until no secret can be restored that needs it.
    team.run("destroy", *DEV, *there, "--yes", touches=[KEY, URL, PUBLISHED], says=["prune again"])
    team.expect(
        "DeletedDate" in team.console("secretsmanager").describe_secret(SecretId="shop/dev/api/url"), "it is there"
    )


def second_region(team: Team) -> None:
    """A stack more, in another region."""
    team.write({**SHOP, "stacks/second.yaml": SECOND_REGION})
    team.run("list", "stacks", *SETTINGS, says=["us-east-1"])
    touches = ["secret shop/second/api/token@us-east-1", f"{PUBLISHED}@us-east-1", "key *@us-east-1"]
    team.run("apply", "-s", "shop-second", *SETTINGS, touches=touches)
    team.run("plan", "-s", "shop-second", *SETTINGS, *ASKED)


def shared(team: Team) -> None:
    """One stack refers to a secret of another, in Atmos's words."""
    opened(team)
    team.write({"stacks/second.yaml": SECOND_REGION.replace("us-east-1", "eu-west-2")})
    team.edit(
        "stacks/second.yaml",
        PLAIN,
        "{path: api, secret_data: {arn: !terraform.state secretsmanager/app shop-dev secret_arns.api-key}}",
    )
    name = "shop/second/api/token"
    team.run("apply", "-s", "shop-second", *SETTINGS, touches=[f"secret {name}@*", PUBLISHED, "*"])
    team.expect(":secret:shop/dev/api/api-key-" in value_of(team, name), "no ARN")


def from_terraform(team: Team) -> None:
    """A state becomes YAML, blocks that forget, and an order; no value is shown."""
    arn = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:legacy/smtp-AbCdEf"
    state = state_file(instances([TerraformSecret("smtp", "legacy/smtp", TERRAFORMS_VALUE, arn=arn)]))
    team.write({**SHOP, "state.json": json.dumps(state)})
    said = team.run(
        "migrate",
        "terraform",
        "--state",
        "state.json",
        "-s",
        "shop-dev",
        "-o",
        "migration",
        says=["written to migration"],
    )
    written = {one.name: one.read_text() for one in (team.folder / "migration").iterdir()}
    team.expect("destroy = false" in written["removed.tf"], "no removed blocks")
    team.expect("--adopt" in written["steps.md"], "no adoption")
    team.expect("legacy/smtp" in written["secrets.yaml"], "not its name")
    team.expect(TERRAFORMS_VALUE not in said + "".join(written.values()), "a value is shown")


def pull_request(team: Team) -> None:
    """Markdown, of the stacks alone that the branch touches."""
    team.write({**SHOP, "stacks/second.yaml": SECOND_REGION})
    git = ("git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-C", str(team.folder))
    for command in (
        ("init", "-q", "-b", "main"),
        ("add", "-A", "."),
        ("commit", "-qm", "x"),
        ("checkout", "-qb", "change"),
    ):
        subprocess.run([*git, *command], check=True)
    team.edit("stacks/second.yaml", PLAIN, "{path: api, generate_random_password: true, random_password_length: 40}")
    said = team.run("plan", "--affected", "--base", "main", *SETTINGS, "--format", "markdown", says=["shop-second"])
    team.expect("shop/dev/api" not in said, "a stack that is as it was is planned")


def approve(team: Team) -> None:
    """A plan is a file; what moved since is refused."""
    team.write(shop_with(f"a: {PLAIN}", f"b: {PLAIN}"))
    team.run("plan", *DEV, "-o", "plan.bin", says=["plan.bin"])
    made = team.console("secretsmanager").create_secret(Name="shop/dev/api/a", SecretString="x")
    team.run("apply", "plan.bin", *SETTINGS, exits=1, says=["shop/dev/api/a"])
    team.console("secretsmanager").delete_secret(SecretId=made["ARN"], ForceDeleteWithoutRecovery=True)
    team.run("apply", "plan.bin", *SETTINGS, touches=["secret shop/dev/api/[ab]@*", PUBLISHED, "key *"])


def red_stays_red(team: Team) -> None:
    """A reader that does not exist is red in the plan, in an apply, and in the next one."""
    team.write(SHOP)
    team.run("plan", *DEV, says=["role/first"])
    team.run("apply", *DEV, exits=1, says=["role/first"], touches=["*"])
    team.run("apply", *DEV, exits=1, says=["first"], touches=[])


def parameter_that_is_not_there(team: Team) -> None:
    """A plan promises nothing that it could have known to fail."""
    team.write(shop_with('psk: {path: network, secret_data: "${ssm:/fnx/network/vpn/preshared-key}"}'))
    team.run("plan", *DEV, says=["/fnx/network/vpn/preshared-key", "blocked"])
    team.console("ssm").put_parameter(Name="/fnx/network/vpn/preshared-key", Value="x", Type="SecureString")
    team.run("apply", *DEV, touches=["secret shop/dev/network/psk@*", PUBLISHED, "key *"])


def choosing_stacks(team: Team) -> None:
    """Globs, commas, a list, completion."""
    team.write({**SHOP, "stacks/second.yaml": SECOND_REGION})
    team.run("list", "stacks", "-s", "shop-*", *SETTINGS, says=["shop-second"])
    team.run("tree", "-s", "shop-dev,shop-sec*", *SETTINGS, says=["token"])
    team.run("tree", "-s", "shop-dve", *SETTINGS, exits=1, says=["Did you mean shop-dev"])
    team.run("-h", says=["--install-completion"])


def plaintext(team: Team) -> None:
    """A password in git is a warning."""
    team.write(shop_with('db: {path: database, secret_data: {password: "Sup3rS3cretP@ssw0rd!"}}'))
    team.run("plan", *DEV, says=["database/db"], lacks=["Sup3rS3cret"])
    team.run("tree", *SETTINGS, says=["password"], lacks=["Sup3rS3cret"])


def settings_in_force(team: Team) -> None:
    """What is in force is shown; a wrong key has a line; an account that nobody names is not written to."""
    team.write(SHOP)
    team.run("config", *SETTINGS, says=["operator.yaml"], lacks=[team.aws.secret_access_key])
    team.run("apply", "-s", "shop-dev", exits=1, says=["account_id"])
    team.write({"operator.yaml": OPERATOR.replace('account_id: "111122223333"', "regoin: eu-west-2")})
    team.run("plan", *DEV, exits=1, says=["regoin", "region"])


DAY_TWO: Sequence[Row] = (
    Row("add a reader", "best in class", add_a_reader),
    Row("rotate", "wants the whole name, offers none; four steps, the URL rendered again", rotate),
    Row("delete from the YAML", "an orphan; prune cannot be narrowed to one", delete),
    Row("two engineers at once", "both end right", two_engineers),
    Row("another length", "`none`, and not a word that the next rotation uses it", another_length),
    Row("rename", "`create` and `orphan`, a new password, unsaid", rename),
    Row("adopt", "no preview; description, tags and key lost; all or nothing", adopt),
    Row("decommission", "an error, and orphans that nobody sees", decommission),
    Row("second region", "the operator's region won, without a word", second_region),
    Row("shared by two stacks", "works by `!terraform.state`, undocumented", shared),
    Row("from the Terraform component", "nothing written", from_terraform),
    Row("plan on a pull request", "Markdown; not only the stacks that it touches", pull_request),
    Row("approve a plan, then apply it", "no plan file", approve),
    Row("a red check", "green at the second apply, nothing mended", red_stays_red),
    Row("an SSM parameter that is not there", "plan `+ create`, apply `skipped`", parameter_that_is_not_there),
    Row("choose stacks", "no globs, no list", choosing_stacks),
    Row("a password in git", "no warning", plaintext),
    Row("settings", "invisible; any account was written to", settings_in_force),
)
