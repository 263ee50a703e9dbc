"""Go's URLs, and Sprig's functions for them (documentation: "URL Functions")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.template.functions.characters import decoded
from secrets_pipeline.golang.template.functions.kinds import kind_of_type
from secrets_pipeline.golang.values import Function, Value

_CONTROL: Final = re.compile("[\x00-\x1f\x7f]")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_PORT: Final = re.compile(r"(?::[0-9]*)?")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9a-fA-F]{2})")
_NOT_IN_HOST: Final = re.compile(r"[ \\^`{|}]")
_USERINFO: Final = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_SUB_DELIMITERS: Final = "!$&'()*+,;=:[]<>\""
_NOT_ASCII: Final = 0x80
_PATH: Final = "$&+,/:;=@"
_VALID_PATH: Final = re.compile(r"[A-Za-z0-9\-_.~$&+,/:;=@!'()*\[\]%]*")
_FRAGMENT: Final = "$&+,/:;=?@!()*"
_VALID_FRAGMENT: Final = re.compile(r"[A-Za-z0-9\-_.~$&+,/:;=?@!'()*\[\]%]*")
_USER: Final = "$&+,;="


@dataclass(frozen=True, slots=True)
class Url:
    """A URL as Go's net/url holds it.

    Attributes:
        scheme: lower-case, without `:`.
        opaque: what follows the scheme of a URL like `mailto:x@y`.
        userinfo: escaped, without `@`; None if there is none.
        host: with the port.
        path: decoded.
        query: as written, without `?`.
        fragment: decoded, without `#`.
        raw_path: the path as written, if its escapes are not the usual ones.
        raw_fragment: the fragment as written, if its escapes are not the usual ones.
        force_query: whether a `?` is written with nothing behind it.
        omit_host: whether a path begins right behind the scheme.
    """

    scheme: str = ""
    opaque: str = ""
    userinfo: str | None = None
    host: str = ""
    path: str = ""
    query: str = ""
    fragment: str = ""
    raw_path: str = ""
    raw_fragment: str = ""
    force_query: bool = False
    omit_host: bool = False

    @property
    def hostname(self) -> str:
        """The host without port and brackets."""
        host, colon, port = self.host.rpartition(":")
        name = host if colon and _PORT.fullmatch(":" + port) else self.host
        return name[1:-1] if name.startswith("[") and name.endswith("]") else name

    @property
    def port(self) -> str:
        """The port, or nothing."""
        _, colon, port = self.host.rpartition(":")
        return port if colon and _PORT.fullmatch(":" + port) else ""

    def __str__(self) -> str:
        start = f"{self.scheme}:" if self.scheme else ""
        if self.opaque:
            text = start + self.opaque
        else:
            text = start + self._authority()
            path = self.raw_path or ("*" if self.path == "*" else _escaped(self.path, _PATH))
            if path and not path.startswith("/") and self.host:
                text += "/"
            if not text and ":" in path.partition("/")[0]:
                text = "./"
            text += path
        if self.force_query or self.query:
            text += "?" + self.query
        return f"{text}#{self.raw_fragment or _escaped(self.fragment, _FRAGMENT)}" if self.fragment else text

    def _authority(self) -> str:
        if not (self.scheme or self.host or self.userinfo is not None):
            return ""
        if self.omit_host and not self.host and self.userinfo is None:
            return ""
        slashes = "//" if self.host or self.path or self.userinfo is not None else ""
        user = f"{self.userinfo}@" if self.userinfo is not None else ""
        return slashes + user + _escaped(self.host, _SUB_DELIMITERS)


def parse_url(text: str) -> Url:
    """The URL of a text (`url.Parse`).

    Raises:
        ValueError: if it is none, in Go's words but for the URL and its parts, which may hold a password.
    """
    if _CONTROL.search(text):
        raise ValueError("net/url: invalid control character in URL")
    text, _, written_fragment = text.partition("#")
    fragment = _unescaped(written_fragment)
    raw_fragment = written_fragment if written_fragment != _escaped(fragment, _FRAGMENT) else ""
    if not _VALID_FRAGMENT.fullmatch(raw_fragment):
        raw_fragment = ""
    match = _SCHEME.match(text)
    scheme = match[1].lower() if match else ""
    if text.startswith(":"):
        raise ValueError("missing protocol scheme")
    rest = text[match.end() :] if match else text
    force_query = rest.endswith("?") and rest.count("?") == 1
    rest, _, query = rest.partition("?")
    if not rest.startswith("/"):
        if scheme:
            return Url(scheme, rest, query=query, fragment=fragment, raw_fragment=raw_fragment, force_query=force_query)
        if ":" in rest.partition("/")[0]:
            raise ValueError("first path segment in URL cannot contain colon")
    userinfo, host = None, ""
    has_host = rest.startswith("//") and (scheme != "" or not rest.startswith("///"))
    if has_host:
        authority, slash, behind = rest[2:].partition("/")
        rest = slash + behind
        userinfo, host = _authority(authority)
    path = _unescaped(rest)
    raw_path = rest if rest != _escaped(path, _PATH) and _VALID_PATH.fullmatch(rest) else ""
    return Url(
        scheme=scheme,
        userinfo=userinfo,
        host=host,
        path=path,
        query=query,
        fragment=fragment,
        raw_path=raw_path,
        raw_fragment=raw_fragment,
        force_query=force_query,
        omit_host=not has_host and scheme != "" and rest.startswith("/"),
    )


def _authority(text: str) -> tuple[str | None, str]:
    user, at, host = text.rpartition("@")
    end = host.rfind("]") + 1 if host.startswith("[") else max(host.rfind(":"), 0) if ":" in host else len(host)
    if host.startswith("[") and end == 0:
        raise ValueError("missing ']' in host")
    if not _PORT.fullmatch(host, end):
        raise ValueError("invalid port after host")
    for match in re.finditer(r"%([0-9a-fA-F]{2})", host):
        if int(match[1], 16) < _NOT_ASCII and match[0] != "%25":  # hosts escape only what is not ASCII
            raise ValueError("invalid URL escape")
    host = _unescaped(host)
    if _NOT_IN_HOST.search(host):
        raise ValueError("invalid character in host name")
    if not at:
        return None, host
    if not _USERINFO.fullmatch(user):
        raise ValueError("net/url: invalid userinfo")
    name, colon, password = user.partition(":")
    return _escaped(_unescaped(name), _USER) + colon + _escaped(_unescaped(password), _USER), host


def _unescaped(text: str) -> str:
    if _BAD_ESCAPE.search(text):
        raise ValueError("invalid URL escape")
    return decoded(unquote_to_bytes(text))


def _escaped(text: str, safe: str) -> str:
    return quote(text, safe=safe)


def _url_parse(text: str) -> dict[str, Value]:
    try:
        url = parse_url(text)
    except ValueError as error:
        raise FunctionFailure(f"unable to parse url: {error}") from None
    return {
        "scheme": url.scheme,
        "host": url.host,
        "hostname": url.hostname,
        "path": url.path,
        "query": url.query,
        "opaque": url.opaque,
        "fragment": url.fragment,
        "userinfo": url.userinfo or "",
    }


def _url_join(parts: dict[str, Value]) -> str:
    userinfo = _part(parts, "userinfo")
    try:
        user = parse_url(f"proto://{userinfo}@host").userinfo if userinfo else None
    except ValueError as error:
        raise FunctionFailure(f"unable to parse userinfo in dict: {error}") from None
    return str(
        Url(
            scheme=_part(parts, "scheme"),
            opaque=_part(parts, "opaque"),
            userinfo=user,
            host=_part(parts, "host"),
            path=_part(parts, "path"),
            query=_part(parts, "query"),
            fragment=_part(parts, "fragment"),
        )
    )


def _part(parts: dict[str, Value], key: str) -> str:
    value = parts.get(key, "")
    if not isinstance(value, str):
        raise FunctionFailure(f"unable to parse {key} key, must be of type string, but {kind_of_type(value)} found")
    return value


FUNCTIONS: Final[Mapping[str, Function]] = {"urlJoin": _url_join, "urlParse": _url_parse}
