"""EventBridge as AWS documents it where moto differs.

What it corrects, measured on moto 5.2.5:

- What AWS services tell reaches the rules of the default bus; `account` and `time` are in what targets get.
  https://docs.aws.amazon.com/eventbridge/latest/ref/overview-event-structure.html
- A queue gets an event only if its policy, or the target's role, lets EventBridge send, and if EventBridge may use the
  key that encrypts it. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
- A bus in another account or region gets it only through a role that may put it there, and if its own policy lets the
  other account in; it goes no further from there, and keeps its id, account and region.
  https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html
- Queues of other accounts and regions are found. What cannot be delivered goes to the target's dead-letter queue.
  https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
- A disabled rule delivers nothing. Clients put no events of `aws.` sources.
  https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
- A bus's policy is replaced as a whole, its statements need no Sid, and it comes back normalised, see `documents`.
  https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutPermission.html
"""

from secrets_pipeline.emulator.services.events.backend import install

__all__ = ["install"]
