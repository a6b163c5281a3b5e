"""Check which request paths can lead to an operation.

Werkzeug removes all leading slashes before it looks for a route, and a server decodes the path before the application
gets it. So a proxy that guards paths could take `//users`, `/%2Fusers` and `/users/1%2Froles` for other operations than
the application does. Percent-encoded letters are harmless: by RFC 3986 section 6.2.2.2, `/%6de` and `/me` are the same
path.
"""

import re
from typing import Any

MAX_PATH = 16_384
"""Bytes of a path before decoding, which takes a millisecond. The longest path of an operation has about 250 bytes."""

_SUSPECT = re.compile(r"//|/\.|[%?]")
_SEPARATOR = re.compile("%2f", re.IGNORECASE)
_DOT_SEGMENT = re.compile(r"/\.\.?(?:/|$)")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


def _forms(environ: dict[str, Any]) -> list[str]:
    """Return the decoded path of a WSGI environ and, if the server provides it, the path as it was sent."""
    forms: list[str] = [environ.get("PATH_INFO", "")]
    # The first is set by gunicorn and Werkzeug, the second by ostiary.server.environ, uWSGI and mod_wsgi. Other servers
    # have only the decoded path.
    sent = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if sent:
        target = sent if sent.startswith("/") else _ABSOLUTE.sub("", sent, count=1)
        forms.append(target.partition("?")[0])
    return forms


def may_match(environ: dict[str, Any], rule: str | None) -> bool:
    """Return whether the path of a WSGI environ may lead to the route of this Flask rule.

    It may not if it begins with two slashes, is too long, or has a segment `.` or `..`, which a client or a proxy may
    remove (RFC 3986 section 6.2.2.3). A percent-encoded slash is part of a segment (RFC 3986 section 2.2), so it is
    allowed only if the rule takes several segments as one value (`<path:name>`). NUL and backslash need no check: they
    separate nothing, and no name contains them.
    """
    sent = environ.get("REQUEST_URI")
    if sent and sent == environ.get("PATH_INFO") and len(sent) <= MAX_PATH and not _SUSPECT.search(sent):
        return True  # nearly every request
    forms = _forms(environ)
    if _DOT_SEGMENT.search(forms[0]) or any(len(form) > MAX_PATH or form.startswith("//") for form in forms):
        return False
    return (rule is not None and "<path:" in rule) or not any(_SEPARATOR.search(form) for form in forms)
