"""Files that hold no valid contract are refused in one line that names them."""

import json
from pathlib import Path
from typing import Any

import pytest

from openapi.gate import NotAContract, Side, compare, read
from openapi.gate.tests.contracts import Json, contract, holding, json_content

OPERATION: Json = {"operationId": "makeThing", "responses": {"200": {"description": "Made."}}}


@pytest.mark.parametrize("text", ["", "openapi: 3.1.0", "\ud800", "[" * 100_000, "{"])
def test_a_file_that_is_not_json_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "contract.json"
    file.write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(NotAContract) as caught:
        read(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "not an OpenAPI document of version 3"),
        ({"swagger": "2.0"}, "not an OpenAPI document of version 3"),
        (contract(OPERATION, openapi="4.0.0"), "not an OpenAPI document of version 3"),
        (contract(OPERATION, info={"title": "Things"}), '"version" is a required property'),
        (contract(OPERATION, info={"title": "Things", "version": "soon"}), "invalid literal for int()"),
        (contract(OPERATION, paths=[]), '[] is not of type "object"'),
        (contract(OPERATION | {"requestBody": json_content({"$ref": "#/components/schemas/None"})}), "leads nowhere"),
        (contract(OPERATION | {"requestBody": json_content(3)}), "3 is not"),
        (contract(OPERATION | {"requestBody": json_content({"type": 3})}), "'int' object is not iterable"),
    ],
)
def test_an_invalid_document_is_refused_by_name(tmp_path: Path, value: Any, reason: str) -> None:
    file = tmp_path / "contract.json"
    file.write_text(json.dumps(value))
    with pytest.raises(NotAContract) as caught:
        read(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "schema",
    [{"$ref": "#/components/schemas/Round"}, {"$ref": "other.json#/Thing"}, {"$ref": "#/components/schemas/No"}],
)
def test_a_reference_that_cannot_be_followed_is_refused(schema: Json) -> None:
    schemas = {"Round": {"$ref": "#/components/schemas/Way"}, "Way": {"$ref": "#/components/schemas/Round"}}
    broken = holding(Side.ERROR, schema, schemas)
    with pytest.raises(NotAContract, match="leads"):
        compare(broken, broken)


def test_a_reference_may_have_slashes_and_tildes_in_its_names() -> None:
    document = contract({}, paths={"/a~b/{id}": {"get": {}}, "/c": {"$ref": "#/paths/~1a~0b~1{id}"}})
    (change,) = compare(document, contract({}, paths={"/a~b/{id}": {"get": {}}}))
    assert change.place == "GET /c"
