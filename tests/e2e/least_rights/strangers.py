"""What somebody does in the account, by hand, that the pipeline finds and repairs."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

from tests.e2e.least_rights.life import Life
from tests.embedded import operator

QUEUE = "secrets-pipeline-events"
FUNCTION = "secrets-pipeline-rotation-myapp-prod"
_INSTANCES = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


@dataclass(frozen=True)
class Stranger:
    """An administrator of the account."""

    life: Life

    def client(self, service: str, region: str | None = None) -> Any:  # noqa: ANN401 - boto3 has a type for each service
        session: Any = operator(self.life.aws, region)
        return session.client(service, endpoint_url=self.life.aws.endpoint_url)

    def iam_of(self, account_id: str) -> Any:  # noqa: ANN401 - as above
        """IAM of any account."""
        session: Any = self.life.administrator_of(account_id)
        return session.client("iam", endpoint_url=self.life.aws.endpoint_url)

    def change_everything(self) -> None:
        """Change what was made, beside the YAML."""
        self._events()
        self._function()
        self._keys()
        self.client("secretsmanager").delete_secret(SecretId="myapp/dev/api/oauth-config")

    def _events(self) -> None:
        sqs = self.client("sqs")
        queue = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "7"})
        anybody = {"Action": "events:PutEvents", "Principal": "*", "StatementId": "open"}
        self.client("events").put_permission(EventBusName=QUEUE, **anybody)
        self._trust(f"{QUEUE}-events")

    def _function(self) -> None:
        functions, code = self.client("lambda"), io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("other.py", "")
        functions.update_function_code(FunctionName=FUNCTION, ZipFile=code.getvalue())
        functions.update_function_configuration(FunctionName=FUNCTION, Timeout=5)
        [statement] = json.loads(functions.get_policy(FunctionName=FUNCTION)["Policy"])["Statement"]
        functions.remove_permission(FunctionName=FUNCTION, StatementId=statement["Sid"])
        functions.add_permission(
            FunctionName=FUNCTION,
            StatementId=statement["Sid"],
            Action="lambda:InvokeFunction",
            Principal="secretsmanager.amazonaws.com",
            SourceAccount="999988887777",
        )
        self.client("logs").put_retention_policy(logGroupName=f"/aws/lambda/{FUNCTION}", retentionInDays=1)
        self._trust(FUNCTION)

    def _keys(self) -> None:
        kms = self.client("kms")
        tags = [{"TagKey": "secrets-pipeline:alias", "TagValue": "alias/another"}]
        another = kms.create_key(Tags=tags)["KeyMetadata"]["KeyId"]
        kms.update_alias(AliasName="alias/myapp-dev", TargetKeyId=another)
        kms.schedule_key_deletion(KeyId=another, PendingWindowInDays=7)
        kms.delete_alias(AliasName="alias/myapp-prod")

    def _trust(self, role: str) -> None:
        self.client("iam").update_assume_role_policy(RoleName=role, PolicyDocument=_INSTANCES)

    def bury(self, queue: str = QUEUE) -> None:
        """Put a dead letter beside the queue, and one into the other region."""
        for region in (None, "us-east-1"):
            sqs = self.client("sqs", region)
            dead = sqs.get_queue_url(QueueName=f"{queue}-dead-letters")["QueueUrl"]
            sqs.send_message(QueueUrl=dead, MessageBody="{}")

    def tag_tasks(self) -> None:
        """Register another revision of the task definition, with tags, and let the service run it."""
        ecs = self.client("ecs")
        found = ecs.describe_task_definition(taskDefinition="orders-dev")["taskDefinition"]
        kept = {name: found[name] for name in ("family", "containerDefinitions", "executionRoleArn", "taskRoleArn")}
        kept["containerDefinitions"] = [{**one, "secrets": []} for one in kept["containerDefinitions"]]
        made = ecs.register_task_definition(**kept, tags=[{"key": "team", "value": "orders"}])
        arn = made["taskDefinition"]["taskDefinitionArn"]
        ecs.update_service(cluster="myapp", service="orders-dev", taskDefinition=arn)

    def bound(self) -> None:
        """Make a role within a policy of AWS's own, whose text no list of the account's shows."""
        policy = "arn:aws:iam::aws:policy/PowerUserAccess"
        self.client("iam").create_role(
            RoleName="bounded", AssumeRolePolicyDocument=_INSTANCES, PermissionsBoundary=policy
        )

    def found_an_organization(self) -> None:
        """Make the account the management account of an organisation with service control policies."""
        self.client("organizations").create_organization(FeatureSet="ALL")
