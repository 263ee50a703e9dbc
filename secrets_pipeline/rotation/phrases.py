"""Tell what may be repeated of a rotation function's error: type names, and texts that are known word by word.

Nobody promises that a function's error holds no value, and a short value looks like any other word. Known are the fixed
parts of our own function's sentences, and what AWS's rotation functions, boto3, Lambda and the databases say.
Sources: https://github.com/aws-samples/aws-secrets-manager-rotation-lambdas,
https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-execution.html,
https://www.postgresql.org/docs/current/errcodes-appendix.html and
https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Final

from secrets_pipeline import rotation_lambda

_TYPE: Final = re.compile(
    r"(?:\w+\.)*[A-Z]\w*(?:Error|Exception|Failure|Fault|Timeout|Timedout|Exit|Interrupt)\b(?=:|$)"
)
_TEXTS: Final = (
    # boto3's and AWS's
    r"An error occurred \([A-Za-z.]{1,60}\) when calling the [A-Z][A-Za-z]{2,60} operation",
    r"not authorized to perform: [a-z0-9-]{2,30}:[A-Z][A-Za-z]{2,60}",
    r"Access to KMS is not allowed|KMSInvalidState|pending deletion|(?:KMS |CMK |key )is disabled",
    r"can't (?:de|en)crypt the protected secret text using the provided KMS key",
    r"Could not connect to the endpoint URL|Rate exceeded|Previous rotation",
    # Lambda's
    r"Task timed out after [\d.]{1,9} seconds",
    r"Runtime exited with error: (?:signal: (?:killed|terminated|aborted|segmentation fault)|exit status \d{1,3})",
    r"Runtime exited without providing a reason",
    r"Unable to import module|No module named|cannot import name",
    # AWS's rotation functions'
    r"Unable to log into database with (?:previous, current, or pending|pending|current|master) secret",
    r"Unable to log into database using credentials in master secret",
    r"(?:engine|host|port|username|password|dbname|masterarn) key is missing from secret JSON",
    r"Database engine must be set to '(?:postgres|mysql|mariadb|sqlserver|oracle|redshift|mongo|db2)'",
    r"is not enabled for rotation|has no stage for rotation|not set as AWSPENDING for rotation",
    r"Invalid step parameter|Attempting to modify user",
    # databases' and the network's
    r"(?i:unable to log ?in|password authentication failed|access denied for user|server closed the connection)",
    r"(?i:could not connect|can't connect|can't create a connection|connect(?:ion)? ?timed? ?out|connection reset)",
    r"(?i:name or service not known|temporary failure in name resolution|no route to host|connection refused)",
    r"(?i:network is unreachable)",
)
_KNOWN: Final = re.compile("|".join(_TEXTS))
_WORDS: Final = (
    # PostgreSQL's SQLSTATEs and MySQL's numbers with which a login, or a change of a password, ends
    "08001 08004 08006 28000 28P01 3D000 42501 42704 53300 55006 57P03",
    "1040 1044 1045 1049 1130 1141 1227 1396 1698 1819 1820 2002 2003 2005 2013 3118",
    "AWSCURRENT AWSPENDING AWSPREVIOUS engine host port username dbname masterarn ssl",
    "DescribeDBClusters DescribeDBInstances DescribeSecret GetSecretValue PutSecretValue UpdateSecretVersionStage",
)
_FILLINGS: Final = frozenset(" ".join(_WORDS).split())
"""What may stand in the holes of our own sentences."""
_HOLE: Final = "(.{0,300}?)"
_LONGEST: Final = 2_000


def repeatable(text: str, names: Collection[str]) -> str:
    """What of an error may be repeated; empty if nothing is known.

    Args:
        text: the error, with or without its type.
        names: identifiers that are no values, for example the secret's ARN.
    """
    kind = _TYPE.match(text)
    rest = text[kind.end() :].lstrip(": ")[:_LONGEST] if kind else text[:_LONGEST]
    own, rest = _own(rest, names)
    parts = [*([" ".join(own)] if own else []), *dict.fromkeys(found[0] for found in _KNOWN.finditer(rest))]
    return ": ".join(filter(None, [kind[0] if kind else "", ", ".join(parts)]))


def _own(text: str, names: Collection[str]) -> tuple[list[str], str]:
    """The sentences of our own function that a text begins with, and what follows them."""
    said: list[str] = []
    while found := max(filter(None, (one.match(text) for one in _sentences())), key=_fixed_length, default=None):
        sentence = found[0]
        for start, end in sorted((found.span(number + 1) for number in range(len(found.groups()))), reverse=True):
            hole = found.string[start:end]
            if hole not in names and hole not in _FILLINGS and not _TYPE.fullmatch(hole):
                sentence = f"{sentence[:start]}…{sentence[end:]}"
        said.append(sentence)
        text = text[found.end() :].lstrip()
    return said, text


def _fixed_length(found: re.Match[str]) -> int:
    return len(found[0]) - sum(map(len, found.groups()))


@cache
def _sentences() -> tuple[re.Pattern[str], ...]:
    """What our function's errors are made of: each sentence with holes where something is filled in."""
    folder = Path(str(rotation_lambda.__file__)).parent
    sentences = {text for path in sorted(folder.glob("*.py")) for text in _raised(ast.parse(path.read_text()))}
    return tuple(re.compile(rf"{sentence}(?=\s|$)") for sentence in sorted(sentences))


def _raised(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        match node:
            case ast.Call(func=ast.Name(id=name), args=arguments) if name.endswith("Error"):
                yield from filter(None, map(_pattern, arguments))


def _pattern(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return re.escape(text)
        case ast.JoinedStr(values=parts):
            return "".join(_pattern(part) or _HOLE for part in parts)
        case ast.Call(func=ast.Attribute(value=ast.JoinedStr() as text, attr="strip")):
            return _pattern(text)
    return ""
