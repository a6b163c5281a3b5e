"""Bodies that no server should swallow."""

import json
from collections.abc import Iterator
from typing import Any

REFUSED = {400, 413, 415, 422}
WRONG_VALUES: tuple[Any, ...] = (None, True, 0, -1, 1.5, 10**40, [], ["text"], {}, {"$ne": None}, "", "x" * 20_000)
DEEP = 100_000


def not_json() -> dict[str, bytes]:
    """Return bodies that are not one well-formed JSON value in UTF-8, by name."""
    return {
        "nothing": b"",
        "white space": b" \n\t ",
        "broken UTF-8": b'{"username": "\xff\xfe\xfd", "password": "password-1"}',
        "overlong UTF-8": b'{"username": "\xc0\xaf\xc0\xaf\xc0\xaf"}',
        "UTF-8 encoded surrogate": b'{"username": "\xed\xa0\x80abc"}',
        "truncated UTF-8": b'{"username": "abc\xe2\x82',
        "UTF-16": '{"username": "user1"}'.encode("utf-16"),
        "UTF-32": '{"username": "user1"}'.encode("utf-32"),
        "byte order mark": b"\xef\xbb\xbf{}",
        "raw NUL": b'{"username": "a\x00b"}',
        "only NULs": b"\x00" * 64,
        "lone surrogate": rb'{"username": "\ud800abc", "password": "password-1", "refresh_token": "\udfff"}',
        "lone surrogate in a name": rb'{"\udc00": 1}',
        "surrogates the wrong way round": rb'{"username": "\udc00\ud800"}',
        "truncated": b'{"username": "user1", "passw',
        "two values": b"{}{}",
        "trailing comma": b'{"username": "user1",}',
        "comment": b'{"username": "user1" /* hm */}',
        "single quotes": b"{'username': 'user1'}",
        "NaN": b'{"username": NaN}',
        "Infinity": b'{"username": -Infinity}',
        "a number of many digits": b'{"username": ' + b"9" * 30_000 + b"}",
        "duplicate members": b'{"username": "user1", "username": "user2", "password": "password-1"}',
        "duplicate members by escapes": rb'{"username": "user1", "\u0075sername": "user2"}',
        "deep arrays": b"[" * 30_000,
        "deep closed arrays": b"[" * 30_000 + b"]" * 30_000,
        "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        "deep within a member": b'{"username": ' + b"[" * 1_000 + b"]" * 1_000 + b"}",
        "urlencoded": b"username=user1&password=password123",
        "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        "pickle": b"\x80\x04\x95\x00\x00\x00\x00.",
    }


def too_large(limit: int) -> dict[str, bytes]:
    """Return well-formed and other bodies of more than `limit` bytes, by name."""
    return {
        "one byte too many": b'{"username": "' + b"x" * (limit - 15) + b'"}',
        "a long string": b'{"username": "' + b"x" * (2 * limit) + b'"}',
        "many members": json.dumps({f"member {number}": number for number in range(limit // 8)}).encode(),
        "deep arrays": b"[" * max(DEEP, limit + 1),
        "white space": b" " * (16 * limit),
    }


def wrong_values(schema: dict[str, Any], good: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield bodies that are well-formed JSON and do not fit `schema`, by name; `good` is one that does."""
    yield from (("null", None), ("a list", []), ("a string", "text"), ("a number", 1), ("true", True), ("{}", {}))
    yield "an unknown member", {**good, "is_admin": True}
    yield "a member in capitals", {name.upper(): value for name, value in good.items()}
    yield "prototype", {**good, "__proto__": {"roles": ["admin"]}}
    for name in schema["required"]:
        yield f"without {name}", {other: value for other, value in good.items() if other != name}
    for name in schema["properties"]:
        for value in WRONG_VALUES:
            yield f"{name} = {json.dumps(value)[:40]}", {**good, name: value}
