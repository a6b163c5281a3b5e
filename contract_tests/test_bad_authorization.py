"""Whatever stands in Authorization, only a good token, or a service client, opens a protected operation."""

import base64
from collections.abc import Iterator

import httpx
import pytest

from .answers import Contract, address
from .deployment import Deployment
from .forgeries import forgeries
from .people import User

TIMEOUT = 15.0


class Protected:
    """The protected operations, to be called with one header or another."""

    def __init__(self, deployment: Deployment, client: httpx.Client) -> None:
        self.labels = [label for label, found in deployment.operations.items() if found["security"]]
        self._for_services = deployment.for_services
        self._contract = Contract(deployment.contract)
        self._client = client

    def assert_refused(self, headers: list[tuple[bytes, bytes]], why: str, query: str = "") -> None:
        """Call them all: 401, as the contract says."""
        for label in self.labels:
            method, path = label.split(" ")
            answer = self._client.request(method, address(path) + query, headers=headers)
            assert self._contract.faults(method, path, answer) == [], f"{label}: {why}"
            assert answer.status_code == 401, f"{label}: {why}"
            scheme = "Basic " if label in self._for_services else "Bearer "
            assert answer.headers["WWW-Authenticate"].startswith(scheme), f"{label}: {why}"


@pytest.fixture(scope="module")
def protected(deployment: Deployment) -> Iterator[Protected]:
    with deployment.client(TIMEOUT) as client:
        yield Protected(deployment, client)


@pytest.fixture
def token(people: list[User]) -> str:
    """A token that is good, so that nothing is refused for another reason than the one tested."""
    return people[0].token()


def _status(deployment: Deployment, authorization: bytes) -> int:
    with deployment.client(TIMEOUT) as client:
        return client.get("/protected", headers=[(b"Authorization", authorization)]).status_code


def test_a_good_token_opens(deployment: Deployment, token: str) -> None:
    assert _status(deployment, b"Bearer " + token.encode()) == 200


def test_the_scheme_is_read_in_upper_or_lower_case(deployment: Deployment, token: str) -> None:
    """RFC 9110 section 11.1."""
    for scheme in (b"bearer", b"BEARER", b"bEaReR"):
        assert _status(deployment, scheme + b" " + token.encode()) == 200


def test_no_token(protected: Protected) -> None:
    assert len(protected.labels) >= 4
    protected.assert_refused([], "no header")


def test_a_token_elsewhere(protected: Protected, token: str) -> None:
    """RFC 6750 sections 2.2 and 2.3, which RFC 9700 advises against."""
    protected.assert_refused([], "in the query", f"?access_token={token}")
    protected.assert_refused([(b"Cookie", b"access_token=" + token.encode())], "in a cookie")
    protected.assert_refused([(b"X-Authorization", b"Bearer " + token.encode())], "in another header")


def test_other_schemes_and_malformed_headers(protected: Protected, token: str) -> None:
    good = token.encode()
    for value in (
        b"",
        b"Bearer",
        good,
        b"Bearer" + good,
        b"Bearer:" + good,
        b"Bearer=" + good,
        b"Token " + good,
        b"JWT " + good,
        b"DPoP " + good,
        b"Basic " + good,
        b"Basic dXNlcjE6cGFzc3dvcmQxMjM=",
        b"Basic",
        b'Digest username="user1"',
        b"Negotiate YII=",
        b"Bearer Bearer " + good,
        b"Bearer " + good + b" " + good,
        b"Bearer " + good + b", Bearer " + good,
        b"Bearer " + good + b",",
        b"Bearer null",
        b"Bearer undefined",
        b"Bearer \xff\xfe\xfd",
        b"Bearer \xc3\xa9",
        b"\xff\xff\xff",
        b"Bearer " + good + b"\xe2\x80\x8b",
        b"Bearer " + "\U0001f511".encode(),
        b"Bearer " + b"A" * 30_000,
        b"X" * 30_000,
    ):
        protected.assert_refused([(b"Authorization", value)], repr(value[:60]))


def test_credentials_that_are_no_clients(protected: Protected) -> None:
    """Nor is anything that only looks like HTTP Basic (RFC 7617)."""
    pairs = (b":", b"id", b"id:", b":secret", b"id:secret:more", b"%ff:%ff", b"\xff\xfe:\xff", b"\0:\0", b"a" * 20_000)
    for pair in pairs:
        protected.assert_refused([(b"Authorization", b"Basic " + base64.b64encode(pair))], repr(pair[:60]))
    for value in (b"Basic", b"Basic !!!!", b"Basic aWQ6c2VjcmV0=", b"Basic aWQ6 c2VjcmV0", b"Basic id:secret"):
        protected.assert_refused([(b"Authorization", value)], repr(value))


def test_the_secret_of_a_client_opens_nothing_but_the_operations_for_services(
    protected: Protected, deployment: Deployment
) -> None:
    if deployment.service is None:
        pytest.skip("no service client is known")
    basic = deployment.service.authorization
    protected.labels = [label for label in protected.labels if label not in deployment.for_services]
    protected.assert_refused([(b"Authorization", basic.encode())], "a service client")
    protected.assert_refused([(b"Authorization", basic.replace("Basic", "Bearer").encode())], "its secret as a token")
    protected.assert_refused([(b"Authorization", b"Bearer " + deployment.service.secret.encode())], "its bare secret")


def test_two_headers(protected: Protected, token: str) -> None:
    good, bad = (b"Authorization", b"Bearer " + token.encode()), (b"Authorization", b"Bearer nonsense")
    protected.assert_refused([good, good], "the same twice")
    protected.assert_refused([good, bad], "the second is bad")
    protected.assert_refused([bad, good], "the first is bad")


def test_forged_tokens(protected: Protected, deployment: Deployment, token: str) -> None:
    with deployment.client(TIMEOUT) as client:
        jwks = client.get("/.well-known/jwks.json").json()
    found = dict(forgeries(token, jwks))
    assert len(found) > 70
    for name, forged in found.items():
        protected.assert_refused([(b"Authorization", b"Bearer " + forged.encode())], name)


def test_a_refresh_token_is_no_access_token(protected: Protected, people: list[User]) -> None:
    refresh = people[0].log_in()["refresh_token"]
    protected.assert_refused([(b"Authorization", b"Bearer " + refresh.encode())], "a refresh token")


def test_a_token_is_refused_from_log_out_on(protected: Protected, deployment: Deployment, people: list[User]) -> None:
    token = people[0].token_of_a_new_session()
    headers = {"Authorization": f"Bearer {token}"}
    with deployment.client(TIMEOUT) as client:
        assert client.post("/logout", headers=headers).status_code == 200
    for _ in range(10):  # on every worker
        protected.assert_refused([(b"Authorization", b"Bearer " + token.encode())], "after log out")
