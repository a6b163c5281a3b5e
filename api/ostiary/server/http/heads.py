"""The head of a request. llhttp parses it; then further rules of RFC 9110 and RFC 9112 are checked."""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from ostiary.core.problems import (
    BAD_REQUEST,
    HEADERS_TOO_LARGE,
    HTTP_VERSION_NOT_SUPPORTED,
    TARGET_TOO_LONG,
    TRANSFER_CODING_NOT_IMPLEMENTED,
    ProblemType,
)
from ostiary.server.http.limits import (
    MAX_CODING_BYTES,
    MAX_EMPTY_LINES,
    MAX_FIELDS,
    MAX_HEAD_BYTES,
    MAX_PATH_ESCAPES,
    MAX_TARGET_BYTES,
)

_HOST = re.compile(rb"(?:(?P<name>[A-Za-z0-9._~-]{1,255})|\[(?P<ipv6>[0-9A-Fa-f:.]{2,45})\])(?::(?P<port>[0-9]{0,5}))?")
_ABSOLUTE = re.compile(rb"(?i:https?)://(?P<host>[^/?]*)(?P<rest>.*)")
_PATH = re.compile(rb"/[!$%&'()*+,\-./0-9:;=@A-Z\[\]_a-z|~]*")
_QUERY = re.compile(rb"[!$%&'()*+,\-./0-9:;=?@A-Z\[\\\]^_`a-z{|}~]*")
_REQUEST_LINE = re.compile(rb"[A-Z-]+ [\x21-\x7e]+ HTTP/[0-9]\.[0-9]\r\n")
_DIGITS = re.compile(rb"[0-9]{1,18}")
_FRAMING = {b"host": 0, b"content-length": 1, b"transfer-encoding": 2, b"expect": 3}
_BLANK_LINE = b"\r\n\r\n"


class Refused(Exception):
    """The server itself answers the request with `kind` and closes the connection."""

    def __init__(self, kind: ProblemType) -> None:
        super().__init__(kind.code)
        self.kind = kind


@dataclass(slots=True)
class Head:
    """A request without its body.

    version: "1.0" or "1.1". path, query: as they were sent. length: bytes of the body; None: the body is chunked.
    expects_continue: whether the client waits for 100 before it sends the body.
    """

    method: str
    path: bytes
    query: bytes
    version: str
    headers: list[tuple[bytes, bytes]]
    length: int | None
    keep_alive: bool
    expects_continue: bool


class HeadReader:
    """Reads the bytes of one head, in pieces of any size.

    Each head gets a new parser, so neither a body nor an Upgrade offer can confuse it.
    """

    __slots__ = ("_complete", "_empty_lines", "_headers", "_keep_alive", "_parser", "_text", "_url")

    def __init__(self) -> None:
        self._parser = HttpRequestParser(self)
        self._parser.set_dangerous_leniencies(lenient_version=True)  # `_version` checks the version
        self._headers: list[tuple[bytes, bytes]] = []
        self._url = b""
        self._text = b""
        self._empty_lines = 0
        self._complete = False

    @property
    def has_begun(self) -> bool:
        """Whether anything other than empty lines has arrived."""
        return bool(self._text)

    def on_url(self, piece: bytes) -> None:
        """Take a part of the target; called by the parser."""
        self._url += piece
        if len(self._url) > MAX_TARGET_BYTES:
            raise Refused(TARGET_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header field; called by the parser."""
        if len(self._headers) == MAX_FIELDS:
            raise Refused(HEADERS_TOO_LARGE)
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Take the end of the head; called by the parser, which soon drops what the head says about the connection."""
        self._complete = True
        self._keep_alive = self._parser.should_keep_alive()

    def feed(self, data: bytes, start: int) -> tuple[Head | None, int]:
        """Read `data` from `start` on; return the head if it is complete, and the position after the bytes read.

        Raises Refused for data that is not HTTP/1.0 or HTTP/1.1, and for requests that this server does not accept.
        """
        if not self._text:
            while data.startswith(b"\r\n", start):
                start += 2
                self._empty_lines += 1
                if self._empty_lines > MAX_EMPTY_LINES:
                    raise Refused(BAD_REQUEST)
            if data[start:] in (b"", b"\r"):
                return None, start
            if data[start] in b"\r\n":
                raise Refused(BAD_REQUEST)
        end = self._end(data, start)
        is_whole = end >= 0
        if not is_whole:
            end = len(data)
        piece = data[start:end]
        if len(self._text) + len(piece) > MAX_HEAD_BYTES:
            raise Refused(HEADERS_TOO_LARGE)
        self._text += piece
        self._parse(piece)
        if self._complete is not is_whole:  # the parser has found another end of the head
            raise Refused(BAD_REQUEST)
        return (self._head() if self._complete else None), end

    def _end(self, data: bytes, start: int) -> int:
        """Return the position after the empty line, or -1. The line may have begun in an earlier piece."""
        tail = self._text[-3:]
        if tail:
            found = (tail + data[start : start + 3]).find(_BLANK_LINE)
            if found >= 0:
                return start + found + 4 - len(tail)
        found = data.find(_BLANK_LINE, start)
        return found + 4 if found >= 0 else -1

    def _parse(self, piece: bytes) -> None:
        try:
            self._parser.feed_data(piece)
        except HttpParserUpgrade:
            pass  # an offer that is ignored, so the request is handled without it (RFC 9110 section 7.8)
        except HttpParserError as error:
            cause = error.__context__
            raise cause if isinstance(cause, Refused) else Refused(BAD_REQUEST) from None

    def _head(self) -> Head:
        text, headers = self._text, self._headers
        version = _version(self._parser.get_http_version())
        # The parser ignores blanks in the request line that other servers do not ignore. It also joins folded values,
        # which are obsolete (RFC 9112 section 5.2); in that case there are more lines than fields.
        if not _REQUEST_LINE.match(text) or text.count(b"\n") != len(headers) + 2:
            raise Refused(BAD_REQUEST)
        framing: tuple[list[bytes], ...] = ([], [], [], [])
        hosts, lengths, codings, expectations = framing
        for name, value in headers:
            kind = _FRAMING.get(name)
            if kind is not None:
                framing[kind].append(value)
        if len(hosts) != 1 and (hosts or version == "1.1"):
            raise Refused(BAD_REQUEST)
        if hosts and not _is_host(hosts[0]):
            raise Refused(BAD_REQUEST)
        method = self._parser.get_method().decode()
        path, query = self._target(method)
        length = _length(version, lengths, codings) if lengths or codings else 0
        expects_continue = version == "1.1" and [one.lower() for one in expectations] == [b"100-continue"]
        return Head(method, path, query, version, self._headers, length, self._keep_alive, expects_continue)

    def _target(self, method: str) -> tuple[bytes, bytes]:
        """Return path and query of the request target (RFC 9112 section 3.2)."""
        target = self._url
        if target == b"*" and method == "OPTIONS":
            return target, b""
        if not target.startswith(b"/"):
            absolute = _ABSOLUTE.fullmatch(target)
            if absolute is None or method == "CONNECT" or not _is_host(absolute["host"]):
                raise Refused(BAD_REQUEST)
            # The target names the host, and the Host field is ignored (section 3.2.2).
            self._headers = [(name, value) for name, value in self._headers if name != b"host"]
            self._headers.append((b"host", absolute["host"]))
            target = absolute["rest"]
            if not target.startswith(b"/"):
                target = b"/" + target
        path, _, query = target.partition(b"?")
        if not _PATH.fullmatch(path) or not _QUERY.fullmatch(query):
            raise Refused(BAD_REQUEST)
        if path.count(b"%") > MAX_PATH_ESCAPES:
            raise Refused(TARGET_TOO_LONG)
        return path, query


def _version(told: str) -> str:
    """Return "1.0" or "1.1"; higher minor versions count as "1.1" (RFC 9110 section 2.5). Raises Refused."""
    major, _, minor = told.partition(".")
    if major == "1":
        return "1.0" if minor == "0" else "1.1"
    raise Refused(BAD_REQUEST if major == "0" else HTTP_VERSION_NOT_SUPPORTED)


@lru_cache(maxsize=256)
def _is_host(value: bytes) -> bool:
    """Return whether `value` is a host with an optional port (RFC 9110 section 7.2).

    RFC 3986 allows more characters in a registered name, such as commas and percent-encoding. No name in use has them.
    """
    found = _HOST.fullmatch(value)
    if found is None or int(found["port"] or 0) > 65535:
        return False
    if found["ipv6"] is not None:
        try:
            IPv6Address(found["ipv6"].decode())
        except AddressValueError:
            return False
    return True


def _length(version: str, lengths: list[bytes], codings: list[bytes]) -> int | None:
    """Return the bytes of the body, None if it is chunked (RFC 9112 section 6.3); raises Refused."""
    if codings:
        if sum(map(len, codings)) > MAX_CODING_BYTES:
            raise Refused(BAD_REQUEST)
        named = [coding.strip(b" \t").lower() for coding in b",".join(codings).split(b",")]
        # HTTP/1.0 has no transfer codings. With a length in addition, recipients disagree about the end of the body.
        if version == "1.0" or lengths or named[-1] != b"chunked" or b"chunked" in named[:-1]:
            raise Refused(BAD_REQUEST)
        if len(named) > 1:
            raise Refused(TRANSFER_CODING_NOT_IMPLEMENTED)
        return None
    if len(lengths) > 1 or not _DIGITS.fullmatch(lengths[0]):
        raise Refused(BAD_REQUEST)
    return int(lengths[0])
