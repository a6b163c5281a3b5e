"""Only the path of an operation, as it is documented, reaches it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ostiary.server.paths import MAX_PATH, may_match
from tests.support.raw_http import exchange, request
from tests.support.servers import ServerProcess

FOUND = [
    "/things/a/parts",
    "/things/%61/part%73",
    "/%74hings/a/parts",
    "/things/a%3Fb/parts",
    "/things/a%5Cb/parts",
    "/echo/a%2Fb",
]
NOT_FOUND = [
    "//things/a/parts",
    "///things/a/parts",
    "/%2Fthings/a/parts",
    "/%2f%2fthings/a/parts",
    "%2Fthings/a/parts",
    "/things//a/parts",
    "/things/a//parts",
    "/things/a/parts/",
    "/./things/a/parts",
    "/%2e/things/a/parts",
    "/things/a/parts/.",
    "/things/a/./parts",
    "/x/../things/a/parts",
    "/things/./parts",
    "/things/%2e%2E/parts",
    "/echo/a/../b",
    "/x/%2e%2e/things/a/parts",
    "/things/a%2Fparts",
    "/things%2Fa/parts",
    "/things/a%2fb/parts",
    "/things\\a/parts",
    "\\things/a/parts",
    "/things/a/parts%00",
    "/things/a/parts;x=y",
    "/things;x/a/parts",
    "/things/a/parts%20",
    "/things/a/parts%0a",
    "/things/a/parts%",
    "/things/a/parts%3F",
    "/things/%252F/parts/",
    "/Things/a/parts",
    "/things/" + "%61" * MAX_PATH + "/parts",
    "/things/" + "a" * MAX_PATH + "/parts",
]


@pytest.mark.parametrize("target", FOUND)
def test_what_is_the_same_by_rfc_3986_is_found(server: ServerProcess, target: str) -> None:
    assert b" 200 " in exchange(server.url, request("GET", target)).split(b"\r\n")[0]


@pytest.mark.parametrize("target", NOT_FOUND)
def test_what_only_resembles_a_path_is_not(server: ServerProcess, target: str) -> None:
    status = exchange(server.url, request("GET", target)).split(b"\r\n")[0]
    assert any(code in status for code in (b" 404 ", b" 400 ", b" 414 "))  # a server may refuse it by itself


RULE = "/things/<name>/parts"


@pytest.mark.parametrize(
    ("environ", "rule", "plain"),
    [
        ({"PATH_INFO": "/things/a/parts"}, RULE, True),
        ({"PATH_INFO": "//things/a/parts"}, RULE, False),
        ({"PATH_INFO": "/things/a/parts", "RAW_URI": "//things/a/parts?x"}, RULE, False),
        ({"PATH_INFO": "/things/a/parts", "REQUEST_URI": "/things%2Fa/parts"}, RULE, False),
        ({"PATH_INFO": "/things/a/parts", "REQUEST_URI": "/things/a/parts?x=%2F//"}, RULE, True),
        ({"PATH_INFO": "/things/a/parts", "RAW_URI": "http://host//x/things/a/parts"}, RULE, False),
        ({"PATH_INFO": "/things/a/parts", "RAW_URI": "http://host/things/a/parts?//"}, RULE, True),
        ({"PATH_INFO": "/echo/a/b", "RAW_URI": "/echo/a%2Fb"}, "/echo/<path:rest>", True),
        ({"PATH_INFO": "//echo/a/b", "RAW_URI": "/%2Fecho/a/b"}, "/echo/<path:rest>", False),
        ({"PATH_INFO": "/things/a/parts", "RAW_URI": "/things/a%2Fparts"}, None, False),
        ({"PATH_INFO": ""}, None, True),
        ({}, None, True),
    ],
)
def test_the_path_is_judged_as_it_was_sent_if_the_server_tells(environ: dict, rule: str | None, plain: bool) -> None:
    assert may_match(environ, rule) is plain


@example("/things//a/parts")
@given(st.text(st.characters(max_codepoint=255), max_size=40))
def test_any_path_is_judged(path: str) -> None:
    resembles = path.startswith("//") or not {".", ".."}.isdisjoint(path.split("/")[1:])
    assert may_match({"PATH_INFO": path}, RULE) is not resembles
