"""Values of header fields (RFC 9110 section 5): white space around a value, credentials, media types.

A value is text decoded as Latin-1. Only space and tab may surround it (section 5.5). `str.strip()` would also remove a
no-break space or NEL, which are content, so two different values would be treated as one.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

OWS = " \t"
"""Optional white space (RFC 9110 section 5.6.3)."""

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110 section 5.6.2
_TOKEN68 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
_QUOTED = r'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
_PARAMETER = re.compile(rf"[ \t]*;[ \t]*(?:({_TOKEN})=({_TOKEN}|{_QUOTED}))?")
_MEDIA_TYPE = re.compile(rf"({_TOKEN}/{_TOKEN})((?:[ \t]*;[ \t]*(?:{_TOKEN}=(?:{_TOKEN}|{_QUOTED}))?)*)")
_ESCAPED = re.compile(r"\\(.)")

MAX_MEDIA_TYPE = 256
"""Maximum characters of a Content-Type. A longer one is not supported."""


def trimmed(value: str) -> str:
    """Return `value` without the white space that may surround it."""
    return value.strip(OWS)


def credential(authorization: str, scheme: str) -> str | None:
    """Return the credential in an Authorization value for `scheme` (in lower case); None for another scheme.

    The only form is the scheme in any case, one or more spaces, and a token68 (RFC 9110 section 11.4), which is also
    the b64token of RFC 6750 section 2.1. For a value of `scheme` in another form, the result is empty.
    """
    found, _, rest = trimmed(authorization).partition(" ")
    if found.lower() != scheme:
        return None
    secret = rest.lstrip(" ")
    return secret if _is_token68(secret) else ""


def _is_token68(text: str) -> bool:
    """Return whether `text` is a token68. Every request needs this, and a pattern would take four times as long."""
    letters = text.rstrip("=")
    return bool(letters) and letters.isascii() and not letters.encode("ascii").translate(None, _TOKEN68)


@lru_cache(maxsize=256)
def media_type(value: str) -> tuple[str, Mapping[str, str]]:
    """Return the media type in lower case and the parameters of a Content-Type (RFC 9110 section 8.3.1).

    Parameter names are in lower case. If the form is wrong or a parameter occurs twice, the type is empty.
    """
    value = trimmed(value)
    found = _MEDIA_TYPE.fullmatch(value) if len(value) <= MAX_MEDIA_TYPE else None
    if found is None:
        return "", {}
    parameters: dict[str, str] = {}
    for name, written in _PARAMETER.findall(found[2]):
        if name:
            if name.lower() in parameters:
                return "", {}
            parameters[name.lower()] = _ESCAPED.sub(r"\1", written[1:-1]) if written.startswith('"') else written
    return found[1].lower(), parameters


def is_utf8(value: str, wanted: str, coding: str) -> bool:
    """Return whether a body of this Content-Type and Content-Encoding is `wanted`, in UTF-8 and not encoded further."""
    found, parameters = media_type(value)
    charset = parameters.get("charset", "utf-8").lower()
    return found == wanted and charset in ("utf-8", "utf8") and trimmed(coding).lower() in ("", "identity")
