"""Gomplate's functions, put together from its namespaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from secrets_pipeline.golang.template.functions.environment import RenderingEnvironment
from secrets_pipeline.golang.template.functions.namespaces import (
    arithmetic,
    checks,
    coll,
    conv,
    documents,
    impure,
    matching,
    texts,
)
from secrets_pipeline.golang.template.functions.namespaces.coercion import constant
from secrets_pipeline.golang.template.functions.refused import NETWORK, refuse, refuse_namespace
from secrets_pipeline.golang.values import Function, Namespace

_FILES: Final = "reading files is not supported; use `!include`"
_ACCOUNT: Final = "asking AWS is not supported; write the value into the stack, or use `!aws.account_id` and the like"
_TEMPLATES: Final = "write `define` and `template`"

_REFUSED: Final = (
    refuse_namespace("file", ("Exists", "IsDir", "Read", "ReadDir", "Stat", "Walk", "Write"), _FILES),
    refuse_namespace(
        "aws",
        (
            "ARN", "Account", "DecryptKMS", "EC2Dynamic", "EC2Meta", "EC2Region", "EC2Tag", "EC2Tags", "EncryptKMS",
            "KMSDecrypt", "KMSEncrypt", "UserID",
        ),
        _ACCOUNT,
    ),
    refuse_namespace("gcp", ("Meta",), NETWORK),
    refuse_namespace(
        "net",
        (
            "CIDRHost", "CIDRNetmask", "CIDRSubnets", "CIDRSubnetSizes", "LookupCNAME", "LookupIP", "LookupIPs",
            "LookupSRV", "LookupSRVs", "LookupTXT", "ParseAddr", "ParseIP", "ParseIPPrefix", "ParseIPRange",
            "ParsePrefix", "ParseRange", "StdParseCIDR", "StdParseIP",
        ),
        NETWORK,
    ),
    refuse_namespace(
        "sockaddr",
        (
            "AllInterfaces", "Attr", "DefaultInterfaces", "Exclude", "GetAllInterfaces", "GetDefaultInterfaces",
            "GetInterfaceIP", "GetInterfaceIPs", "GetPrivateIP", "GetPrivateIPs", "GetPrivateInterfaces", "GetPublicIP",
            "GetPublicIPs", "GetPublicInterfaces", "Include", "Join", "Limit", "Math", "Offset", "Sort", "Unique",
        ),
        NETWORK,
    ),
    refuse_namespace("tmpl", ("Exec", "Inline"), _TEMPLATES),
)  # fmt: skip
_PURE: Final = (
    Namespace("strings", texts.METHODS),
    Namespace("coll", coll.METHODS),
    Namespace("conv", conv.METHODS),
    Namespace("data", documents.METHODS),
    Namespace("math", arithmetic.METHODS),
    Namespace("regexp", matching.REGEXP),
    Namespace("path", matching.PATH),
    Namespace("filepath", matching.FILEPATH),
    Namespace("test", checks.TEST),
    Namespace("base64", checks.BASE64),
    Namespace("crypto", checks.CRYPTO),
)


_FUNCTIONS: Final[Mapping[str, Function]] = {
    **{namespace.name: constant(namespace) for namespace in (*_PURE, *_REFUSED)},
    **texts.ALIASES,
    **coll.ALIASES,
    **conv.ALIASES,
    **documents.ALIASES,
    **arithmetic.ALIASES,
    **checks.TEST_ALIASES,
    "ec2meta": refuse("ec2meta", _ACCOUNT),
    "ec2dynamic": refuse("ec2dynamic", _ACCOUNT),
    "ec2tag": refuse("ec2tag", _ACCOUNT),
    "ec2region": refuse("ec2region", _ACCOUNT),
    "tpl": refuse("tpl", _TEMPLATES),
}


def gomplate(environment: RenderingEnvironment) -> Mapping[str, Function]:
    """Gomplate v3's functions: https://docs.gomplate.ca/functions/.

    Args:
        environment: what the functions read besides their arguments.
    """
    namespaces = (
        Namespace("env", impure.env_methods(environment)),
        Namespace("time", impure.time_methods(environment)),
        Namespace("random", impure.random_methods(environment)),
        Namespace("uuid", impure.uuid_methods(environment)),
    )
    return {
        **_FUNCTIONS,
        **{namespace.name: constant(namespace) for namespace in namespaces},
        "getenv": impure.getenv(environment),
    }
