"""Reading name=value pairs strictly, as forms and queries have them: one reading only (WHATWG URL section 5)."""

import re
from urllib.parse import parse_qsl

MAX_PARAMETERS = 64

_NO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Unreadable(ValueError):
    """It is not what it should be; the text says why, as the end of a sentence."""


def pairs_of(raw: bytes, charset: str = "utf-8") -> list[tuple[str, str]]:
    """Return the pairs in their order, also those without a value.

    charset: that of the bytes that are not escaped. Raises Unreadable for bytes or escapes that are no UTF-8 (RFC 3629:
    surrogates and overlong forms are none), an escape that is none, and more than 64 pairs.
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
