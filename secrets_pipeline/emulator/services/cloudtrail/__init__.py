"""CloudTrail as AWS documents it where moto differs.

What it corrects, measured on moto 5.2.5:

- Changes of Secrets Manager, KMS, IAM and Organizations, and what Secrets Manager does by itself, reach EventBridge: at
  once, unless the pace says that they take their time. Reads, and calls to other services, do not.
  https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
  https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html
- A call for another account's secret is an event in both accounts.
  https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
- Changes of IAM and Organizations are told in the one region of the partition that gets events of global services,
  wherever the call was sent to.
  https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html#cloudtrail-concepts-global-service-events
- A new trail takes in all management events, where moto says none.
  https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html
"""

from secrets_pipeline.emulator.services.cloudtrail.backend import install
from secrets_pipeline.emulator.services.cloudtrail.calls import Called, observed, record

__all__ = ["Called", "install", "observed", "record"]
