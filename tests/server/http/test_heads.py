"""Which heads are requests, and what is answered to those that are not."""

import pytest

from ostiary.server.http.limits import MAX_EMPTY_LINES, MAX_FIELDS, MAX_HEAD_BYTES, MAX_PATH_ESCAPES, MAX_TARGET_BYTES
from tests.support.http_in_memory import cut, hear

HOST = b"Host: localhost\r\n"
GET = b"GET /healthz HTTP/1.1\r\n"


def status_of(*pieces: bytes) -> int:
    """The status of the one answer to `pieces`, after which the server closes unless it is a 200."""
    heard = hear(*pieces)
    (status,) = heard.statuses
    assert heard.has_ended is (status != 200)
    assert len(heard.requests) == (status == 200)
    return status


@pytest.mark.parametrize(
    "value",
    [
        *(b"localhost", b"localhost:80", b"localhost:", b"127.0.0.1:65535", b"[::1]:8000", b"[::ffff:1.2.3.4]"),
        *(b"id.example", b"ID.Example.", b"a_b-c~d", b"xn--bcher-kva.example"),
    ],
)
def test_a_valid_host_is_served(value: bytes) -> None:
    assert status_of(GET + b"Host: " + value + b"\r\n\r\n") == 200


@pytest.mark.parametrize(
    "value",
    [
        *(b"", b"u:p@127.0.0.1", b"127.0.0.1/a?b#c", b"a b", b"a,b", b"<script>", b"\xff\xfe", b"a:99999x", b"[::1"),
        *(b"a:65536", b"a:99999", b"a:-1", b"a:+80", b"a:8 0", b":80", b"a:80:80", b"::1", b"[::1]x", b"[::1%25eth0]"),
        *(
            b"[1.2.3.4]",
            b"[v1.a]",
            b"[]",
            b"a%00b",
            b"a%2fb",
            b"a\\b",
            b"a\tb",
            b"a;b",
            b"a'b",
            b"a|b",
            b"\xa0a",
            b"a\x85",
        ),
        b"a" * 256,
    ],
)
def test_an_invalid_host_is_refused(value: bytes) -> None:
    assert status_of(GET + b"Host: " + value + b"\r\n\r\n") == 400


@pytest.mark.parametrize(
    ("request_line", "fields", "status"),
    [
        (b"GET /healthz HTTP/1.1", b"", 400),
        (b"GET /healthz HTTP/1.1", HOST + HOST, 400),
        (b"GET /healthz HTTP/1.0", b"Connection: keep-alive\r\n", 200),
        (b"GET /healthz HTTP/1.0", HOST + HOST, 400),
        (b"GET /healthz HTTP/1.0", b"Host: a,b\r\n", 400),
        (b"GET /healthz HTTP/1.2", HOST, 200),
        (b"GET /healthz HTTP/1.2", b"", 400),
        (b"GET /healthz HTTP/2.0", HOST, 505),
        (b"GET /healthz HTTP/2.0", b"", 505),
        (b"GET /healthz HTTP/3.0", HOST, 505),
        (b"GET /healthz HTTP/9.9", HOST, 505),
        (b"PRI * HTTP/2.0", b"", 400),
        (b"GET /healthz HTTP/0.9", HOST, 400),
        (b"GET /healthz", b"", 400),
        (b"GET /healthz http/1.1", HOST, 400),
        (b"GET /healthz HTTP/1.10", HOST, 400),
        (b"GET /healthz HTTP/01.1", HOST, 400),
        (b"GET /healthz HTTP/1.1 ", HOST, 400),
        (b"GET  /healthz HTTP/1.1", HOST, 400),
        (b"GET\t/healthz HTTP/1.1", HOST, 400),
        (b"get /healthz HTTP/1.1", HOST, 400),
        (b"G@T /healthz HTTP/1.1", HOST, 400),
        (b"GET healthz HTTP/1.1", HOST, 400),
        (b"GET * HTTP/1.1", HOST, 400),
        (b"OPTIONS * HTTP/1.1", HOST, 200),
        (b"CONNECT localhost:80 HTTP/1.1", HOST, 400),
        (b"CONNECT / HTTP/1.1", HOST, 400),
        (b"GET /a#b HTTP/1.1", HOST, 400),
        (b"GET /a?b#c HTTP/1.1", HOST, 400),
        (b"GET /a\\b HTTP/1.1", HOST, 400),
        (b"GET /<script> HTTP/1.1", HOST, 400),
        (b'GET /a?"b" HTTP/1.1', HOST, 400),
        (b"GET /\xc3\xbc HTTP/1.1", HOST, 400),
        (b"GET /a\x00b HTTP/1.1", HOST, 400),
        (b"GET /a|b?[c]={d}|e HTTP/1.1", HOST, 200),
        (b"GET http://localhost/healthz HTTP/1.1", HOST, 200),
        (b"GET HTTPS://id.example:443/healthz?a=b HTTP/1.1", HOST, 200),
        (b"GET http://localhost HTTP/1.1", HOST, 200),
        (b"GET http://localhost/healthz HTTP/1.1", b"", 400),
        (b"GET javascript://x/healthz HTTP/1.1", HOST, 400),
        (b"GET ftp://a/healthz HTTP/1.1", HOST, 400),
        (b"GET http:/healthz HTTP/1.1", HOST, 400),
        (b"GET http:///healthz HTTP/1.1", HOST, 400),
        (b"GET http://u:p@a/healthz HTTP/1.1", HOST, 400),
        (b"GET http://a,b/healthz HTTP/1.1", HOST, 400),
    ],
)
def test_request_lines(request_line: bytes, fields: bytes, status: int) -> None:
    assert status_of(request_line + b"\r\n" + fields + b"\r\n") == status


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (b"Transfer-Encoding: gzip, chunked\r\n", 501),
        (b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 501),
        (b"Transfer-Encoding: identity, chunked\r\n", 501),
        (b"Transfer-Encoding: gzip\r\n", 400),
        (b"Transfer-Encoding: chunked, gzip\r\n", 400),
        (b"Transfer-Encoding: chunked, chunked\r\n", 400),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
        (b"Transfer-Encoding: xchunked\r\n", 400),
        (b"Transfer-Encoding: chunked;a=b\r\n", 400),
        (b'Transfer-Encoding: "chunked"\r\n', 400),
        (b"Transfer-Encoding: \x0bchunked\r\n", 400),
        (b"Transfer-Encoding: \xa0chunked\r\n", 400),
        (b"Transfer-Encoding: \r\n", 400),
        (b"Transfer-Encoding: " + b"a, " * 100 + b"chunked\r\n", 400),
        (b"Transfer-Encoding : chunked\r\n", 400),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400),
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
        (b"Transfer-Encoding:\r\n chunked\r\n", 400),
        (b"Content-Length: 0\r\nContent-Length: 0\r\n", 400),
        (b"Content-Length: 0, 0\r\n", 400),
        (b"Content-Length: +0\r\n", 400),
        (b"Content-Length: -5\r\n", 400),
        (b"Content-Length: 0x0\r\n", 400),
        (b"Content-Length: 0_0\r\n", 400),
        (b"Content-Length: \xd9\xa0\r\n", 400),
        (b"Content-Length: \r\n", 400),
        (b"Content-Length: 99999999999999999999\r\n", 400),
        (b"X-Odd: a\r\n b\r\n", 400),
        (b"X-Odd: a\r\n\tb\r\n", 400),
        (b"X-Odd : 1\r\n", 400),
        (b"X-Odd: a\0b\r\n", 400),
        (b"X-Odd: a\rb\r\n", 400),
        (b"X-Odd: a\nY: b\r\n", 400),
        (b"nonsense\r\n", 400),
        (b": 1\r\n", 400),
        (b"X(Odd): 1\r\n", 400),
        (b"X-Odd: \xc3\xbc \x80\r\n", 200),
    ],
)
def test_header_fields(fields: bytes, status: int) -> None:
    whole = b"POST /login HTTP/1.1\r\n" + HOST + fields + b"\r\n"

    assert status_of(whole) == status
    assert status_of(*cut(whole, *range(len(whole)))) == status


def test_a_transfer_coding_before_http_1_1_is_refused() -> None:
    assert status_of(b"POST /login HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == 400


def test_the_host_of_an_absolute_target_counts() -> None:
    (headers,) = hear(b"GET http://id.example:81/a HTTP/1.1\r\n" + HOST + b"\r\n").headers

    assert headers == {"host": "id.example:81"}


def test_a_head_up_to_the_bound_is_served_and_a_longer_one_is_refused() -> None:
    frame = GET + HOST + b"X-Long: \r\n\r\n"
    whole = frame.replace(b": \r\n", b": " + b"a" * (MAX_HEAD_BYTES - len(frame)) + b"\r\n")

    assert status_of(whole) == 200
    assert status_of(*cut(whole, *range(0, len(whole), 4096))) == 200
    assert status_of(whole.replace(b"aa", b"aaa", 1)) == 431
    assert status_of(*cut(GET + b"X-Endless: " + b"a" * MAX_HEAD_BYTES, *range(0, MAX_HEAD_BYTES, 4096))) == 431


def test_fields_up_to_the_bound_are_served_and_more_are_refused() -> None:
    assert status_of(GET + HOST + b"X-Many: 1\r\n" * (MAX_FIELDS - 1) + b"\r\n") == 200
    assert status_of(GET + HOST + b"X-Many: 1\r\n" * MAX_FIELDS + b"\r\n") == 431


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\xff",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"PROXY TCP4 1.2.3.4 ",
        b"\n",
    ],
)
def test_what_is_no_http_is_refused_before_its_end(garbage: bytes) -> None:
    assert status_of(garbage) == 400


def test_a_target_up_to_the_bound_is_served_and_a_longer_one_is_refused() -> None:
    path = b"/" + b"a" * (MAX_TARGET_BYTES - 1)

    assert status_of(b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n") == 200
    assert status_of(b"GET " + path + b"a HTTP/1.1\r\n" + HOST + b"\r\n") == 414
    escapes = b"%61" * MAX_PATH_ESCAPES
    assert status_of(b"GET /" + escapes + b" HTTP/1.1\r\n" + HOST + b"\r\n") == 200
    assert status_of(b"GET /" + escapes + b"%61 HTTP/1.1\r\n" + HOST + b"\r\n") == 414
    assert status_of(*cut(b"GET /" + b"a" * MAX_HEAD_BYTES, *range(0, MAX_HEAD_BYTES, 4096))) == 414


def test_empty_lines_before_a_request_are_passed_over() -> None:
    assert status_of(b"\r\n" * MAX_EMPTY_LINES + GET + HOST + b"\r\n") == 200
    assert status_of(*[b"\r\n"] * (MAX_EMPTY_LINES + 1)) == 400
    assert status_of(b"\r\n\r", b"\n", GET, HOST + b"\r\n") == 200


def test_a_refusal_has_the_headers_of_every_answer() -> None:
    answered = hear(GET + b"\r\n").answered

    head, _, body = answered.partition(b"\r\n\r\n")
    lines = dict(line.split(b": ", 1) for line in head.splitlines()[1:])
    assert lines[b"x-content-type-options"] == b"nosniff"
    assert lines[b"cache-control"] == b"no-store"
    assert lines[b"content-type"] == b"application/problem+json"
    assert lines[b"connection"] == b"close"
    assert int(lines[b"content-length"]) == len(body)
    assert lines[b"date"].endswith(b" GMT")
