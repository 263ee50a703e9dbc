"""The one family of errors: each says what is wrong, where, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

_LINE_END = "\n"


class Lines(str):
    """Text of several lines whose line ends are ours: `visible` keeps them, and escapes those of any other text."""

    __slots__ = ()

    @classmethod
    def of(cls, *texts: str, between: str = _LINE_END) -> Lines:
        """Join texts, each of them visible: a line end inside one is escaped unless it is `Lines` itself.

        Args:
            texts: of any origin.
            between: what stands between two of them.
        """
        return cls(between.join(map(visible, texts)))


def visible(text: str, *, kept: str = "") -> str:
    """The text with Python's escapes in the place of characters that show nothing of their own.

    Control characters would speak to the terminal, and a line end would forge a line of a log; bidirectional and
    zero-width ones let a name look like another.

    Args:
        text: of any origin.
        kept: characters that stay, for example line ends; those of `Lines` always do.
    """
    if text.isprintable():
        return text
    if isinstance(text, Lines):
        return Lines(visible(str.__str__(text), kept=_LINE_END))
    return "".join(
        one if one.isprintable() or one in kept else one.encode("unicode_escape").decode("ascii") for one in text
    )


@dataclass(frozen=True, slots=True)
class Where:
    """A place in an Atmos repository. Every part may be unknown.

    Attributes:
        file: manifest, relative to the repository, with `/`, for example `stacks/orgs/acme/dev.yaml`.
        line: 1-based line in that file.
        stack: logical stack name.
        component: component name, for example `secretsmanager/database`.
        key: dotted path inside the component, for example `vars.secrets.credentials.path`.
    """

    file: str | None = None
    line: int | None = None
    stack: str | None = None
    component: str | None = None
    key: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.file and self.line else self.file
        named = [("", place), ("stack ", self.stack), ("component ", self.component), ("key ", self.key)]
        return ", ".join(f"{label}{visible(text)}" for label, text in named if text)


class Unasked(StrEnum):
    """Why AWS could not be asked at all. Such an error tells nothing about a resource."""

    NO_ANSWER = "no-answer"
    CREDENTIALS = "credentials"
    ROLE = "role"
    THROTTLED = "throttled"


class SecretsPipelineError(Exception):
    """Base of every error that this project raises on purpose.

    Args:
        message: what is wrong, in one sentence, without any secret value. A line end in it is escaped, as it is in the
            other texts, unless they are `Lines`.
        remedy: what a human should do next.
        where: the place in the repository, if there is one.
        chain: manifests that led there, the importing one first.
        sentence: what is wrong without the name of what it is wrong with, so that errors of one cause are told
            together; the message, where that does not name it.
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        where: Where | None = None,
        chain: Sequence[str] = (),
        sentence: str = "",
    ) -> None:
        self.message = visible(message)
        self.sentence = visible(sentence) or self.message
        self.remedy = visible(remedy)
        self.where = where
        self.chain = tuple(visible(one) for one in chain)
        super().__init__(self.diagnostics())

    @property
    def kind(self) -> str:
        """The name of its class, which scripts compare instead of its text."""
        return type(self).__name__

    @property
    def unasked(self) -> Unasked | None:
        """Return why AWS could not be asked; None if AWS answered, for example with a denial."""
        return None

    def diagnostics(self) -> str:
        """The whole text: place, message, import chain, remedy."""
        head = f"{self.where}: {self.message}" if self.where and str(self.where) else self.message
        lines = [head.replace(_LINE_END, f"{_LINE_END}  ")]
        if self.chain:
            lines.append("  imported by: " + " → ".join(self.chain))
        if self.remedy:
            lines.append(f"  {self.remedy}".replace(_LINE_END, f"{_LINE_END}  "))
        return Lines(_LINE_END.join(lines))


class StackError(SecretsPipelineError):
    """The Atmos repository cannot be read as Atmos would read it."""


class SpecError(SecretsPipelineError):
    """A component breaks the input contract."""


class TerraformStateError(SecretsPipelineError):
    """A state of Terraform or OpenTofu cannot be read; the text quotes nothing of it."""


class InternalError(SecretsPipelineError):
    """A bug of ours stopped one stack; the text says where it is, and holds nothing of the stack's content."""


class NotGrantedError(SpecError):
    """A stack reaches what is not its own, and no grant of the operator names it.

    Attributes:
        line: what the operator would write under `grants:`, one line of YAML.
    """

    def __init__(self, message: str, *, line: str, remedy: str = "", where: Where | None = None) -> None:
        self.line = line
        super().__init__(message, remedy=f"{remedy} {line}", where=where)


class ExpressionError(SpecError):
    """A reference cannot be parsed, ordered or resolved."""


DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "NotAuthorized", "UnauthorizedOperation", "403"}
)
"""AWS's codes for what the caller may not do: of IAM, STS and S3, of the services of the JSON protocol, of SNS, and of
S3 where an answer has no body.

Sources: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and botocore's service models, as for the next two.
"""

MISSING = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "ClusterNotFoundException",
        "DBClusterNotFoundFault",
        "DBInstanceNotFound",
        "NoSuchBucket",
        "NoSuchEntity",
        "NoSuchKey",
        "NotFound",
        "NotFoundException",
        "ParameterNotFound",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
        "ServiceNotFoundException",
        "404",
    }
)
"""AWS's codes for what is not there; SQS and SNS have their own, as `tests/contracts/recorded/` shows."""

THROTTLED = frozenset(
    {
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""AWS's codes for too many calls a second."""

BUSY = frozenset({"InvalidDBClusterStateFault", "InvalidDBInstanceState"})
"""RDS's codes for a database in a state that forbids it, for example while it is made or its password is set.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html (Errors), and
API_AddTagsToResource.html.
"""

UNANSWERED = frozenset(
    {
        "ConnectTimeoutError",
        "ConnectionClosedError",
        "EndpointConnectionError",
        "HTTPClientError",
        "ProxyConnectionError",
        "ReadTimeoutError",
        "SSLError",
    }
)
"""botocore's exceptions where no answer came: https://docs.aws.amazon.com/boto3/latest/guide/retries.html"""

NO_CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "CredentialRetrievalError",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidIdentityToken",
        "InvalidSignatureException",
        "InvalidToken",
        "LoginAuthorizationCodeError",
        "LoginError",
        "LoginInsufficientPermissions",
        "LoginRefreshRequired",
        "LoginTokenLoadError",
        "MetadataRetrievalError",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NoAuthTokenError",
        "NoCredentialsError",
        "PartialCredentialsError",
        "ProfileNotFound",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SSOError",
        "SSOTokenLoadError",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "TokenRetrievalError",
        "UnauthorizedSSOTokenError",
        "UnrecognizedClientException",
    }
)
"""AWS's codes for a caller whom it does not know (missing, wrong or expired credentials, or a wrong clock), and
botocore's exceptions where there are no credentials. No policy of a resource makes AWS answer one of these.

Sources: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html,
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html (Errors), botocore.exceptions.
"""

_UNAVAILABLE = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
"""HTTP statuses of a service that is down. 500 (InternalFailure) is not among them: it may concern one resource."""

_ASSUMING = frozenset({"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"})


class AwsError(SecretsPipelineError):
    """A call to AWS failed; the text never holds a request parameter.

    Attributes:
        code: AWS's error code, for example `ResourceNotFoundException`, or botocore's exception name; empty if unknown.
        operation: API operation, for example `PutSecretValue`; empty if unknown.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        operation: str = "",
        remedy: str = "",
        where: Where | None = None,
        sentence: str = "",
    ) -> None:
        self.code = code
        self.operation = operation
        super().__init__(message, remedy=remedy, where=where, sentence=sentence)

    @property
    def kind(self) -> str:
        """The name of its class, AWS's operation and AWS's code: `AwsError DescribeKey NotFoundException`."""
        return " ".join(filter(None, [super().kind, self.operation, self.code]))

    @property
    def denied(self) -> bool:
        """Whether the caller may not do it, or see it."""
        return self.code in DENIED

    @property
    def missing(self) -> bool:
        """Whether what was named is not there."""
        return self.code in MISSING

    @property
    def busy(self) -> bool:
        """Whether a database is in a state that forbids it, which may pass."""
        return self.code in BUSY

    @property
    def unanswered(self) -> bool:
        """Whether no answer came: another call to the same place would be waited for in vain, too."""
        return self.code in UNANSWERED


class NoAnswerError(AwsError):
    """No answer came from AWS, also not to the last try, or only one that its service is down."""

    @property
    def unasked(self) -> Unasked:
        """The cause."""
        return Unasked.NO_ANSWER


class CredentialsError(AwsError):
    """There are no credentials, or AWS does not take them."""

    @property
    def unasked(self) -> Unasked:
        """The cause."""
        return Unasked.CREDENTIALS


class RoleError(AwsError):
    """The pipeline may not assume its own role."""

    @property
    def unasked(self) -> Unasked:
        """The cause."""
        return Unasked.ROLE

    @property
    def denied(self) -> bool:
        """Return False: AWS refused the role itself. It was not asked about a resource."""
        return False


class ThrottledError(AwsError):
    """AWS throttled every try of a call."""

    @property
    def unasked(self) -> Unasked:
        """The cause."""
        return Unasked.THROTTLED


_UNASKED: Mapping[str, Unasked] = {
    NoAnswerError.__name__: Unasked.NO_ANSWER,
    CredentialsError.__name__: Unasked.CREDENTIALS,
    RoleError.__name__: Unasked.ROLE,
    ThrottledError.__name__: Unasked.THROTTLED,
}


def unasked_by(kind: str) -> Unasked | None:
    """Return why nobody could ask AWS, from the name of an error's class: all that Dagster's events keep of one.

    Args:
        kind: name of a class, or the `kind` of an error.
    """
    return _UNASKED.get(kind.partition(" ")[0])


def aws_error_class(code: str, operation: str, *, own_role: bool = True, status: int = 0) -> type[AwsError]:
    """Return the class of the error of a call to AWS.

    Args:
        code: AWS's error code, or the name of botocore's exception.
        operation: the API operation that failed.
        own_role: whether a role that was to be assumed is the pipeline's own, and not one that it visits.
        status: of the HTTP answer; 0 if there was none.
    """
    if code in NO_CREDENTIALS:
        return CredentialsError
    if code in THROTTLED or status == HTTPStatus.TOO_MANY_REQUESTS:
        return ThrottledError
    if code in UNANSWERED or status in _UNAVAILABLE:
        return NoAnswerError
    if own_role and operation in _ASSUMING and code in DENIED:
        return RoleError
    return AwsError


class AlertError(SecretsPipelineError):
    """An alert could not be published; the text never holds a webhook's URL.

    Attributes:
        passes: whether another try may succeed.
    """

    def __init__(self, message: str, *, passes: bool = False, remedy: str = "") -> None:
        self.passes = passes
        super().__init__(message, remedy=remedy)


class ArnError(SecretsPipelineError):
    """A text is no ARN, or parts make none."""


class SealError(SecretsPipelineError):
    """A seal cannot be made, kept or opened; the text never holds a value of it."""


class DocumentError(SecretsPipelineError):
    """A secret's JSON value is not what it must be; the text never holds content of it."""


class PolicyError(SecretsPipelineError):
    """A policy document is none, or says what IAM does not know."""


class GuardError(SecretsPipelineError):
    """A guard stopped the run before any write."""


class StorageError(SecretsPipelineError):
    """Dagster's storage, DAGSTER_HOME by default, cannot be used; what a run has done until then is done."""


class PackageError(SecretsPipelineError):
    """The rotation function's package cannot be built."""


class RotationPreflightError(SecretsPipelineError):
    """A rotation would fail; nothing was changed."""


class LocalError(SecretsPipelineError):
    """The embedded AWS could not be started, reached or stopped."""


class CollectedErrors(SecretsPipelineError):
    """Several errors found in one pass, all reported at once."""

    def __init__(self, errors: Iterable[SecretsPipelineError]) -> None:
        self.errors: tuple[SecretsPipelineError, ...] = tuple(errors)
        count = len(self.errors)
        noun = "error" if count == 1 else "errors"
        texts = (Lines.of("- ", error.diagnostics(), between="") for error in self.errors)
        super().__init__(Lines.of(f"{count} {noun}", *texts))

    @property
    def unasked(self) -> Unasked | None:
        """The cause of the first, if nobody could ask AWS for any of them."""
        causes = [error.unasked for error in self.errors]
        return causes[0] if causes and all(causes) else None

    @property
    def kind(self) -> str:
        """Return the first error's kind if every error is unasked, else the name of the class."""
        return self.errors[0].kind if self.unasked else super().kind

    def diagnostics(self) -> str:
        """The texts of all, each after a hyphen."""
        return Lines(self.message)


def raise_all(errors: Sequence[SecretsPipelineError]) -> None:
    """Raise nothing, the only error, or an `CollectedErrors` of all.

    Raises:
        SecretsPipelineError: if `errors` is not empty.
    """
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise CollectedErrors(errors)
