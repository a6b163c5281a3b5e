"""Which request paths may lead to an operation at all.

Werkzeug removes all leading slashes before it looks for a route, and a server decodes the path before the application
sees it. So `//users`, `/%2Fusers` and `/users/1%2Froles` would be other operations than a proxy that guards paths takes
them for. Percent-encoded letters are no such case: by RFC 3986 section 6.2.2.2 `/%6de` and `/me` are the same path.
"""

import re
from typing import Any

MAX_PATH = 16_384
"""Bytes of a path as it was sent, which take a millisecond to decode; the longest of an operation has some 250."""

_SUSPECT = re.compile(r"//|/\.|[%?]")
_SEPARATOR = re.compile("%2f", re.IGNORECASE)
_DOT_SEGMENT = re.compile(r"/\.\.?(?:/|$)")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


def _forms(environ: dict[str, Any]) -> list[str]:
    """Return the path of a WSGI environ decoded and, if the server tells, as it was sent."""
    forms: list[str] = [environ.get("PATH_INFO", "")]
    # Of gunicorn and Werkzeug; of ostiary.server.environ, uWSGI and mod_wsgi. Others have only what is decoded.
    sent = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if sent:
        target = sent if sent.startswith("/") else _ABSOLUTE.sub("", sent, count=1)
        forms.append(target.partition("?")[0])
    return forms


def may_match(environ: dict[str, Any], rule: str | None) -> bool:
    """Return whether the path of a WSGI environ may lead to the route of this rule (of Flask), or of a method of it.

    Not if it begins with two slashes, is too long, or has a segment `.` or `..`, which a client or a proxy may remove
    (RFC 3986 section 6.2.2.3). Nor if it has a percent-encoded slash, which is part of a segment (RFC 3986 section
    2.2), unless the rule takes many segments as one value (`<path:name>`). NUL and a backslash separate nothing: they
    are part of a name that nothing has.
    """
    sent = environ.get("REQUEST_URI")
    if sent and sent == environ.get("PATH_INFO") and len(sent) <= MAX_PATH and not _SUSPECT.search(sent):
        return True  # nearly every request
    forms = _forms(environ)
    if _DOT_SEGMENT.search(forms[0]) or any(len(form) > MAX_PATH or form.startswith("//") for form in forms):
        return False
    return (rule is not None and "<path:" in rule) or not any(_SEPARATOR.search(form) for form in forms)
