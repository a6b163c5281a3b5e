"""Where a message ends: Upgrade offers, chunks, trailers, lengths, transfer codings, the order of answers."""

from benchmarks.shapes.answers import Exchange
from benchmarks.shapes.shape import (
    CREDENTIALS,
    REGISTER,
    TOKEN,
    Right,
    Shape,
    answers,
    any_of,
    chunk,
    get,
    head,
    last,
    post,
    post_chunked,
    refused,
    refused_or_waiting,
    too_large,
)

HEALTH = get("/healthz")
UPGRADES = ("h2c", "foo/2", "websocket", "TLS/1.0")
LARGE = 128 * 1024
FORGED = "198.51.100.66"
JDK = "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA"
"""What the HTTP/1.1 offer of the JDK's HttpClient carries."""


def _offer(protocol: str) -> tuple[str, str]:
    return "Connection: Upgrade", f"Upgrade: {protocol}"


def _logged_in_first(exchange: Exchange) -> bool:
    return bool(exchange.bodies) and b"access_token" in exchange.bodies[0]


def _first(status: int) -> Right:
    """The first answer has this status and at most one refusal follows, with which the connection ends."""
    return lambda exchange: (
        exchange.statuses[:1] == [status] and exchange.statuses[1:] in ([], [400]) and exchange.closed
    )


def _both(*rights: Right) -> Right:
    return lambda exchange: all(right(exchange) for right in rights)


def _upgrades() -> list[Shape]:
    kind, rfc = "upgrade", "9110 7.8"
    shapes = []
    for protocol in UPGRADES:
        start = post("/register", *_offer(protocol))
        shapes += [
            Shape(f"offer of {protocol}, body in one piece", kind, (start + REGISTER,), answers(201), rfc),
            Shape(f"offer of {protocol}, body in two pieces", kind, (start, REGISTER), answers(201), rfc),
        ]
    hidden = post("/register", *_offer("h2c"), body=HEALTH)
    chunked = post_chunked("/register", *_offer("h2c"))
    both = get("/healthz", *_offer("h2c")) + HEALTH
    jdk = post("/register", "Connection: Upgrade, HTTP2-Settings", JDK, "Upgrade: h2c")
    return [
        *shapes,
        Shape("a request hidden in the body of an offer, one piece", kind, (hidden + HEALTH,), answers(400), rfc),
        Shape("a request hidden in the body of an offer, two pieces", kind, (hidden, HEALTH), answers(400), rfc),
        Shape("the offer of the JDK's HttpClient", kind, (jdk + REGISTER,), answers(201), rfc),
        Shape("chunked body of an offer, one piece", kind, (chunked + chunk(REGISTER) + last(),), answers(201), rfc),
        Shape("chunked body of an offer, two pieces", kind, (chunked, chunk(REGISTER) + last()), answers(201), rfc),
        Shape("a request after an offer, one piece", kind, (both,), answers(200, 200), rfc, count=2),
        Shape("offer with HTTP/1.0", kind, (get("/healthz", *_offer("h2c"), version="HTTP/1.0"),), answers(200), rfc),
    ]


def _trailers() -> list[Shape]:
    kind, merge, large = "trailers", "9110 6.5.1", "9110 5.4"
    protected = head("GET", "/protected", "Transfer-Encoding: chunked")
    trailer = last(b"Authorization: Bearer " + TOKEN)
    untyped = post_chunked("/login", json_type=False)
    register = post_chunked("/register") + chunk(REGISTER)
    many = b"".join(b"X-Trailer-%d: %s\r\n" % (number, b"b" * 1000) for number in range(LARGE // 1000))
    json_trailer = last("Content-Type: application/json")
    return [
        Shape("Authorization as a trailer, one piece", kind, (protected + trailer,), answers(401), merge),
        Shape("Authorization as a trailer, two pieces", kind, (protected, trailer), answers(401), merge),
        Shape("Content-Type as a trailer", kind, (untyped + chunk(b"{}") + json_trailer,), answers(415), merge),
        Shape("a harmless trailer", kind, (register + last("X-Checksum: 1"),), answers(201), "9112 7.1.2"),
        Shape("128 KiB of trailers", kind, (register + b"0\r\n" + many + b"\r\n",), too_large, large),
        Shape("one trailer of 128 KiB", kind, (register + last(b"X: " + b"b" * LARGE),), too_large, large),
    ]


def _chunks() -> list[Shape]:
    kind, rfc = "chunks", "9112 7.1"
    start = post_chunked("/register")
    long = chunk(REGISTER, b";a=" + b"b" * LARGE) + last()
    bad = (
        ("chunk size with 0x", b"0x5\r\nabcde\r\n" + last()),
        ("negative chunk size", b"-5\r\nabcde\r\n" + last()),
        ("chunk size of 17 digits", b"10000000000000005\r\nabcde\r\n" + last()),
        ("chunk lines that end with LF", chunk(REGISTER, end=b"\n") + b"0\n\n"),
        ("no line end after a chunk", b"5\r\nabcde" + last()),
    )
    return [
        Shape("a chunk extension", kind, (start + chunk(REGISTER, b";a=b") + last(),), answers(201), "9112 7.1.1"),
        Shape("a chunk extension of 128 KiB", kind, (start + long,), too_large, "9112 7.1.1"),
        *(Shape(name, kind, (start + body,), refused_or_waiting(400, 413), rfc) for name, body in bad),
    ]


def _lengths() -> list[Shape]:
    kind, cl, te = "lengths and codings", "9112 6.3", "9112 6.1"
    size = str(len(REGISTER))
    whole = chunk(REGISTER) + last()
    closing = any_of(refused(400), lambda exchange: exchange.statuses == [201] and exchange.closed)
    old = head("POST", "/register", "Content-Type: application/json", "Transfer-Encoding: chunked", version="HTTP/1.0")
    bad_lengths = (f"{size}, {len(REGISTER) + 1}", f"+{size}", hex(len(REGISTER)), f"-{size}", f"{size}_0", "1" * 30)
    codings = (
        ("gzip, chunked", (501,)),
        ("gzip", (400, 501)),
        ("chunked, chunked", (400, 501)),
        ("\x0bchunked", (400, 501)),
    )
    two = post("/register", f"Content-Length: {len(REGISTER) + 1}")
    both = post("/register", "Transfer-Encoding: chunked")
    spaced = head("POST", "/register", "Content-Type: application/json", "Transfer-Encoding : chunked")
    same = post("/register", length=f"{size}, {size}") + REGISTER
    return [
        *(
            Shape(
                f"Content-Length: {length}", kind, (post("/register", length=length) + REGISTER,), refused(400, 413), cl
            )
            for length in bad_lengths
        ),
        Shape("the same Content-Length as a list", kind, (same,), any_of(answers(201), refused(400)), cl),
        Shape("two lengths that differ", kind, (two + REGISTER,), refused(400), cl),
        Shape("Content-Length and Transfer-Encoding", kind, (both + whole,), closing, cl),
        *(
            Shape(
                f"Transfer-Encoding: {coding!r}",
                kind,
                (post_chunked("/register", coding=coding) + whole,),
                refused(*statuses),
                te,
            )
            for coding, statuses in codings
        ),
        Shape("Transfer-Encoding in HTTP/1.0", kind, (old + whole,), closing, te),
        Shape("a space before the colon", kind, (spaced + whole,), refused(400), "9112 5.1"),
    ]


def _order() -> list[Shape]:
    kind, rfc = "order", "9112 9.3.2"
    login = head("POST", "/login", "Content-Type: application/json", "Content-Length: @LENGTH@") + CREDENTIALS
    ordered = _both(answers(200, 200), _logged_in_first)
    kept = _both(_first(200), _logged_in_first)
    large = get("/healthz", b"X: " + b"a" * LARGE)
    refused_late = lambda exchange: _logged_in_first(exchange) and exchange.statuses in ([200], [200, 431], [200, 400])  # noqa: E731
    waiting = post("/register", "Expect: 100-continue")
    body = b"a" * 70_000
    over = post("/register", body=body) + body + HEALTH
    step = any_of(answers(413, 200), refused(413))
    return [
        Shape("a login and a quick request after it", kind, (login + HEALTH,), ordered, rfc, count=2),
        Shape("a login and bytes that are not HTTP", kind, (login + b"GARBAGE\r\n\r\n",), kept, rfc, count=2),
        Shape("a login and a request without Host", kind, (login + get("/healthz", host=None),), kept, rfc, count=2),
        Shape("a login and a head of 128 KiB", kind, (login + large,), refused_late, rfc, count=2),
        Shape("fifty requests in one piece", kind, (HEALTH * 50,), answers(*[200] * 50), rfc, count=50),
        Shape(
            "HEAD and a request after it",
            kind,
            (head("HEAD", "/healthz") + HEALTH,),
            answers(200, 200),
            "9110 9.3.2",
            count=2,
            heads=(True, False),
        ),
        Shape("Expect: 100-continue", kind, (waiting, REGISTER), answers(201), "9110 10.1.1"),
        Shape("a body over the limit and a request after it", kind, (over,), step, "9110 15.5.14", count=2),
    ]


SHAPES = (*_upgrades(), *_trailers(), *_chunks(), *_lengths(), *_order())
"""All of them."""
