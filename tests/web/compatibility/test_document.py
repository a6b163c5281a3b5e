"""What is no contract is told as such, whatever it is."""

import json
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.web.compatibility import Document, NotAContract, Side, compare
from tests.support.contracts import Json, contract, holding

REAL = json.loads((Path(__file__).parents[3] / "openapi" / "openapi.json").read_text())
OPERATION: Json = {"operationId": "makeThing", "responses": {}}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([], "not an OpenAPI document of version 3"),
        ({}, "not an OpenAPI document of version 3"),
        ({"swagger": "2.0"}, "not an OpenAPI document of version 3"),
        (contract(OPERATION, openapi="4.0.0"), "not an OpenAPI document of version 3"),
        (contract(OPERATION, info={}), "info.version is 'None', not a semantic version"),
        (contract(OPERATION, info={"version": "soon"}), "info.version is 'soon', not a semantic version"),
        (contract(OPERATION, info="1.0.0"), '`info` is "1.0.0", not an object'),
        (contract(OPERATION, paths=[]), "`paths` is [], not an object"),
    ],
)
def test_a_document_of_something_else_is_refused(value: Any, told: str) -> None:
    with pytest.raises(NotAContract) as caught:
        Document(value)
    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"$ref": "#/components/schemas/None"}, "the reference #/components/schemas/None leads nowhere"),
        ({"$ref": "other.json#/Thing"}, "the reference other.json#/Thing leads out of the document"),
        ({"$ref": "#/components/schemas/Round"}, "the reference #/components/schemas/Round leads in a circle"),
        ({"allOf": [{"$ref": "#/components/schemas/Own"}]}, "the reference #/components/schemas/Own leads in a circle"),
        (3, "3 stands where a schema belongs"),
        ({"allOf": 3}, "`allOf` is 3, not an array"),
        ({"properties": []}, "`properties` is [], not an object"),
        ({"required": "all"}, '`required` is "all", not an array'),
    ],
)
def test_a_schema_that_is_none_is_refused(schema: Any, told: str) -> None:
    schemas = {
        "Round": {"$ref": "#/components/schemas/Way"},
        "Way": {"$ref": "#/components/schemas/Round"},
        "Own": {"allOf": [{"$ref": "#/components/schemas/Own"}]},
    }
    broken = holding(Side.ANSWER, schema, schemas)
    with pytest.raises(NotAContract) as caught:
        compare(Document(broken), Document(deepcopy(broken)))
    assert str(caught.value) == told


def test_a_part_that_refers_to_itself_is_refused() -> None:
    broken = contract(OPERATION, {"responses": {"a": {"$ref": "#/components/responses/a"}}})
    broken["paths"]["/things"]["post"]["responses"] = {"200": {"$ref": "#/components/responses/a"}}
    with pytest.raises(NotAContract, match="leads in a circle"):
        compare(Document(broken), Document(broken))


def test_a_reference_may_have_slashes_and_tildes_in_its_names() -> None:
    document = contract({}, paths={"/a~b/{id}": {"get": {}}, "/c": {"$ref": "#/paths/~1a~0b~1{id}"}})
    (change,) = compare(Document(document), Document(contract({}, paths={"/a~b/{id}": {"get": {}}})))
    assert change.place == "GET /c"


@pytest.mark.parametrize("text", ["", "openapi: 3.1.0", "\ud800", "[" * 100_000, "{"])
def test_a_file_that_is_not_json_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "contract.json"
    file.write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(NotAContract) as caught:
        Document.read(file)
    assert str(caught.value).startswith(f"{file} is not JSON: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_something_else_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "contract.json"
    file.write_text('{"swagger": "2.0"}')
    with pytest.raises(NotAContract) as caught:
        Document.read(file)
    assert str(caught.value) == f"{file}: not an OpenAPI document of version 3"


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to every node below `value`."""
    found = [path] if path else []
    for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += places(one, (*path, key))
    return found


PLACES = [path for path in places(REAL) if "example" not in path and "examples" not in path]
KEYS = st.sampled_from(["$ref", "type", "allOf", "oneOf", "properties", "required", "a"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.uncounted
@given(st.sampled_from(PLACES), ANYTHING)
def test_whatever_stands_anywhere_in_it_is_compared_or_refused(path: tuple[Any, ...], value: Any) -> None:
    broken = deepcopy(REAL)
    holder = broken
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    for old, new in ((REAL, broken), (broken, REAL), (broken, deepcopy(broken))):
        with suppress(NotAContract):
            compare(Document(old), Document(new))
