"""The contract as a document."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest
from flask import Flask
from openapi_spec_validator import validate
from werkzeug.routing import Map, Rule

from ostiary.app import make_flask
from ostiary.core.problems import CATALOGUE
from ostiary.core.scopes import OWN
from ostiary.server.http.limits import MAX_TARGET_BYTES
from ostiary.web import openapi
from ostiary.web.guards import public
from ostiary.web.schema_bounds import schemas_of
from tests.conftest import App

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
    sqlite_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A view that is guarded and all, but that flask-smorest was not told of."""
    make_api = openapi.make_api

    def with_hidden_route(app: Flask, schemes: dict[str, dict[str, str]]) -> openapi.Api:
        app.add_url_rule("/hidden", view_func=public(lambda: "hidden"), endpoint="hidden")
        return make_api(app, schemes)

    monkeypatch.setattr(openapi, "make_api", with_hidden_route)
    with pytest.raises(openapi.ContractIncomplete, match="GET /hidden"):
        make_flask(sqlite_app.services)


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
    path, _, operation = OPERATIONS[name]
    for status, response in operation["responses"].items():
        if int(status) < 400:
            continue
        ((media_type, content),) = response["content"].items()
        assert media_type == ("application/json" if path.startswith("/oauth/") else "application/problem+json")
        schema = _resolve(content["schema"])
        codes = {_resolve(kind)["properties"]["code"]["const"] for kind in schema.get("oneOf", [schema])}
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


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_query_that_it_permits_fits_into_a_request(name: str) -> None:
    """A character has at most 12 bytes when it is percent-encoded."""
    path, _, operation = OPERATIONS[name]
    schemas = [one["schema"] for one in operation.get("parameters", []) if one["in"] == "query"]
    assert len(path) + sum(100 + 12 * schema.get("maxLength", 0) for schema in schemas) <= MAX_TARGET_BYTES


def _parameters() -> Iterator[tuple[str, dict]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            for parameter in operation if method == "parameters" else operation.get("parameters", []):
                yield f"{method} {path} {parameter['name']}", parameter


GENERATED_PREFIXES = ("New", "Nullable", "Api", "I", "Abstract", "Base")
GENERATED_SUFFIXES = (
    *("Request", "Response", "RequestBuilder", "Builder", "Inner", "Enum", "AllOf", "AnyOf", "OneOf", "Dto", "Model"),
    *("Body", "Params", "Result", "Error", "Exception", "Type", "Item", "Impl", "1", "2", "_"),
)
"""What generators put before or behind a name to make another: Go's constructors are `New` and the schema's name."""


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_no_schema_has_the_name_that_a_generator_makes_of_another(name: str) -> None:
    known = {other.lower() for other in DOCUMENT["components"]["schemas"]} - {name.lower()}
    assert len(known) == len(DOCUMENT["components"]["schemas"]) - 1
    made = [
        *(f"{prefix}{name}" for prefix in GENERATED_PREFIXES),
        *(f"{name}{suffix}" for suffix in GENERATED_SUFFIXES),
    ]
    assert not [one for one in made if one.lower() in known]


def test_unions_of_problems_are_shared_and_named_after_what_is_in_them() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert "oneOf" not in json.dumps(DOCUMENT["paths"])
    unions = {name: schema for name, schema in schemas.items() if "oneOf" in schema}
    assert len(unions) > 10
    for name, schema in unions.items():
        kinds = [reference["$ref"].rpartition("/")[2] for reference in schema["oneOf"]]
        assert name == "Or".join(kind.removesuffix("Problem") for kind in kinds) + "Problem"
        codes = {schemas[kind]["properties"]["code"]["const"]: f"#/components/schemas/{kind}" for kind in kinds}
        assert schema["discriminator"] == {"propertyName": "code", "mapping": codes}
        assert COMMITTED.read_text().count(f'"#/components/schemas/{name}"') >= 1


def test_there_is_one_schema_for_each_problem_code() -> None:
    """SDKs make an exception for each."""
    schemas = DOCUMENT["components"]["schemas"].values()
    codes = [schema["properties"]["code"].get("const") for schema in schemas if "code" in schema.get("properties", {})]
    codes = [code for code in codes if code is not None]
    assert len(codes) == len(set(codes)) > 30


@pytest.mark.parametrize(("place", "parameter"), list(_parameters()))
def test_no_parameter_can_be_null_or_has_an_example_that_must_be_new(place: str, parameter: dict) -> None:
    schema = parameter["schema"]
    assert isinstance(schema["type"], str), place
    assert None not in schema.get("enum", [])
    assert schema.get("default", "") is not None
    if parameter["name"] in ("Idempotency-Key", "If-Match", "If-None-Match"):
        assert not {"example", "examples", "default"} & parameter.keys()
        assert not {"example", "examples", "default"} & schema.keys()


def test_no_content_coding_is_declared_since_a_mock_would_send_it_with_plain_content() -> None:
    assert "content-encoding" not in COMMITTED.read_text().lower().replace("accept-encoding", "")


UNBOUNDED = {"/problems/{code}"}
"""Released without a bound; one would break clients. What is longer than any code is not found."""
CONDITIONS = {"If-Match", "If-None-Match"}
"""Bounded with the head of the request alone, which the server refuses before it looks at operations (431)."""


def test_every_text_and_every_list_has_a_bound() -> None:
    paths = {path: item for path, item in DOCUMENT["paths"].items() if path not in UNBOUNDED}
    conditions = {id(one["schema"]) for _, one in _parameters() if one["name"] in CONDITIONS}
    free = [
        schema
        for schema in schemas_of([paths, DOCUMENT["components"]])
        if id(schema) not in conditions
        and (
            ("string" in schema["type"] and not {"maxLength", "enum", "const"} & schema.keys())
            or ("array" in schema["type"] and "maxItems" not in schema)
        )
    ]
    # Security schemes have a type of their own, which is none of JSON Schema.
    assert free == []


def test_problems_have_the_members_of_oauth_where_they_belong() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    for path, _, operation in OPERATIONS.values():
        for status, response in operation["responses"].items():
            for content in response.get("content", {}).values() if int(status) >= 400 else ():
                schema = _resolve(content["schema"])
                for kind in [_resolve(one) for one in schema.get("oneOf", [schema])]:
                    assert path.startswith("/oauth/") <= ({"error", "error_description"} <= kind["properties"].keys())
    assert {"error", "error_description"} <= set(schemas["InvalidClientProblem"]["required"])
    assert not {"error", "error_description"} & set(schemas["DatabaseUnavailableProblem"]["required"])
    assert "error" not in schemas["UsernameTakenProblem"]["properties"]
