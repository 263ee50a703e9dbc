"""Secrets Manager as AWS documents it, in the place of moto's implementation.

What it corrects, measured on moto 5.2.5 (each operation's function names its page):

- Lookups are dictionary hits under one lock per account; lists are copies. Nothing answers 500 under concurrency.
- Requests are validated by the service model (lengths, enumerations, patterns, MaxResults), names, value size, tags.
- GetSecretValue without a stage means AWSCURRENT; moving AWSCURRENT moves AWSPREVIOUS; one version holds a label.
- ClientRequestToken: same value succeeds and moves nothing, another value is ResourceExistsException.
- A secret scheduled for deletion refuses everything but describe, list, restore and forced deletion; its name cannot be
  created again.
- The KMS key must exist, be symmetric and enabled, for writes and for reads, also across accounts.
- LastChangedDate moves with tags, policy, labels, rotation; LastAccessedDate is kept by day.
- Resource policies must be well-formed; BlockPublicPolicy refuses public ones; ValidateResourcePolicy exists.
- RotateSecret checks everything before it changes anything, keeps its rules, and runs the Lambda function's own code.
- Replicas report their own ARN, key and failure; StopReplicationToReplica exists.
- ARNs end in letters and digits; versions without labels are pruned beyond the hundredth.
"""

from secrets_pipeline.emulator.services.secretsmanager.backend import install

__all__ = ["install"]
