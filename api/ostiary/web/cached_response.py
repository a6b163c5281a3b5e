"""Answers that are cached in memory, with the validators, conditions and content codings of HTTP (RFC 9110)."""

import gzip
import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from flask import Response, request
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

from ostiary.core.etags import names
from ostiary.web.blueprint import document
from ostiary.web.etags import IF_NONE_MATCH

View = TypeVar("View", bound=Callable[..., Any])


_VALIDATORS: dict[str, Any] = {
    "ETag": {"$ref": "#/components/headers/ETag"},
    "Vary": {"$ref": "#/components/headers/Vary"},
}
HEADERS = _VALIDATORS
"""The headers of an answer with its content, for the contract.

Content-Encoding is not listed. It is negotiated below the level of the contract, and a mock would send it with
uncompressed content.
"""


class _Coded:
    """The content in one coding. It has its own bytes, and so its own strong ETag (RFC 9110 section 8.8.3.3)."""

    def __init__(self, content: bytes, headers: list[tuple[str, str]], entity_headers: list[tuple[str, str]]) -> None:
        self.content = content
        self.etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        self.not_modified = [*headers, ("ETag", self.etag)]
        self.headers = [*entity_headers, *self.not_modified]


class CachedResponse:
    """Content that does not change while the app runs, uncompressed and compressed. A request only selects one.

    content_type: for the header of that name. headers: sent with every answer, including 304. Use only headers with
    which a cache updates its stored response (RFC 9110 section 15.4.5).
    """

    def __init__(self, content: bytes, content_type: str, headers: dict[str, str]) -> None:
        always = [*headers.items(), ("Vary", "Accept-Encoding")]
        type_header = ("Content-Type", content_type)
        self._plain = _Coded(content, always, [type_header])
        zipped = gzip.compress(content, mtime=0)
        self._zipped = self._plain
        if len(zipped) < len(content):
            self._zipped = _Coded(zipped, always, [type_header, ("Content-Encoding", "gzip")])

    def answer(self) -> Response:
        """Return the answer to the current GET or HEAD request: 304 if its If-None-Match has the current ETag."""
        environ = request.environ
        coded = self._zipped if prefers_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")) else self._plain
        known = environ.get("HTTP_IF_NONE_MATCH")
        if known is not None and names(known, coded.etag):
            unchanged = Response(status=304, headers=coded.not_modified)
            del unchanged.headers["Content-Type"]
            return unchanged
        return Response(coded.content, headers=coded.headers)


@lru_cache(maxsize=64)
def prefers_gzip(accepted: str) -> bool:
    """Return whether gzip is the best coding for this Accept-Encoding (RFC 9110 section 12.5.3).

    A coding with an invalid weight is not accepted. If no coding is accepted, the content is sent uncompressed.
    """
    codings = parse_accept_header(accepted, Accept)
    zipped = codings["gzip"] if codings.find("gzip") >= 0 else codings["x-gzip"]
    return zipped > 0 and zipped >= codings["identity"]


def conditional(view: View) -> View:
    """Declare in the contract that `view` returns a cached response: If-None-Match and 304."""
    not_modified = {"description": "The version in If-None-Match is still current.", "headers": _VALIDATORS}
    return document(view, manual={"parameters": [IF_NONE_MATCH], "responses": {304: not_modified}})
