"""Lambda as AWS documents it where moto differs.

What it corrects, measured on moto 5.2.5:

- Invoke runs the function's own Python code in a process of its own, with credentials of its role.
  https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
- RevisionId changes with every update and guards UpdateFunctionConfiguration and UpdateFunctionCode.
  https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html
- A function is `Pending`, its update `InProgress`, as long as the pace says; RevisionId changes once more at the end.
  Meanwhile it is not changed, and not invoked before it is made.
  https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
- Environment variables over 4 KB are refused; KMSKeyArn is kept.
  https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
- GetFunction has Tags for callers who may lambda:ListTags alone; others get TagsError.
  https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
- A function of another region is not found by its ARN.
- GetAccountSettings answers: 1,000 invocations at once, less what functions reserve.
  https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html
- AddPermission refuses a StatementId that is there.
  https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
"""

from secrets_pipeline.emulator.services.lambda_.backend import exists, install, lets_in, role_of, run
from secrets_pipeline.emulator.services.lambda_.forks import FORKS

__all__ = ["FORKS", "exists", "install", "lets_in", "role_of", "run"]
