"""Say what a human should do about the errors that AWS answers most often.

Source: the "Common Errors" and "Errors" sections of each service's API reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from secrets_pipeline.errors import DENIED, MISSING, THROTTLED

_ALLOW = (
    "Allow the action for this caller (`aws sts get-caller-identity` shows who it is): identity policy, boundary, SCP."
)
_KMS_ALLOW = (
    "Allow this caller the KMS key as well: key policy, or IAM policy where the key policy delegates to the account."
)
_CREDENTIALS = "Sign in again, or renew the credentials, then run again: finished work is not repeated."
_SLOWER = "Another tool uses the same account's quota; run again, finished work is not repeated."
_GONE = "It was deleted or never made: check name, account and region, then apply again."
_KEY_STATE = "Enable the KMS key, or cancel its deletion; `aws kms describe-key` shows its state."
_CHANGED = "Somebody else changed it at the same moment: run again."
_AGAIN = "AWS had a fault of its own: run again, finished work is not repeated."
_POLICY = "Check the policy's JSON, and that each principal in it exists; a new role takes some seconds to be visible."
_FUNCTION = (
    "Deploy the function, or let secretsmanager.amazonaws.com invoke it: `aws lambda get-policy` shows who may now."
)
_EXISTS = "Something of that name exists already: adopt it, rename ours, or delete the other."
_QUOTA = "A quota of the account is used up: delete what is unused, or ask for more in Service Quotas."
_PARAMETER = (
    "AWS does not take one of the settings: compare the component in YAML with the API reference of that operation."
)
_LOCKED_OUT = (
    "KMS takes a key policy only from a caller who may replace it: allow kms:PutKeyPolicy on keys without an alias "
    "too, as `secrets-pipeline iam-policy` prints it, or by the key policy itself."
)
_SERVICE_ROLE = (
    "RDS makes its service-linked role with the first database of an account: let this caller "
    "iam:CreateServiceLinkedRole for rds.amazonaws.com, or run `aws iam create-service-linked-role --aws-service-name "
    "rds.amazonaws.com` once. If the role was made a moment ago, apply again."
)
_QUEUE = "SQS keeps the name of a deleted queue for 60 seconds: run again after that."
_PURGE = "SQS empties a queue once in 60 seconds: run again after that."
_REACH = "Check the network, the region's name and AWS_ENDPOINT_URL."

REMEDIES: Mapping[str, str] = {
    **dict.fromkeys(DENIED, _ALLOW),
    **dict.fromkeys(MISSING, _GONE),
    **dict.fromkeys(THROTTLED, _SLOWER),
    "KMSAccessDeniedFault": _KMS_ALLOW,
    "KMSAccessDeniedException": _KMS_ALLOW,
    "DecryptionFailure": _KMS_ALLOW,
    "EncryptionFailure": _KMS_ALLOW,
    "KMSKeyNotAccessibleFault": _KMS_ALLOW,
    "KMSThrottling": _SLOWER,
    "KMS.ThrottlingException": _SLOWER,
    "KMSAccessDenied": _KMS_ALLOW,
    "KMS.AccessDeniedException": _KMS_ALLOW,
    "KMSNotFound": _GONE,
    "KMS.NotFoundException": _GONE,
    "KMSDisabled": _KEY_STATE,
    "KMS.DisabledException": _KEY_STATE,
    "KMSInvalidState": _KEY_STATE,
    "KMS.InvalidStateException": _KEY_STATE,
    "DisabledException": _KEY_STATE,
    "KMSInvalidStateException": _KEY_STATE,
    "KeyUnavailableException": _AGAIN,
    "IncorrectKeyException": "The ciphertext belongs to another KMS key: name the one it was made with.",
    "InvalidKeyUsageException": "The KMS key is of another kind: name a key with the usage that is needed.",
    "ExpiredToken": _CREDENTIALS,
    "ExpiredTokenException": _CREDENTIALS,
    "RequestExpired": "Set this machine's clock right, then run again.",
    "RequestTimeTooSkewed": "Set this machine's clock right, then run again.",
    "InvalidClientTokenId": _CREDENTIALS,
    "UnrecognizedClientException": _CREDENTIALS,
    "InvalidAccessKeyId": _CREDENTIALS,
    "InvalidSignatureException": "Check the secret access key, and this machine's clock.",
    "SignatureDoesNotMatch": "Check the secret access key, and this machine's clock.",
    "MalformedPolicyDocument": _POLICY,
    "MalformedPolicyDocumentException": _POLICY,
    "PublicPolicyException": "The policy would let anybody read: name the principals.",
    "ResourceExistsException": _EXISTS,
    "AlreadyExistsException": _EXISTS,
    "ResourceAlreadyExistsException": _EXISTS,
    "EntityAlreadyExists": _EXISTS,
    "QueueAlreadyExists": _EXISTS,
    "QueueNameExists": _EXISTS,
    "DBInstanceAlreadyExists": _EXISTS,
    "DBClusterAlreadyExistsFault": _EXISTS,
    "LimitExceededException": _QUOTA,
    "LimitExceeded": _QUOTA,
    "InstanceQuotaExceeded": _QUOTA,
    "StorageQuotaExceeded": _QUOTA,
    "DBClusterQuotaExceededFault": _QUOTA,
    "InvalidRequestException": "Its state forbids it (scheduled for deletion, or rotating): plan again.",
    "InvalidParameterValue": _PARAMETER,
    "InvalidParameterException": _PARAMETER,
    "InvalidParameterValueException": _PARAMETER,
    "ValidationException": _PARAMETER,
    "ParamValidationError": _PARAMETER,
    "InvalidDBInstanceState": "The instance is busy: run again when it is available.",
    "InvalidDBClusterStateFault": "The cluster is busy: run again when it is available.",
    "InvalidParameterCombination": "Change the database's settings in its component.",
    "InvalidParameter": _PARAMETER,
    "InvalidAttributeName": _PARAMETER,
    "InvalidAttributeValue": _PARAMETER,
    "ValidationError": _PARAMETER,
    "InvalidInput": _PARAMETER,
    "BadRequestException": _PARAMETER,
    "TagException": "KMS takes up to 50 tags, each key once, and none that begins with `aws:`. Change the tags.",
    "InvalidCiphertextException": "It was sealed under another KMS key, for another use, or changed: seal it again.",
    "UnsupportedOperationException": "AWS does not do this to a resource of its kind: change the component in YAML.",
    "RequestEntityTooLargeException": "The request is longer than AWS takes: make the package, or the list, smaller.",
    "PreconditionFailedException": _CHANGED,
    "ConcurrentModification": _CHANGED,
    "ConcurrentModificationException": _CHANGED,
    "OperationAbortedException": _CHANGED,
    "ConflictException": _CHANGED,
    "PurgeQueueInProgress": _PURGE,
    "AWS.SimpleQueueService.PurgeQueueInProgress": _PURGE,
    "QueueDeletedRecently": _QUEUE,
    "AWS.SimpleQueueService.QueueDeletedRecently": _QUEUE,
    "PreconditionNotMetException": "The resource changed meanwhile: plan again.",
    "InternalServiceError": _AGAIN,
    "InternalFailure": _AGAIN,
    "InternalError": _AGAIN,
    "ServiceUnavailable": _AGAIN,
    "ServiceException": _AGAIN,
    "ServiceFailure": _AGAIN,
    "InternalException": _AGAIN,
    "InternalServerError": _AGAIN,
    "InternalServerException": _AGAIN,
    "ServerException": _AGAIN,
    "ServiceUnavailableException": _AGAIN,
    "DependencyTimeoutException": _AGAIN,
    "ResourceConflictException": "Another update of it is in progress: run again when that has finished.",
    "KMSInternalException": _AGAIN,
    "NoCredentialsError": "Sign in (`aws sso login`), or set AWS_PROFILE or the AWS_ACCESS_KEY_ID variables.",
    "PartialCredentialsError": "Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    "NoRegionError": "Give the stack a region: `vars.region`, or the operator's settings file.",
    "ProfileNotFound": "Set AWS_PROFILE to a profile of your AWS configuration.",
    "TokenRetrievalError": _CREDENTIALS,
    "UnauthorizedSSOTokenError": _CREDENTIALS,
    "SSOTokenLoadError": _CREDENTIALS,
    "CredentialRetrievalError": _CREDENTIALS,
    "EndpointConnectionError": _REACH,
    "ConnectTimeoutError": _REACH,
    "ReadTimeoutError": _REACH,
    "ConnectionClosedError": _REACH,
    "ProxyConnectionError": _REACH,
    "SSLError": _REACH,
    "ResponseParserError": _REACH,
}
"""AWS error code, or name of a botocore exception → what to do."""

OTHERWISE = "Look the code up in the API reference of that service."

_BY_TEXT: Final = (
    (DENIED, "KMS", _KMS_ALLOW),
    (DENIED, "cannot invoke the specified Lambda function", _FUNCTION),
    ({"InvalidParameterValue"}, "service linked role", _SERVICE_ROLE),
    ({"MalformedPolicyDocumentException"}, "update the key policy", _LOCKED_OUT),
)
"""Codes, a part of AWS's text, and the remedy where the code alone would lead astray."""


def remedy(code: str, message: str) -> str:
    """Say what to do about an error.

    Args:
        code: AWS's error code, or botocore's exception name.
        message: AWS's text, where it says more than the code (`_BY_TEXT`).
    """
    by_text = (said for codes, text, said in _BY_TEXT if code in codes and text in message)
    return next(by_text, REMEDIES.get(code, OTHERWISE))
