"""The metadata of RFC 8414: exactly what there is, where it is."""

from urllib.parse import urlsplit

import pytest

from tests.conftest import App, MakeApp
from tests.support.clients import new_client

PATH = "/.well-known/oauth-authorization-server"


def test_it_tells_what_there_is_and_no_more(app: App) -> None:
    answer = app.client.get(PATH)
    assert answer.json == {
        "issuer": "http://127.0.0.1:8000",
        "jwks_uri": "http://127.0.0.1:8000/.well-known/jwks.json",
        "response_types_supported": [],
        "grant_types_supported": [],
        "service_documentation": "http://127.0.0.1:8000/docs",
        "introspection_endpoint": "http://127.0.0.1:8000/oauth/introspect",
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic"],
        "revocation_endpoint": "http://127.0.0.1:8000/oauth/revoke",
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic"],
    }
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert answer.headers["ETag"]


def test_the_addresses_lead_to_operations(app: App) -> None:
    told = app.client.get(PATH).json
    for name in ("jwks_uri", "service_documentation"):
        assert app.client.get(urlsplit(told[name]).path).status_code == 200
    for name in ("introspection_endpoint", "revocation_endpoint"):
        path = urlsplit(told[name]).path
        assert app.client.post(path, data={"token": "x"}, headers=new_client(app)).status_code == 200


@pytest.mark.parametrize(
    "issuer", ["https://auth.example.org", "https://example.org/auth", "https://example.org/auth/"]
)
def test_the_issuer_is_told_as_it_stands_in_tokens_and_its_path_before_each_address(
    make_app: MakeApp, sqlite_url: str, issuer: str
) -> None:
    told = make_app(sqlite_url, issuer=issuer).client.get(PATH).json
    assert told["issuer"] == issuer
    base = issuer.rstrip("/")
    assert told["introspection_endpoint"] == f"{base}/oauth/introspect"
    assert told["jwks_uri"] == f"{base}/.well-known/jwks.json"
