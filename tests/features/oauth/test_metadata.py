"""The metadata of RFC 8414: exactly what there is, where it is."""

from urllib.parse import urlsplit

import pytest

from tests.conftest import App, MakeApp
from tests.support.clients import new_client

PATH = "/.well-known/oauth-authorization-server"


OPENID_PATH = "/.well-known/openid-configuration"


def test_it_tells_what_there_is_and_no_more(app: App) -> None:
    answer = app.client.get(PATH)
    assert answer.json == {
        "issuer": "http://127.0.0.1:8000",
        "jwks_uri": "http://127.0.0.1:8000/.well-known/jwks.json",
        "response_types_supported": [],
        "grant_types_supported": [],
        "service_documentation": "http://127.0.0.1:8000/docs",
        "introspection_endpoint": "http://127.0.0.1:8000/oauth/introspect",
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "revocation_endpoint": "http://127.0.0.1:8000/oauth/revoke",
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert answer.headers["ETag"]


def test_it_is_also_where_clients_of_openid_connect_look_and_claims_nothing_more(app: App) -> None:
    """RFC 8414 section 5: the address says nothing of OpenID Connect by itself."""
    answer = app.client.get(OPENID_PATH)
    assert answer.data == app.client.get(PATH).data
    assert not {"authorization_endpoint", "token_endpoint", "userinfo_endpoint"} & answer.json.keys()
    assert not [name for name in answer.json if name.startswith(("id_token", "subject_types"))]
    assert app.client.get(OPENID_PATH, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


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
