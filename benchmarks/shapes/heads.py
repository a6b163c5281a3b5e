"""Request lines, Host, header fields, credentials, and how much and how slowly a client may send or read."""

from benchmarks.shapes.answers import Exchange
from benchmarks.shapes.framing import LARGE
from benchmarks.shapes.shape import (
    OTHER_SPELLING,
    TOKEN,
    Shape,
    answers,
    any_of,
    ended,
    get,
    head,
    post,
    refused,
    too_large,
)

BAD_HOSTS = (b"", b"u:p@127.0.0.1", b"127.0.0.1/a?b#c", b"a b", b"a,b", b"<script>", b"\xff\xfe", b"a:99999x", b"[::1")
MEMBERS = 8_100
PATIENCE = 75.0
"""Seconds that a slow client waits for the server to give up."""
BUNDLE = get("/docs/swagger-ui-bundle.js", "Accept-Encoding: identity")
BUNDLES = 40
"""More bundles than the sockets' buffers hold."""


def _versions() -> list[Shape]:
    kind, rfc = "versions", "9110 15.6.6"
    unlike = refused(400, 505)
    return [
        Shape("HTTP/2.0", kind, (get("/healthz", version="HTTP/2.0"),), refused(505), rfc),
        Shape("HTTP/3.1", kind, (get("/healthz", version="HTTP/3.1"),), unlike, rfc),
        Shape("HTTP/1.2", kind, (get("/healthz", version="HTTP/1.2"),), any_of(answers(200), refused(505)), "9110 6.2"),
        Shape("HTTP/0.9", kind, (b"GET /healthz\r\n\r\n",), refused(400, 505), "9112 3"),
        Shape("http/1.1 in small letters", kind, (get("/healthz", version="http/1.1"),), refused(400), "9112 2.3"),
        Shape(
            "HTTP/1.0 without Host", kind, (get("/healthz", version="HTTP/1.0", host=None),), answers(200), "9112 3.2"
        ),
        Shape(
            "the preface of HTTP/2",
            kind,
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",),
            any_of(unlike, _speaks_http_2),
            "9113 3.4",
        ),
        Shape(
            "CONNECT",
            kind,
            (head("CONNECT", "a:1", host="a:1"),),
            any_of(*map(answers, (400, 404, 405, 501))),
            "9110 9.3.6",
        ),
    ]


def _speaks_http_2(exchange: Exchange) -> bool:
    return exchange.left[:2] == b"\0\0" and exchange.left[3:4] == b"\4"  # a frame of settings


def _hosts() -> list[Shape]:
    kind, rfc = "Host", "9112 3.2"
    return [
        Shape("no Host", kind, (get("/healthz", host=None),), refused(400), rfc),
        Shape("two Hosts", kind, (get("/healthz", "Host: localhost"),), refused(400), rfc),
        Shape(
            "Host after an HTTP/2.0 request line",
            kind,
            (get("/healthz", version="HTTP/2.0", host=None),),
            refused(400, 505),
            rfc,
        ),
        *(Shape(f"Host: {host!r}", kind, (get("/healthz", host=host),), refused(400), rfc) for host in BAD_HOSTS),
    ]


def _targets() -> list[Shape]:
    kind, paths, foreign = "targets", "3986 6.2", "9110 7.1"
    no_path = any_of(answers(404), refused(400))
    return [
        *(Shape(path, kind, (get(path),), no_path, paths) for path in ("//users", "///healthz", "//oauth/introspect")),
        *(
            Shape(target, kind, (get(target),), any_of(refused(400), answers(400), answers(404), answers(421)), foreign)
            for target in ("javascript://x/healthz", "ftp://a/healthz")
        ),
        Shape("absolute-form", kind, (get("http://localhost/healthz"),), answers(200), "9112 3.2.2"),
        Shape("a fragment", kind, (get("/healthz#a"),), any_of(refused(400), answers(400), answers(404)), "9112 3.2"),
        Shape("a target without a slash", kind, (get("healthz"),), no_path, "9112 3.2"),
        Shape("a space in the target", kind, (get("/healthz x"),), refused(400), "9112 3"),
        Shape("NUL in the target", kind, (get("/healthz\0"),), refused(400), "9112 3"),
    ]


def _fields() -> list[Shape]:
    kind, rfc = "header fields", "9112 5.1"
    broken: tuple[tuple[str, str | bytes, str], ...] = (
        ("a bare CR in a value", b"X: a\rb", "9112 2.2"),
        ("NUL in a value", b"X: a\0b", "9110 5.5"),
        ("a space in a name", b"X Y: a", rfc),
        ("a control character in a name", b"X\x01: a", rfc),
        ("an empty name", b": a", rfc),
        ("a line without a colon", b"nonsense", rfc),
    )
    early = b"GET /healthz HTTP/1.1\r\n Host: localhost\r\n\r\n"
    many = tuple(f"X-{number}: {'a' * 60}" for number in range(LARGE // 64))
    return [
        *(Shape(name, kind, (get("/healthz", field),), refused(400), section) for name, field, section in broken),
        Shape("a folded line", kind, (get("/healthz", b"X: a\r\n b"),), any_of(refused(400), answers(200)), "9112 5.2"),
        Shape("a space before the first field", kind, (early,), refused(400), "9112 2.2"),
        Shape("one field of 128 KiB", kind, (get("/healthz", b"X: " + b"a" * LARGE),), too_large, "9110 5.4"),
        Shape("2,048 fields", kind, (get("/healthz", *many),), too_large, "9110 5.4"),
        Shape(
            "a refusal with the headers of every answer", kind, (get("/healthz", host=None),), _protective, "9110 6.6.1"
        ),
    ]


def _protective(exchange: Exchange) -> bool:
    told = exchange.answers[0].headers if exchange.answers else {}
    return (
        "date" in told and told.get("x-content-type-options") == "nosniff" and told.get("cache-control") == "no-store"
    )


def _credentials() -> list[Shape]:
    kind, rfc = "credentials", "6750 2.1"
    bearer = b"Authorization: Bearer "
    spellings = (
        ("a no-break space after the token", bearer + TOKEN + b"\xa0"),
        ("a no-break space before the token", bearer + b"\xa0" + TOKEN),
        ("NEL after the token", bearer + TOKEN + b"\x85"),
        ("the token in plain base64", bearer + OTHER_SPELLING),
    )
    return [
        Shape("the token", kind, (get("/protected", bearer + TOKEN),), answers(200), rfc),
        *(Shape(name, kind, (get("/protected", field),), answers(401), rfc) for name, field in spellings),
    ]


def _bounded_answer(exchange: Exchange) -> bool:
    return len(exchange.answers) == 1 and 400 <= exchange.statuses[0] < 500 and len(exchange.bodies[0]) < 32_768


def _stopped(exchange: Exchange) -> bool:
    return exchange.closed and len(exchange.answers) < BUNDLES


def _slow() -> list[Shape]:
    kind, rfc = "amounts and time", "CWE-400"
    many = b",".join(b'"%04x":0' % number for number in range(MEMBERS))
    members = b"{" + many[:65_000].rpartition(b",")[0] + b"}"
    crowd = post("/login", body=members)
    body = post("/login", length="60000")
    trickle = (body, *[b"a"] * int(PATIENCE / 2))
    slow_head = (b"GET /healthz HTTP/1.1\r\n", *[b"X: a\r\n"] * int(PATIENCE / 2))
    return [
        Shape("a body of thousands of members", kind, (crowd + members,), _bounded_answer, "CWE-405"),
        Shape("a body that never comes", kind, (body + b'{"username":"',), ended, rfc, seconds=PATIENCE),
        Shape("a body of one byte every 2 s", kind, trickle, ended, rfc, pause=2.0, seconds=1.0),
        Shape(
            "chunks of one byte every 2 s",
            kind,
            (
                head("POST", "/login", "Content-Type: application/json", "Transfer-Encoding: chunked"),
                *[b"1\r\na\r\n"] * int(PATIENCE / 2),
            ),
            ended,
            rfc,
            pause=2.0,
            seconds=1.0,
        ),
        Shape("a head of one line every 2 s", kind, slow_head, ended, rfc, pause=2.0, seconds=1.0),
        Shape("a client that says nothing", kind, (b"",), ended, rfc, seconds=PATIENCE),
        Shape(
            "a client that does not read",
            kind,
            (BUNDLE * BUNDLES,),
            _stopped,
            rfc,
            count=BUNDLES,
            seconds=PATIENCE,
            reads=False,
        ),
    ]


SHAPES = (*_versions(), *_hosts(), *_targets(), *_fields(), *_credentials(), *_slow())
"""All of them."""
