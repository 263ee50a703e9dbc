"""Answer GetFunction without tags where the caller may not list them, and GetAccountSettings, which moto has not."""

from __future__ import annotations

import json

from moto.awslambda import urls as moto_urls
from moto.awslambda.responses import LambdaResponse

from secrets_pipeline.access.evaluator import Context
from secrets_pipeline.emulator.enforcement.callers import identify
from secrets_pipeline.emulator.enforcement.contexts import about_request
from secrets_pipeline.emulator.enforcement.services import refused_arn

CONCURRENCY = 1000
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


class EmulatedLambdaResponse(LambdaResponse):
    """Moto's dispatcher, with the permission that GetFunction needs for tags."""

    def get_function(self) -> str:
        """Leave Tags out for a caller without lambda:ListTags, and say so in TagsError.

        "Lambda returns tag data only if you have explicit allow permissions for lambda:ListTags": botocore's model.
        """
        answer = json.loads(super().get_function())
        client = identify(self.current_account, self.access_key, self.region)
        arn = str(answer["Configuration"]["FunctionArn"])
        refusal = None
        if not client.administers:
            refusal = refused_arn(client, "lambda:ListTags", arn, Context(about_request(self.region)))
        if refusal is not None:
            answer.pop("Tags", None)
            answer["TagsError"] = {"ErrorCode": "AccessDeniedException", "Message": refusal}
        return json.dumps(answer)

    def get_account_settings(self) -> str:
        """Tell what the account may run at once, and how much of it no function reserves.

        https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html
        """
        functions = list(self.backend.list_functions())
        reserved = sum(int(one.reserved_concurrency or 0) for one in functions)
        limit = {"ConcurrentExecutions": CONCURRENCY, "UnreservedConcurrentExecutions": CONCURRENCY - reserved}
        return json.dumps({"AccountLimit": limit, "AccountUsage": {"FunctionCount": len(functions)}})


def install() -> None:
    """Put this dispatcher in the place of moto's."""
    paths = [*moto_urls.url_paths, r"{0}/(?P<api_version>[^/]+)/account-settings/?$"]
    moto_urls.url_paths = dict.fromkeys(paths, EmulatedLambdaResponse.dispatch)
