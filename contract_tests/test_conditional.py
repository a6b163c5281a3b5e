"""Conditional and compressed requests for what the server holds (RFC 9110 sections 8.8.3, 12.5.3, 13.1.2)."""

import gzip
from collections.abc import Iterator

import httpx
import pytest

from .answers import Contract
from .deployment import Deployment

PLAIN = {"Accept-Encoding": "identity"}
ZIPPED = {"Accept-Encoding": "gzip"}
FILE = "swagger-ui.css"


@pytest.fixture(scope="module")
def client(deployment: Deployment) -> Iterator[httpx.Client]:
    with deployment.client() as found:
        yield found


@pytest.fixture(scope="module")
def contract(deployment: Deployment) -> Contract:
    return Contract(deployment.contract)


METADATA = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")


@pytest.fixture(params=["/openapi.json", "/docs", "/docs/{asset}", *METADATA])
def template(request: pytest.FixtureRequest) -> str:
    """A path of the contract."""
    path: str = request.param
    return path


def _get(client: httpx.Client, template: str, headers: dict[str, str]) -> httpx.Response:
    return client.get(template.format(asset=FILE), headers=headers)


def test_these_are_the_operations_that_answer_304(deployment: Deployment) -> None:
    found = {label for label, operation in deployment.operations.items() if "304" in operation["responses"]}
    well_known = {"GET /.well-known/jwks.json", *(f"GET {path}" for path in METADATA)}
    versions = {"GET /me", "GET /users/{user_id}", "GET /roles/{role_name}"}
    assert found == well_known | versions | {"GET /openapi.json", "GET /docs", "GET /docs/{asset}"}


def test_keys_that_the_client_has_are_not_sent_again(client: httpx.Client, contract: Contract) -> None:
    """They may be too random to be compressed, so they are not among those below."""
    path = "/.well-known/jwks.json"
    first = client.get(path, headers=PLAIN)
    again = client.get(path, headers={**PLAIN, "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, contract.faults("GET", path, again)) == (304, [])


@pytest.mark.parametrize("headers", [PLAIN, ZIPPED])
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_what_the_client_has_is_not_sent_again(
    client: httpx.Client, contract: Contract, template: str, headers: dict[str, str], form: str
) -> None:
    first = _get(client, template, headers)
    again = _get(client, template, {**headers, "If-None-Match": form.format(first.headers["ETag"])})
    assert again.status_code == 304
    assert contract.faults("GET", template, again) == []
    for name in ("ETag", "Vary", "Cache-Control"):
        assert again.headers[name] == first.headers[name]


@pytest.mark.parametrize("known", ['"other"', 'W/"other"', "nonsense", '"', "", '"*"', ",,;"])
def test_what_the_client_does_not_have_is_sent(
    client: httpx.Client, contract: Contract, template: str, known: str
) -> None:
    answer = _get(client, template, {"If-None-Match": known})
    assert answer.status_code == 200
    assert contract.faults("GET", template, answer) == []


def test_a_compressed_answer_has_the_same_content_and_another_etag(
    client: httpx.Client, contract: Contract, template: str
) -> None:
    plain, zipped = (_get(client, template, headers) for headers in (PLAIN, ZIPPED))
    for answer in (plain, zipped):
        assert contract.faults("GET", template, answer) == []
    assert (plain.headers.get("Content-Encoding"), zipped.headers.get("Content-Encoding")) == (None, "gzip")
    assert plain.content == zipped.content
    assert plain.headers["ETag"] != zipped.headers["ETag"]
    assert int(zipped.headers["Content-Length"]) < int(plain.headers["Content-Length"])
    crossed = _get(client, template, {**PLAIN, "If-None-Match": zipped.headers["ETag"]})
    assert crossed.status_code == 200


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip;q=0", None),
        ("*;q=0", None),
        ("identity, gzip;q=0.5", None),
        ("br", None),
        ("nonsense;q=nonsense,,;", None),
        ("*", "gzip"),
        ("deflate, gzip;q=0.1", "gzip"),
        ("GZIP;q=1.000", "gzip"),
    ],
)
def test_the_coding_is_one_that_the_client_accepts(
    client: httpx.Client, template: str, accepted: str, coding: str | None
) -> None:
    answer = _get(client, template, {"Accept-Encoding": accepted})
    assert (answer.status_code, answer.headers.get("Content-Encoding")) == (200, coding)


@pytest.mark.parametrize("headers", [PLAIN, ZIPPED])
def test_head_tells_what_get_would(client: httpx.Client, template: str, headers: dict[str, str]) -> None:
    asked = client.head(template.format(asset=FILE), headers=headers)
    with client.stream("GET", template.format(asset=FILE), headers=headers) as told:
        sent = b"".join(told.iter_raw())
    assert (asked.status_code, asked.content) == (200, b"")
    for name in ("ETag", "Vary", "Content-Type", "Content-Length", "Cache-Control", "Content-Encoding"):
        assert asked.headers.get(name) == told.headers.get(name)
    assert int(asked.headers["Content-Length"]) == len(sent)
    assert headers is PLAIN or gzip.decompress(sent)
    assert client.head(template.format(asset=FILE), headers={**headers, "If-None-Match": "*"}).status_code == 304
