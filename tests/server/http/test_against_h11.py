"""What the server reads is what an independent parser reads, however the bytes are cut; or the server refuses."""

import asyncio

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.http_in_memory import Heard, converse, cut

METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH")
TARGETS = ("/", "/login", "/a/b?c=d&e=%2F", "/x;y=z?a=b?c", "/" + "p" * 300)
OFFERS = ("h2c", "websocket", "foo/2", "TLS/1.0")

sizes = st.integers(0, 300)
bodies = st.binary(max_size=120) | st.just(b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n") | st.just(b"\r\n\r\n0\r\n\r\n")


def _seen_by_h11(data: bytes) -> tuple[list[tuple[str, str, bytes]], bool]:
    """Return the requests that h11 reads in `data`, and whether it stops before the end of it.

    A connection of its own for each request, since h11 does not pass over empty lines (RFC 9112 section 2.2).
    """
    requests: list[tuple[str, str, bytes]] = []
    while True:
        while data.startswith(b"\r\n"):
            data = data[2:]
        server = h11.Connection(h11.SERVER, max_incomplete_event_size=1_000_000)
        server.receive_data(data)
        body = b""
        try:
            request = server.next_event()
            if not isinstance(request, h11.Request):
                return requests, False
            while isinstance(event := server.next_event(), h11.Data):
                body += bytes(event.data)
        except h11.RemoteProtocolError:
            return requests, True
        if not isinstance(event, h11.EndOfMessage):
            return requests, False
        requests.append((request.method.decode(), request.target.decode(), body))
        server.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
        server.send(h11.EndOfMessage())
        if server.our_state is h11.MUST_CLOSE:
            return requests, True
        data = server.trailing_data[0]


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """One request as the RFCs have it."""
    method, target = draw(st.sampled_from(METHODS)), draw(st.sampled_from(TARGETS))
    fields = [b"Host: localhost"]
    if draw(st.booleans()):
        fields += [b"Connection: Upgrade", b"Upgrade: " + draw(st.sampled_from(OFFERS)).encode()]
    if draw(st.integers(0, 9)) == 0:
        fields.append(b"Connection: close")
    fields += [b"X-Pad: " + b"v" * draw(sizes) for _ in range(draw(st.integers(0, 2)))]
    body = draw(bodies)
    kind = draw(st.sampled_from(("none", "length", "chunks")))
    if kind == "none":
        body = b""
    elif kind == "length":
        fields.append(b"Content-Length: %d" % len(body))
    else:
        fields.append(b"Transfer-Encoding: chunked")
        body = draw(chunked(body))
    return b"%b %b HTTP/1.1\r\n%b\r\n\r\n%b" % (method.encode(), target.encode(), b"\r\n".join(fields), body)


@st.composite
def chunked(draw: st.DrawFn, body: bytes) -> bytes:
    parts = cut(body, *draw(st.lists(sizes, max_size=4)))
    extension = draw(st.sampled_from((b"", b";a", b";a=b", b';a="b c"')))
    trailers = draw(st.sampled_from((b"", b"X-T: 1\r\n", b"Authorization: Bearer a\r\nContent-Type: a/b\r\n")))
    chunks = [b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts]
    return b"".join(chunks) + b"0" + extension + b"\r\n" + trailers + b"\r\n"


streams = st.lists(requests(), min_size=1, max_size=4).map(b"".join)
places = st.lists(st.integers(0, 5000), max_size=8)


def _hear(data: bytes, at: list[int]) -> Heard:
    return asyncio.run(converse(cut(data, *at)))


@given(streams, places)
def test_good_requests_are_read_as_h11_reads_them(stream: bytes, at: list[int]) -> None:
    expected, ends = _seen_by_h11(stream)

    heard = _hear(stream, at)

    assert heard.requests == expected
    assert heard.statuses == [200] * len(expected)
    assert heard.has_ended == ends


@settings(max_examples=20)
@given(streams)
def test_good_requests_may_be_cut_at_every_place(stream: bytes) -> None:
    expected, _ = _seen_by_h11(stream)

    assert asyncio.run(converse(bytes([byte]) for byte in stream)).requests == expected


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A stream in which some bytes were replaced, removed, doubled or added."""
    stream = bytearray(draw(streams))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(stream)))
        new = draw(
            st.sampled_from((b"", b"\r", b"\n", b"\r\n", b" ", b"\t", b"\0", b":", b",", b"0", b"\x85", b"\xa0", b"+"))
        )
        stream[place : place + draw(st.integers(0, 2))] = new
    return bytes(stream)


DAMAGED = (
    b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloGET /x HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n",
    b"\rGET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET  / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
)
"""Streams of which an earlier version read more than h11 does, and their kin."""


def _reads_no_more_than_h11(stream: bytes, at: list[int]) -> None:
    expected, _ = _seen_by_h11(stream)

    heard = _hear(stream, at)

    assert heard.requests == expected[: len(heard.requests)]
    if len(heard.requests) < len(expected):
        assert heard.has_ended
        assert heard.statuses[-1] >= 400


@pytest.mark.parametrize("stream", DAMAGED)
def test_of_a_damaged_request_nothing_is_read_that_h11_does_not_read(stream: bytes) -> None:
    _reads_no_more_than_h11(stream, [])
    _reads_no_more_than_h11(stream, list(range(len(stream))))


@settings(max_examples=200)
@given(damaged(), places)
def test_of_damaged_requests_nothing_is_read_that_h11_does_not_read(stream: bytes, at: list[int]) -> None:
    _reads_no_more_than_h11(stream, at)


@pytest.mark.attacks
@settings(max_examples=5_000)
@given(damaged(), places)
def test_of_many_damaged_requests_nothing_is_read_that_h11_does_not_read(stream: bytes, at: list[int]) -> None:
    _reads_no_more_than_h11(stream, at)
