"""Where a body ends, and what must not come in one."""

import pytest

from ostiary.server.http.limits import MAX_CHUNK_LINE_BYTES, MAX_CHUNKS, MAX_FIELDS, MAX_TRAILER_BYTES
from tests.support.http_in_memory import Heard, cut, hear

HEAD = b"POST /login HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: localhost\r\n\r\n"
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"


def hear_cut(whole: bytes) -> Heard:
    """Send `whole` in one piece, in two, and byte by byte: what is heard must be the same."""
    heard = hear(whole)
    for pieces in (cut(whole, whole.index(b"\r\n\r\n") + 4), cut(whole, *range(len(whole)))):
        other = hear(*pieces)
        assert (other.requests, other.statuses) == (heard.requests, heard.statuses)
    return heard


@pytest.mark.parametrize("offer", ["h2c", "foo/2", "websocket", "TLS/1.0"])
@pytest.mark.parametrize("body", [b"", b"{}", HIDDEN])
def test_an_offer_to_upgrade_leaves_the_request_what_it_was(offer: str, body: bytes) -> None:
    fields = f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {offer}\r\nHTTP2-Settings: AAMAAABk\r\n".encode()
    whole = HEAD + fields + b"Content-Length: %d\r\n\r\n" % len(body) + body + NEXT

    assert hear_cut(whole).requests == [("POST", "/login", body), ("GET", "/next", b"")]


@pytest.mark.parametrize("offer", ["h2c", "websocket"])
def test_an_offer_to_upgrade_with_a_chunked_body(offer: str) -> None:
    fields = f"Connection: upgrade\r\nUpgrade: {offer}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    whole = HEAD + fields + b"%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN) + NEXT

    assert hear_cut(whole).requests == [("POST", "/login", HIDDEN), ("GET", "/next", b"")]


def test_a_request_behind_one_with_an_offer_is_answered() -> None:
    offered = b"GET /first HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

    assert [target for _, target, _ in hear_cut(offered + offered + NEXT).requests] == ["/first", "/first", "/next"]


@pytest.mark.parametrize(
    "trailer",
    [
        b"Authorization: Bearer token",
        b"Content-Type: application/json",
        b"X-Forwarded-For: 198.51.100.66",
        b"If-Match: *",
        b"Idempotency-Key: a",
        b"Connection: close",
        b"Expect: 100-continue",
        b"X-Odd: a: b",
    ],
)
@pytest.mark.parametrize("announced", [b"", b"Trailer: Authorization, Content-Type\r\n"])
def test_a_trailer_is_no_header_field(trailer: bytes, announced: bytes) -> None:
    whole = HEAD + announced + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" + trailer + b"\r\n\r\n" + NEXT

    heard = hear_cut(whole)

    assert heard.requests == [("POST", "/login", b"{}"), ("GET", "/next", b"")]
    assert trailer.split(b":")[0].decode().lower() not in {name for headers in heard.headers for name in headers}


@pytest.mark.parametrize(
    "end",
    [
        b"0\r\nContent-Length: 5\r\n\r\n",
        b"0\r\ntransfer-encoding: chunked\r\n\r\n",
        b"0\r\nHost: other\r\n\r\n",
        b"0\r\nX-Odd : 1\r\n\r\n",
        b"0\r\n: 1\r\n\r\n",
        b"0\r\nnonsense\r\n\r\n",
        b"0\r\nX-Odd: 1\n\r\n",
        b"0\r\nX-Odd: a\r\n folded\r\n\r\n",
        b"0\r\nX-Odd: a\0\r\n\r\n",
        b"0\n\r\n",
        b"0\r\n\n",
        b"00000000000\r\n\r\n",
        b"0 \r\n\r\n",
        b" 0\r\n\r\n",
        b"0x0\r\n\r\n",
        b"-0\r\n\r\n",
        b"+0\r\n\r\n",
        b"\r\n\r\n",
        b";a\r\n\r\n",
        b"G\r\n\r\n",
        b"0;a\rb\r\n\r\n",
        b"0;a\0b\r\n\r\n",
        b"0,0\r\n\r\n",
        b"FFFFFFFFFFFFFFFFFF\r\n",
        b"2\r\n{}XX0\r\n\r\n",
        b"2\r\n{}\n0\r\n\r\n",
        b"2\n{}\r\n0\r\n\r\n",
        b"2\r\n{}0\r\n\r\n",
        b"1\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_what_is_no_chunk_is_refused(end: bytes) -> None:
    heard = hear_cut(CHUNKED + end + NEXT)

    assert (heard.requests, heard.statuses, heard.has_ended) == ([], [400], True)


def chunks(*sizes: int) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (size, b"a" * size) for size in sizes)


@pytest.mark.parametrize(
    ("fitting", "too_much", "status"),
    [
        (chunks(*[1] * (MAX_CHUNKS - 1)) + b"0\r\n\r\n", chunks(*[1] * MAX_CHUNKS) + b"0\r\n\r\n", 413),
        (
            b"0;" + b"a" * (MAX_CHUNK_LINE_BYTES - 4) + b"\r\n\r\n",
            b"0;" + b"a" * (MAX_CHUNK_LINE_BYTES - 3) + b"\r\n\r\n",
            413,
        ),
        (
            b"0\r\nX: " + b"a" * (MAX_TRAILER_BYTES - 7) + b"\r\n\r\n",
            b"0\r\nX: " + b"a" * (MAX_TRAILER_BYTES - 6) + b"\r\n\r\n",
            431,
        ),
        (b"0\r\n" + b"X: 1\r\n" * MAX_FIELDS + b"\r\n", b"0\r\n" + b"X: 1\r\n" * (MAX_FIELDS + 1) + b"\r\n", 431),
    ],
    ids=["chunks", "chunk lines", "trailer bytes", "trailer fields"],
)
def test_what_surrounds_the_data_is_bounded(fitting: bytes, too_much: bytes, status: int) -> None:
    assert hear(*cut(CHUNKED + fitting, *range(0, 70_000, 1000))).statuses == [200]
    heard = hear(*cut(CHUNKED + too_much, *range(0, 70_000, 1000)))
    assert (heard.requests, heard.statuses, heard.has_ended) == ([], [status], True)


@pytest.mark.parametrize("endless", [b"0;" + b"a" * 50_000, b"0\r\nX-A: " + b"a" * 50_000, b"1" * 50_000])
def test_a_line_without_end_is_refused_early(endless: bytes) -> None:
    heard = hear(*cut(CHUNKED + endless, *range(0, 60_000, 1000)))

    assert heard.requests == []
    assert heard.statuses[0] in (400, 413, 431)


def test_extensions_mean_nothing() -> None:
    whole = CHUNKED + b'2;a;b=c;d="e;f"\r\n{}\r\n0;x\r\n\r\n' + NEXT

    assert hear_cut(whole).requests == [("POST", "/login", b"{}"), ("GET", "/next", b"")]


@pytest.mark.parametrize(
    "garbage", [b"GARBAGE\r\n\r\n", b"\x16\x03\x01", b"GET /x HTTP/1.1\r\n\r\n", b"GET /x HTTP/1.1\r\n" * 5]
)
def test_garbage_behind_a_request_is_answered_after_it(garbage: bytes) -> None:
    heard = hear(HEAD + b"Content-Length: 2\r\n\r\n{}" + garbage)

    assert heard.requests == [("POST", "/login", b"{}")]
    assert heard.statuses == [200, 400]
    assert heard.has_ended


def test_a_client_that_waits_for_permission_gets_it() -> None:
    head = HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    heard = hear(head, b"{}")

    assert heard.answered.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")
    assert b"100 Continue" not in hear(head + b"{}").answered


def test_a_connection_that_is_to_end_ends() -> None:
    heard = hear(HEAD + b"Connection: close\r\n\r\n" + NEXT)

    assert [target for _, target, _ in heard.requests] == ["/login"]
    assert b"\r\nconnection: close\r\n" in heard.answered
    assert heard.has_ended
