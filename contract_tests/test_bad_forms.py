"""Bad forms are refused as the contract says; a form whose token is worth nothing is not a bad one."""

import gzip
from collections.abc import Iterator

import httpx
import pytest

from .answers import Contract
from .deployment import Deployment
from .people import User
from .services import FORM
from .test_bad_bodies import LIMIT, TIMEOUT, WRONG_CONTENT_TYPES

NOT_FORMS = {
    "nothing": b"",
    "no token": b"token_type_hint=access_token",
    "a token without a value": b"token=",
    "a token without anything": b"token",
    "two tokens": b"token=a&token=b",
    "the same token twice": b"token=a&token=a",
    "two tokens by escapes": b"token=a&%74oken=b",
    "two hints": b"token=a&token_type_hint=access_token&token_type_hint=refresh_token",
    "a bare percent sign": b"token=%",
    "half an escape": b"token=%2",
    "an escape that is none": b"token=%zz",
    "an escape of a script": b"token=%u0041",
    "broken UTF-8": b"token=%ff%fe",
    "overlong UTF-8": b"token=%c0%af",
    "an encoded surrogate": b"token=%ed%a0%80",
    "raw bytes": b"token=\xc3\xa9",
    "only NULs": b"\0" * 64,
    "JSON": b'{"token": "abc"}',
    "many parameters": b"token=a&" + b"&".join(b"p%d=1" % number for number in range(1000)),
    "a long token": b"token=" + b"x" * 20_000,
    "a long hint": b"token=a&token_type_hint=" + b"x" * 300,
}
WORTHLESS = {
    "text": b"token=nonsense",
    "dots": b"token=..",
    "a line end": b"token=%0d%0aSet-Cookie%3a+a%3db",
    "a NUL": b"token=%00",
    "a key": b"token=%F0%9F%94%91",
    "SQL": b"token=%27+OR+1%3d1+--",
    "a token with unknown parameters": b"token=a&resource=b&a[]=1&__proto__=2",
    "an unknown hint": b"token=a&token_type_hint=pct",
    "a long token": b"token=" + b"x" * 16_000,
}


class Forms:
    """The operations that take a form, to be called by a service client."""

    def __init__(self, deployment: Deployment, client: httpx.Client, authorization: str) -> None:
        self.labels = deployment.for_services
        self._contract = Contract(deployment.contract)
        self._client = client
        self._authorization = authorization

    def send(
        self, label: str, content: bytes | Iterator[bytes], content_type: str = FORM, **headers: str
    ) -> httpx.Response:
        """Send a body; return the answer once it is proved to be as the contract says."""
        method, path = label.split(" ")
        sent = {"Authorization": self._authorization, "Content-Type": content_type, **headers}
        answer = self._client.request(method, path, content=content, headers=sent)
        assert self._contract.faults(method, path, answer) == [], label
        return answer


@pytest.fixture(scope="module")
def forms(deployment: Deployment) -> Iterator[Forms]:
    if deployment.service is None:
        pytest.skip("no service client is known")
    with deployment.client(TIMEOUT) as client:
        yield Forms(deployment, client, deployment.service.authorization)


@pytest.mark.parametrize("name", NOT_FORMS)
def test_what_is_no_good_form_is_refused(forms: Forms, name: str) -> None:
    assert len(forms.labels) >= 2
    for label in forms.labels:
        answer = forms.send(label, NOT_FORMS[name])
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request"), label


@pytest.mark.parametrize("name", WORTHLESS)
def test_a_token_that_is_worth_nothing_is_no_error(forms: Forms, name: str) -> None:
    for label in forms.labels:
        answer = forms.send(label, WORTHLESS[name])
        assert answer.status_code == 200, label
        assert answer.content == b"" or answer.json() == {"active": False}, label


@pytest.mark.parametrize("content_type", [one for one in WRONG_CONTENT_TYPES if one != FORM] + ["application/json"])
def test_wrong_content_types_are_refused(forms: Forms, content_type: str) -> None:
    for label in forms.labels:
        assert forms.send(label, b"token=a", content_type).status_code == 415, label


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "nonsense"])
def test_content_codings_are_refused(forms: Forms, coding: str) -> None:
    for label in forms.labels:
        headers = {"Content-Encoding": coding}
        assert forms.send(label, gzip.compress(b"token=a"), **headers).status_code == 415, label


def test_what_is_too_large_is_refused(forms: Forms, deployment: Deployment) -> None:
    refused = {413} if deployment.process else {400, 413}
    for label in forms.labels:
        assert forms.send(label, b"token=" + b"x" * LIMIT).status_code in refused, label
        assert forms.send(label, iter([b"token=", *[b"x" * 1000] * 100])).status_code in refused, label


def test_a_token_is_active_until_it_is_revoked(forms: Forms, people: list[User]) -> None:
    pair = people[0].log_in()
    for kind in ("access_token", "refresh_token"):
        told = forms.send("POST /oauth/introspect", f"token={pair[kind]}&token_type_hint={kind}".encode()).json()
        assert (told["active"], told["token_use"]) == (True, kind)
        assert told["username"] == people[0].credentials.username
    # A service that looks at `active` alone takes no refresh token for an access token.
    assert forms.send("POST /oauth/introspect", f"token={pair['refresh_token']}".encode()).json() == {"active": False}
    forms.send("POST /oauth/revoke", f"token={pair['refresh_token']}".encode())
    for _ in range(10):  # on every worker
        for kind in ("access_token", "refresh_token"):
            told = forms.send("POST /oauth/introspect", f"token={pair[kind]}&token_type_hint={kind}".encode()).json()
            assert told == {"active": False}


def test_an_api_key_is_not_revoked_as_a_token(forms: Forms, deployment: Deployment, people: list[User]) -> None:
    bearer = {"Authorization": f"Bearer {people[0].log_in()['access_token']}"}
    with deployment.client() as client:
        body = {"name": "robot", "scopes": ["me:read"], "expires_in_days": 1}
        key = client.post("/me/api-keys", json=body, headers=bearer).json()["api_key"]
        answer = forms.send("POST /oauth/revoke", f"token={key}".encode())
        assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_token_type")
        assert client.get("/me", headers={"Authorization": f"Bearer {key}"}).status_code == 200
