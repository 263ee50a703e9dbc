"""Make RDS's service-linked role with the first database of an account, as RDS does on the caller's behalf.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAM.ServiceLinkedRoles.html
"""

from __future__ import annotations

import json

from moto.core.responses import ActionResult
from moto.iam.models import iam_backends
from moto.rds import urls as moto_urls
from moto.rds.exceptions import RDSClientError
from moto.rds.responses import RDSResponse

from secrets_pipeline.access.evaluator import Context
from secrets_pipeline.arn import iam_arn
from secrets_pipeline.emulator.enforcement.callers import identify
from secrets_pipeline.emulator.enforcement.contexts import about_request
from secrets_pipeline.emulator.enforcement.services import refused_arn

_SERVICE = "rds.amazonaws.com"
_NAME, _PATH = "AWSServiceRoleForRDS", f"/aws-service-role/{_SERVICE}/"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": _SERVICE}, "Action": "sts:AssumeRole"}],
}
# The page "Creating an Aurora Serverless v1 DB cluster" of the Aurora User Guide quotes it.
_REFUSAL = (
    "Unable to create the resource. Verify that you have permission to create service linked role. "
    "Otherwise wait and try again later"
)


class EmulatedRdsResponse(RDSResponse):
    """Moto's dispatcher; whoever makes a database makes the service-linked role if there is none."""

    def create_db_instance(self) -> ActionResult:
        """Create an instance after the role."""
        self._link_role()
        return super().create_db_instance()

    def create_db_cluster(self) -> ActionResult:
        """Create a cluster after the role."""
        self._link_role()
        return super().create_db_cluster()

    def _link_role(self) -> None:
        iam = iam_backends[self.current_account][self.partition]
        if any(one.name == _NAME for one in list(iam.roles.values())):
            return
        client = identify(self.current_account, self.access_key, self.region)
        if not client.administers:
            arn = iam_arn(self.current_account, f"role{_PATH}{_NAME}", partition=self.partition)
            about = {**about_request(self.region, through=_SERVICE), "iam:awsservicename": (_SERVICE,)}
            if refused_arn(client, "iam:CreateServiceLinkedRole", arn, Context(about)):
                raise RDSClientError("InvalidParameterValue", _REFUSAL)
        iam.create_role(_NAME, json.dumps(_TRUST), _PATH, None, "", [], "3600", linked_service=_SERVICE)


def install() -> None:
    """Put this dispatcher in the place of moto's."""
    moto_urls.url_paths = {"{0}/$": EmulatedRdsResponse.dispatch}
