"""The contract as a document."""

import json
import re
from copy import deepcopy
from pathlib import Path

import pytest
from flask import Flask
from openapi_spec_validator import validate
from werkzeug.routing import Map, Rule

from api.core.problems import CATALOGUE
from api.core.scopes import OWN
from api.web import openapi
from api.web.guards import public
from tests.conftest import App, MakeApp

COMMITTED = Path(__file__).parents[2] / "openapi" / "openapi.json"
DOCUMENT = json.loads(COMMITTED.read_text())
OPERATIONS = {
    operation["operationId"]: (path, method, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    if method != "parameters"
}


def test_it_is_byte_for_byte_what_the_code_exports_and_serves(sqlite_app: App) -> None:
    exported = sqlite_app.flask.extensions["ostiary.contract"].text
    assert COMMITTED.read_bytes() == exported
    assert sqlite_app.client.get("/openapi.json").data == exported


def test_it_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_every_route_is_in_it_and_nothing_else(sqlite_app: App) -> None:
    """Asked each time the application is built; see the two tests below for what happens otherwise."""
    openapi.check(sqlite_app.flask, DOCUMENT)


@pytest.mark.parametrize(("rule", "method"), [("/hidden", "GET"), ("/healthz", "PUT"), ("/hidden/<int:id>", "POST")])
def test_a_route_that_it_lacks_is_found(sqlite_app: App, rule: str, method: str) -> None:
    other = Flask("other")
    other.url_map = Map([found.empty() for found in sqlite_app.flask.url_map.iter_rules()])
    other.url_map.add(Rule(rule, methods=[method], endpoint="hidden"))
    place = re.escape(f"{method} {rule.replace('<int:id>', '{id}')}")
    with pytest.raises(openapi.ContractIncomplete, match=rf"not in the contract: \['{place}'\]"):
        openapi.check(other, DOCUMENT)


@pytest.mark.parametrize("place", [("/hidden", "get"), ("/healthz", "put")])
def test_an_operation_that_no_route_serves_is_found(sqlite_app: App, place: tuple[str, str]) -> None:
    document = deepcopy(DOCUMENT)
    document["paths"].setdefault(place[0], {})[place[1]] = {}
    with pytest.raises(openapi.ContractIncomplete, match=f"without a route: .*{place[1].upper()} {place[0]}"):
        openapi.check(sqlite_app.flask, document)


def test_an_application_with_a_route_that_the_contract_lacks_is_not_built(
    make_app: MakeApp, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A view that is guarded and all, but that flask-smorest was not told of."""
    make_api = openapi.make_api

    def with_hidden_route(app: Flask) -> openapi.Api:
        app.add_url_rule("/hidden", view_func=public(lambda: "hidden"), endpoint="hidden")
        return make_api(app)

    monkeypatch.setattr(openapi, "make_api", with_hidden_route)
    with pytest.raises(openapi.ContractIncomplete, match="GET /hidden"):
        make_app(sqlite_url)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_reads_well_and_is_complete(name: str) -> None:
    path, _, operation = OPERATIONS[name]
    assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name)
    assert operation["summary"].endswith(".")
    assert "\n" not in operation["summary"]
    assert operation["description"]
    assert len(operation["tags"]) == 1
    for alternative in operation["security"]:
        (scheme,) = alternative
        assert scheme in DOCUMENT["components"]["securitySchemes"]
        if any(needed not in OWN for needed in alternative[scheme]):
            assert "403" in operation["responses"]
    assert "default" not in operation["responses"]
    guarded = bool(operation["security"])
    assert ("401" in operation["responses"]) >= guarded
    if "requestBody" in operation:
        assert {"400", "413", "415"} <= operation["responses"].keys()
        assert operation["requestBody"]["required"]
        ((media_type, content),) = operation["requestBody"]["content"].items()
        # OAuth's forms answer all that is wrong with 400, and ignore what they do not know (RFC 6749).
        assert media_type == ("application/x-www-form-urlencoded" if path.startswith("/oauth/") else "application/json")
        is_json = media_type == "application/json"
        assert ("422" in operation["responses"]) == is_json
        assert (_resolve(content["schema"]).get("additionalProperties") is False) == is_json


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_error_is_a_problem_with_its_codes_examples_and_headers(name: str) -> None:
    for status, response in OPERATIONS[name][2]["responses"].items():
        if int(status) < 400:
            continue
        content = response["content"]["application/problem+json"]
        kinds = [_resolve(kind) for kind in content["schema"].get("oneOf", [content["schema"]])]
        codes = {code for kind in kinds for code in kind["properties"]["code"]["enum"]}
        assert codes == content["examples"].keys()
        assert codes <= CATALOGUE.keys()
        challenged = all(CATALOGUE[code].challenge for code in codes)
        assert ("WWW-Authenticate" in response.get("headers", {})) == challenged
        assert challenged or status != "401"
        waits = any(CATALOGUE[code].retry_after is not None for code in codes)
        assert ("Retry-After" in response.get("headers", {})) == waits
        assert waits or status != "503"


def test_links_lead_to_operations() -> None:
    links = [
        (name, link["operationId"])
        for name, (_, _, operation) in OPERATIONS.items()
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]
    assert {target for _, target in links} <= OPERATIONS.keys()
    assert {("register", "login"), ("login", "getMe"), ("login", "refresh"), ("login", "logout")} <= set(links)


def test_answers_may_grow_and_bodies_may_not() -> None:
    bodies = {name for name, schema in DOCUMENT["components"]["schemas"].items() if "additionalProperties" in schema}
    assert bodies == {name for name in DOCUMENT["components"]["schemas"] if name.endswith("Body")}


def test_every_schema_is_used() -> None:
    text = COMMITTED.read_text()
    for name in DOCUMENT["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text


def _resolve(schema: dict) -> dict:
    return DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
