"""What is held in memory: compressed if asked for, named by its ETag, not sent to whoever has it."""

import gzip
import re
import time

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from ostiary.web.cached_response import CachedResponse, prefers_gzip
from tests.conftest import App

CONTENT = b'{"paths": {}}' * 100
PAGES = ("/openapi.json", "/docs", "/docs/initializer.js", "/docs/swagger-ui-bundle.js", "/docs/favicon-32x32.png")
STRONG = r'"[!#-~]+"'


def client_of(held: CachedResponse) -> FlaskClient:
    app = Flask("held", static_folder=None)
    app.add_url_rule("/", view_func=held.answer)
    return app.test_client()


@pytest.fixture
def client() -> FlaskClient:
    return client_of(CachedResponse(CONTENT, "application/json", {"Cache-Control": "no-cache", "X-Odd": "1"}))


ACCEPTED = {
    "gzip": True,
    "GZIP": True,
    "x-gzip": True,
    "gzip, deflate, br, zstd": True,
    "deflate,gzip": True,
    "gzip;q=1.0": True,
    "gzip;q=0.001": True,
    " gzip ; q=0.5 ": True,
    "*": True,
    "*;q=0.1": True,
    "identity;q=0.5, gzip;q=0.5": True,
    "identity;q=0.5, *;q=0.7": True,
    "identity;q=0, gzip": True,
    "": False,
    "identity": False,
    "br": False,
    "gzip;q=0": False,
    "gzip;q=0.000": False,
    "*;q=0": False,
    "*, gzip;q=0": False,
    "identity, gzip;q=0.9": False,
    "gzip;q=0.4, identity;q=0.5": False,
    "gzip;q=2": False,
    "gzip;q=nan": False,
    "gzip;q=-1": False,
    "gzip;q=0.12345": True,
    "gzip;level=9": False,
    "identity;q=0, *;q=0": False,
    "gzipped": False,
    ";;;,,,": False,
}


@pytest.mark.parametrize("accepted", ACCEPTED)
def test_gzip_is_sent_to_whom_it_suits(client: FlaskClient, accepted: str) -> None:
    answer = client.get("/", headers={"Accept-Encoding": accepted})
    assert answer.headers.get("Content-Encoding") == ("gzip" if ACCEPTED[accepted] else None)
    assert (gzip.decompress(answer.data) if ACCEPTED[accepted] else answer.data) == CONTENT
    assert answer.headers["Content-Length"] == str(len(answer.data))
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["Content-Type"] == "application/json"


def test_who_says_nothing_gets_the_content_as_it_is(client: FlaskClient) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.data) == (200, CONTENT)
    assert "Content-Encoding" not in answer.headers


@given(st.text(st.characters(max_codepoint=255)))
def test_any_accept_encoding_is_taken(accepted: str) -> None:
    assert prefers_gzip(accepted) in (True, False)


def test_each_coding_has_a_strong_etag_of_its_own(client: FlaskClient) -> None:
    plain = client.get("/").headers["ETag"]
    zipped = client.get("/", headers={"Accept-Encoding": "gzip"}).headers["ETag"]
    assert plain != zipped
    assert re.fullmatch(STRONG, plain)
    assert re.fullmatch(STRONG, zipped)


def test_the_etag_follows_from_the_content() -> None:
    tags = [client_of(CachedResponse(content, "a/b", {})).get("/").headers["ETag"] for content in (b"1", b"2", b"1")]
    assert tags[0] == tags[2] != tags[1]


MATCHING = ["{}", "W/{}", "*", " * ", '"other", {}', '{}, "other"', 'W/"other" ,W/{}', '"a,b","", {}', "{},"]
OTHER = ['"other"', 'W/"other"', "", "**", '"*"', "nonsense", '"', 'W/"', ",", '"x" "y"']


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize("known", MATCHING)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_has_it_is_told_so(client: FlaskClient, coding: str, known: str, method: str) -> None:
    accepted = {"Accept-Encoding": coding}
    full = client.get("/", headers=accepted)
    asked = {**accepted, "If-None-Match": known.format(full.headers["ETag"])}
    answer = client.open("/", method=method, headers=asked)
    assert (answer.status_code, answer.data) == (304, b"")
    for name in ("ETag", "Vary", "Cache-Control", "X-Odd"):
        assert answer.headers[name] == full.headers[name]
    assert not {"Content-Type", "Content-Encoding", "Content-Length"} & set(answer.headers.keys())


@pytest.mark.parametrize("known", OTHER)
def test_who_has_something_else_gets_it(client: FlaskClient, known: str) -> None:
    answer = client.get("/", headers={"If-None-Match": known})
    assert (answer.status_code, answer.data) == (200, CONTENT)


def test_the_etag_without_its_quotes_is_none(client: FlaskClient) -> None:
    tag = client.get("/").headers["ETag"]
    for known in (tag.strip('"'), tag[:-1], tag[1:], tag.upper().replace("A", "b")):
        assert client.get("/", headers={"If-None-Match": known}).status_code == 200


def test_the_other_coding_is_not_what_one_has(client: FlaskClient) -> None:
    zipped = client.get("/", headers={"Accept-Encoding": "gzip"}).headers["ETag"]
    assert client.get("/", headers={"If-None-Match": zipped}).status_code == 200


def test_what_does_not_shrink_is_sent_as_it_is() -> None:
    answer = client_of(CachedResponse(b"\x89PNG", "image/png", {})).get("/", headers={"Accept-Encoding": "gzip"})
    assert answer.data == b"\x89PNG"
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("filler", [" ", ",", '"', 'W/"', "a", '" "'])
def test_a_long_condition_takes_no_long_time(client: FlaskClient, filler: str) -> None:
    headers = {"If-None-Match": f'"x{filler * 60_000}', "Accept-Encoding": f"gzip{filler * 60_000}"}
    begin = time.process_time()
    assert client.get("/", headers=headers).status_code == 200
    assert time.process_time() - begin < 1


@pytest.mark.parametrize("path", PAGES)
def test_the_page_and_its_contract_are_held(sqlite_app: App, path: str) -> None:
    client = sqlite_app.client
    plain, zipped = client.get(path), client.get(path, headers={"Accept-Encoding": "gzip"})
    assert (gzip.decompress(zipped.data) if zipped.content_encoding else zipped.data) == plain.data
    assert (zipped.content_encoding == "gzip") == (plain.mimetype != "image/png")
    head = client.head(path, headers={"Accept-Encoding": "gzip"})
    assert (head.status_code, head.data) == (200, b"")
    assert (head.headers["ETag"], head.headers["Content-Length"]) == (zipped.headers["ETag"], str(len(zipped.data)))
    again = client.get(path, headers={"Accept-Encoding": "gzip", "If-None-Match": zipped.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/openapi.json", "no-cache"),
        ("/docs", "no-cache"),
        ("/docs/swagger-ui.css", "public, max-age=86400"),
    ],
)
def test_caches_ask_again_for_what_changes_with_the_server(sqlite_app: App, path: str, kept: str) -> None:
    assert sqlite_app.client.get(path).headers["Cache-Control"] == kept
