"""The contract as a document."""

import json
import re
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from api.core.problems import CATALOGUE
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
    routes = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in sqlite_app.flask.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert routes == {(path, method) for path, method, _ in OPERATIONS.values()}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_reads_well_and_is_complete(name: str) -> None:
    _, _, operation = OPERATIONS[name]
    assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name)
    assert operation["summary"].endswith(".")
    assert "\n" not in operation["summary"]
    assert operation["description"]
    assert len(operation["tags"]) == 1
    assert operation["security"] in ([], [{"bearerAuth": []}], [{"bearerAuth": ["admin"]}])
    assert ("403" in operation["responses"]) == (operation["security"] == [{"bearerAuth": ["admin"]}])
    assert "default" not in operation["responses"]
    guarded = bool(operation["security"])
    assert ("401" in operation["responses"]) >= guarded
    if "requestBody" in operation:
        assert {"400", "413", "415", "422"} <= operation["responses"].keys()
        assert operation["requestBody"]["required"]
        schema = _resolve(operation["requestBody"]["content"]["application/json"]["schema"])
        assert schema["additionalProperties"] is False


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
        assert ("WWW-Authenticate" in response.get("headers", {})) == (status in ("401", "403"))
        assert ("Retry-After" in response.get("headers", {})) == (status == "503")


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
