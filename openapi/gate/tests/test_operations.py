"""Changes of operations, parameters, bodies, answers, security and the document, in both directions."""

from typing import Any

import pytest

from openapi.gate.tests.contracts import STRING, Json, changed, contract, json_content, string

SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
}


def document(**of_operation: Any) -> Json:
    operation = {"operationId": "makeThing", "tags": ["things"], "responses": {"200": {"description": "Made."}}}
    return contract(operation | of_operation, {"securitySchemes": SCHEMES})


def with_parameter(path: str = "/things", **parameter: Any) -> Json:
    found = document(parameters=[{"schema": STRING} | parameter])
    found["paths"] = {path: found["paths"]["/things"]}
    return found


def query(**parameter: Any) -> Json:
    return with_parameter(**({"in": "query", "name": "limit"} | parameter))


def in_path(name: str, path: str = "/things/{}", **parameter: Any) -> Json:
    return with_parameter(path.format(f"{{{name}}}"), **({"in": "path", "name": name, "required": True} | parameter))


def with_body(**body: Any) -> Json:
    return document(requestBody=json_content(STRING) | body)


def with_answer(status: str = "200", **answer: Any) -> Json:
    return document(responses={status: {"description": "Made."} | answer})


def with_header(name: str = "ETag", status: str = "200", **header: Any) -> Json:
    return with_answer(status, headers={name: {"schema": STRING} | header})


def secured(*requirements: Json) -> Json:
    return document(security=list(requirements))


def moved(path: str = "/things", method: str = "post", **of_operation: Any) -> Json:
    found = document(**of_operation)
    found["paths"] = {path: {method: found["paths"]["/things"]["post"]}}
    return found


def beside(path: str = "/things", **item: Any) -> Json:
    found = document()
    found["paths"].setdefault(path, {}).update(item)
    return found


def with_scheme(**scheme: Any) -> Json:
    found = secured({"token": []})
    found["components"] = {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"} | scheme}}
    return found


LINKS = {"next": {"operationId": "getThing"}}
TWO_TYPES = {"application/json": {"schema": STRING}, "application/xml": {"schema": STRING}}

MOVED = "OPERATION_ADDED C, OPERATION_REMOVED B"
REPLACED = "OPTIONAL_ADDED C, REMOVED B"

# What changes, old, new, what is told from old to new, and from new to old where it is something else.
CASES: list[tuple[Any, ...]] = [
    ("operation", document(), beside("/more", get={"responses": {}}), "OPERATION_ADDED C", "OPERATION_REMOVED B"),
    ("method", document(), moved(method="put"), MOVED),
    ("path", document(), moved("/objects"), MOVED),
    ("operationId", document(), document(operationId="createThing"), "OPERATION_ID_CHANGED B"),
    ("tag", document(), document(tags=["objects"]), "TAGS_CHANGED B"),
    ("second tag", document(), document(tags=["things", "objects"]), "TAGS_CHANGED B"),
    ("deprecation", document(), document(deprecated=True), "DEPRECATED N"),
    ("parameter", document(), query(), "OPTIONAL_ADDED C", "REMOVED B"),
    ("required parameter", document(), query(required=True), "REQUIRED_ADDED B", "REMOVED B"),
    ("requirement of a parameter", query(), query(required=True), "MADE_REQUIRED B", "MADE_OPTIONAL C"),
    ("name of a parameter", query(), query(name="most"), REPLACED),
    ("place of a parameter", query(), query(**{"in": "header"}), REPLACED),
    ("name of a path parameter", in_path("id"), in_path("thing_id"), "PARAMETER_RENAMED B"),
    (
        "bound of a path parameter",
        in_path("id"),
        in_path("id", schema=string(maxLength=3)),
        "TIGHTENED B",
        "LOOSENED C",
    ),
    ("bound of a parameter", query(), query(schema=string(maxLength=3)), "TIGHTENED B", "LOOSENED C"),
    (
        "value of a parameter",
        query(schema={"enum": ["a"]}),
        query(schema={"enum": ["a", "b"]}),
        "ENUM_VALUE_ADDED C",
        "ENUM_VALUE_REMOVED B",
    ),
    ("style of a parameter", query(), query(style="spaceDelimited"), "OTHER_CHANGED B"),
    ("deprecation of a parameter", query(), query(deprecated=True), "DEPRECATED N"),
    ("media type of a parameter", query(), query(**json_content(STRING)), "MEDIA_TYPE_ADDED C", "MEDIA_TYPE_REMOVED B"),
    ("body", document(), with_body(), "OPTIONAL_ADDED C", "REMOVED B"),
    ("required body", document(), with_body(required=True), "REQUIRED_ADDED B", "REMOVED B"),
    ("requirement of a body", with_body(), with_body(required=True), "MADE_REQUIRED B", "MADE_OPTIONAL C"),
    ("media type of a body", with_body(), with_body(content=TWO_TYPES), "MEDIA_TYPE_ADDED C", "MEDIA_TYPE_REMOVED B"),
    ("extension of a body", with_body(), with_body(**{"x-name": "body"}), "OTHER_CHANGED B"),
    (
        "encoding of a body",
        with_body(),
        with_body(content={"application/json": {"schema": STRING, "encoding": {"a": {}}}}),
        "OTHER_CHANGED B",
    ),
    ("status", document(), document(responses={"200": {}, "202": {}}), "STATUS_ADDED C", "STATUS_REMOVED B"),
    (
        "status of an error",
        document(),
        document(responses={"200": {}, "409": {}}),
        "STATUS_ADDED C",
        "STATUS_REMOVED B",
    ),
    ("other status", document(), with_answer("201"), "STATUS_ADDED C, STATUS_REMOVED B"),
    (
        "body of an answer",
        with_answer(),
        with_answer(**json_content(STRING)),
        "MEDIA_TYPE_ADDED B",
        "MEDIA_TYPE_REMOVED B",
    ),
    (
        "media type of an answer",
        with_answer(**json_content(STRING)),
        with_answer(content=TWO_TYPES),
        "MEDIA_TYPE_ADDED B",
        "MEDIA_TYPE_REMOVED B",
    ),
    ("extension of an answer", with_answer(), with_answer(**{"x-name": "made"}), "OTHER_CHANGED B"),
    ("header", with_answer(), with_header(), "OPTIONAL_ADDED C", "REMOVED B"),
    ("required header", with_answer(), with_header(required=True), "REQUIRED_ADDED C", "REMOVED B"),
    ("requirement of a header", with_header(), with_header(required=True), "MADE_REQUIRED C", "MADE_OPTIONAL B"),
    (
        "requirement of an error's header",
        with_header(status="401"),
        with_header(status="401", required=True),
        "MADE_REQUIRED C",
        "MADE_OPTIONAL B",
    ),
    ("bound of a header", with_header(), with_header(schema=string(maxLength=3)), "TIGHTENED C", "LOOSENED B"),
    ("style of a header", with_header(), with_header(explode=True), "OTHER_CHANGED B"),
    ("link", with_answer(), with_answer(links=LINKS), "LINK_ADDED C", "LINK_REMOVED B"),
    ("target of a link", with_answer(links=LINKS), with_answer(links={"next": {"operationId": "x"}}), "LINK_REMOVED B"),
    ("security", secured(), secured({"token": []}), "SECURITY_TIGHTENED B", "SECURITY_LOOSENED N"),
    (
        "second scheme",
        secured({"token": []}),
        secured({"token": [], "key": []}),
        "SECURITY_TIGHTENED B",
        "SECURITY_LOOSENED N",
    ),
    ("role", secured({"token": []}), secured({"token": ["admin"]}), "SECURITY_TIGHTENED B", "SECURITY_LOOSENED N"),
    (
        "second role",
        secured({"token": ["a"]}),
        secured({"token": ["a", "b"]}),
        "SECURITY_TIGHTENED B",
        "SECURITY_LOOSENED N",
    ),
    ("other role", secured({"token": ["a"]}), secured({"token": ["b"]}), "SECURITY_TIGHTENED B, SECURITY_LOOSENED N"),
    (
        "alternative scheme",
        secured({"token": []}),
        secured({"token": []}, {"key": []}),
        "SECURITY_LOOSENED N",
        "SECURITY_TIGHTENED B",
    ),
    (
        "no authentication as an alternative",
        secured({"token": []}),
        secured({"token": []}, {}),
        "SECURITY_LOOSENED N",
        "SECURITY_TIGHTENED B",
    ),
    ("definition of a scheme", with_scheme(), with_scheme(scheme="basic"), "SECURITY_SCHEME_CHANGED B"),
    (
        "server",
        document(),
        document() | {"servers": [{"url": "/"}, {"url": "/v2"}]},
        "SERVER_ADDED C",
        "SERVER_REMOVED B",
    ),
    ("variable of a server", document(), document() | {"servers": [{"url": "/", "variables": {}}]}, "SERVER_REMOVED B"),
    ("version of OpenAPI", document(), document() | {"openapi": "3.2.0"}, "OPENAPI_CHANGED N"),
    ("webhooks", document(), document() | {"webhooks": {"made": {}}}, "OTHER_CHANGED B"),
    ("callbacks", document(), document(callbacks={"made": {}}), "OTHER_CHANGED B"),
    ("extension of an operation", document(), document(**{"x-name": "make"}), "OTHER_CHANGED B"),
    ("extension of a path", document(), beside(**{"x-name": "things"}), "OTHER_CHANGED B"),
]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param(*pair, told, id=f"{name}, {way}")
        for name, old, new, *told_of in CASES
        for way, pair, told in (("forth", (old, new), told_of[0]), ("back", (new, old), told_of[-1]))
    ],
)
def test_a_change_has_its_kind_and_verdict(old: Json, new: Json, told: str) -> None:
    assert sorted(f"{change.kind.name} {change.verdict[0].upper()}" for change in changed(old, new)) == sorted(
        told.split(", ")
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(document(), document(summary="Make.", description="Make.", externalDocs={"url": "/"}), id="prose"),
        pytest.param(document(), beside(summary="Things.", description="Things."), id="a path's prose"),
        pytest.param(document(), document() | {"tags": [{"name": "things"}], "externalDocs": {"url": "/"}}, id="tags"),
        pytest.param(document(), document() | {"info": {"title": "Objects", "version": "1.2.3"}}, id="info"),
        pytest.param(document(), document() | {"openapi": "3.1.1"}, id="a patch of OpenAPI"),
        pytest.param(
            document(), document() | {"servers": [{"url": "/", "description": "This."}]}, id="the default server"
        ),
        pytest.param(document(), secured(), id="no security"),
        pytest.param(secured(), secured({}), id="no security in other words"),
        pytest.param(secured({}), secured({}, {"token": []}), id="an alternative without effect"),
        pytest.param(
            secured({"token": []}, {"key": []}), secured({"key": []}, {"token": []}) | {"security": []}, id="order"
        ),
        pytest.param(
            secured({"token": []}), document() | {"security": [{"token": []}]}, id="security of all operations"
        ),
        pytest.param(with_scheme(), with_scheme(description="A token.", bearerFormat="opaque"), id="hints of a scheme"),
        pytest.param(query(), query(description="At most.", example=3, required=False), id="prose of a parameter"),
        pytest.param(
            with_parameter(name="X-A", **{"in": "header"}), with_parameter(name="x-a", **{"in": "header"}), id="case"
        ),
        pytest.param(with_header("ETag"), with_header("etag", description="Its version.", example="1"), id="a header"),
        pytest.param(with_body(), with_body(description="A thing.", required=False), id="prose of a body"),
        pytest.param(with_answer(), with_answer(description="It is made."), id="prose of an answer"),
        pytest.param(
            with_answer(links=LINKS), with_answer(links={"next": LINKS["next"] | {"description": "See."}}), id="a link"
        ),
        pytest.param(
            with_body(), with_body(content={"Application/JSON": {"schema": STRING, "example": "a"}}), id="a media type"
        ),
        pytest.param(
            query(),
            beside(parameters=[{"in": "query", "name": "limit", "schema": STRING}]),
            id="a parameter of the whole path",
        ),
    ],
)
def test_another_form_of_the_same_contract_is_no_change(old: Json, new: Json) -> None:
    assert changed(old, new) == []
    assert changed(new, old) == []


def test_references_are_followed_everywhere() -> None:
    def referring(**of_parameter: Any) -> Json:
        parts = {
            "parameters": {"limit": {"in": "query", "name": "limit", "schema": STRING} | of_parameter},
            "requestBodies": {"thing": json_content(STRING)},
            "responses": {
                "made": {
                    "headers": {"ETag": {"$ref": "#/components/headers/tag"}},
                    "links": {"next": {"$ref": "#/components/links/next"}},
                }
            },
            "headers": {"tag": {"schema": STRING}},
            "links": LINKS,
        }
        operation = {
            "operationId": "makeThing",
            "tags": ["things"],
            "parameters": [{"$ref": "#/components/parameters/limit"}],
            "requestBody": {"$ref": "#/components/requestBodies/thing"},
            "responses": {"200": {"$ref": "#/components/responses/made"}},
        }
        parts["pathItems"] = {"things": {"post": operation}}
        return contract({}, parts, paths={"/things": {"$ref": "#/components/pathItems/things"}})

    plain = document(
        parameters=[{"in": "query", "name": "limit", "schema": STRING}],
        requestBody=json_content(STRING),
        responses={"200": {"headers": {"ETag": {"schema": STRING}}, "links": LINKS}},
    )
    assert changed(plain, referring()) == []
    assert [change.kind.name for change in changed(plain, referring(required=True))] == ["MADE_REQUIRED"]


def test_a_parameter_of_an_operation_replaces_that_of_its_path() -> None:
    old = query()
    new = query(required=True)
    for one in (old, new):
        one["paths"]["/things"]["parameters"] = [{"in": "query", "name": "limit", "schema": {"type": "integer"}}]
    assert [change.kind.name for change in changed(old, new)] == ["MADE_REQUIRED"]


def test_path_parameters_are_compared_by_their_position() -> None:
    def document_of(path: str, *names: str) -> Json:
        found = document(
            parameters=[{"in": "path", "name": name, "required": True, "schema": STRING} for name in names]
        )
        return found | {"paths": {path: found["paths"]["/things"]}}

    found = changed(document_of("/a/{x}/b/{y}", "x", "y"), document_of("/a/{x}/b/{z}", "z", "x"))
    assert [(change.place, change.text) for change in found] == [
        ("POST /a/{x}/b/{z}, path parameter `z`", "`parameter name` changed from `y` to `z`")
    ]


def test_what_breaks_comes_first() -> None:
    new = document(operationId="createThing", responses={"200": {}, "404": {}}, deprecated=True)
    assert [change.is_breaking for change in changed(document(), new)] == [True, False, False]


def test_a_change_says_what_it_was_and_is() -> None:
    found = {change.text for old, new in ((case[1], case[2]) for case in CASES) for change in changed(old, new)}
    assert {
        "`operationId` changed from `makeThing` to `createThing`",
        '`tags` changed from `["things"]` to `["things", "objects"]`',
        "the parameter was added, required",
        "`token` no longer suffices",
        "no authentication no longer suffices",
        "`token` with a no longer suffices",
        "`token` with b suffices now",
        "`openapi` changed from `3.1` to `3.2`",
    } <= found


def test_a_removed_parameter_is_named() -> None:
    (change,) = changed(query(), document())
    assert (change.place, change.text) == ("POST /things, query parameter `limit`", "the parameter was removed")


@pytest.mark.parametrize("status", ["200", "2XX", "302"])
@pytest.mark.parametrize("error", ["400", "4XX", "503", "default"])
def test_a_status_tells_an_answer_from_an_error(status: str, error: str) -> None:
    one, other = json_content({"enum": ["a"]}), json_content({"enum": ["a", "b"]})
    old, new = document(responses={status: one, error: one}), document(responses={status: other, error: other})
    assert {change.place: change.is_breaking for change in changed(old, new)} == {
        f"POST /things, answer {status}": True,
        f"POST /things, answer {error}": False,
    }


def test_a_parameter_of_the_query_is_not_taken_for_that_of_the_path_with_its_name() -> None:
    def both(name: str, **of_query: Any) -> Json:
        found = in_path(name)
        (item,) = found["paths"].values()
        item["post"]["parameters"].append({"in": "query", "name": "id", "schema": STRING} | of_query)
        return found

    assert [change.text for change in changed(both("id"), both("id", required=True))] == [
        "the parameter is required now"
    ]
    assert [change.kind.name for change in changed(both("id"), both("key"))] == ["PARAMETER_RENAMED"]
