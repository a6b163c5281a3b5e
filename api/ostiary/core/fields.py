"""Values of header fields (RFC 9110 section 5): what surrounds a value, credentials, media types.

A value is text decoded as Latin-1. Only space and tab may surround it (section 5.5): `str.strip()` would also remove a
no-break space or NEL, which are content, so two different values would count as one.
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
"""Characters of a Content-Type; a longer one is none of ours."""


def trimmed(value: str) -> str:
    """Return `value` without the white space that may surround it."""
    return value.strip(OWS)


def credential(authorization: str, scheme: str) -> str | None:
    """Return what the value of Authorization holds for `scheme`, in lower case; None if it is for another scheme.

    The one form is the scheme in any case, one or more spaces, and a token68 (RFC 9110 section 11.4), which is also the
    b64token of RFC 6750 section 2.1. A value for `scheme` that has another form gives an empty text.
    """
    found, _, rest = trimmed(authorization).partition(" ")
    if found.lower() != scheme:
        return None
    secret = rest.lstrip(" ")
    return secret if _is_token68(secret) else ""


def _is_token68(text: str) -> bool:
    """Return whether `text` is a token68. Every request asks; a pattern would take four times as long."""
    letters = text.rstrip("=")
    return bool(letters) and letters.isascii() and not letters.encode("ascii").translate(None, _TOKEN68)


@lru_cache(maxsize=256)
def media_type(value: str) -> tuple[str, Mapping[str, str]]:
    """Return the type in lower case and its parameters, as a Content-Type names them (RFC 9110 section 8.3.1).

    Names of parameters are in lower case. What has another form, or a parameter twice, is the empty type.
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
