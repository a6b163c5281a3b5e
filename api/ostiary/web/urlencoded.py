"""Strict parsing of name=value pairs in forms and queries (WHATWG URL section 5)."""

import re
from urllib.parse import parse_qsl

MAX_PARAMETERS = 64

_NO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Unreadable(ValueError):
    """The text is not valid; the message says why, as the end of a sentence."""


def pairs_of(raw: bytes, charset: str = "utf-8") -> list[tuple[str, str]]:
    """Return the pairs in order, including those without a value.

    charset: of the unescaped bytes. Raises Unreadable for bytes or escapes that are not UTF-8 (RFC 3629, so without
    surrogates and overlong forms), malformed escapes, and more than 64 pairs.
    """
    try:
        text = raw.decode(charset)
        if _NO_ESCAPE.search(text):
            raise Unreadable("a percent sign is followed by no two hexadecimal digits")
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except UnicodeDecodeError as error:
        raise Unreadable("it is not form-urlencoded UTF-8") from error
    except Unreadable:
        raise
    except ValueError as error:
        raise Unreadable(f"it has more than {MAX_PARAMETERS} parameters") from error
