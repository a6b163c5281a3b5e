"""What a view returns becomes the answer that its schema describes, whether the view is a coroutine or not."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from flask_smorest import Api
from marshmallow import fields

from ostiary.server.flask_app import LoopFlask
from ostiary.web import headers
from ostiary.web.blueprint import Blueprint, WithHeaders
from ostiary.web.schemas import Answer


class Sight(Answer):
    """What has been seen."""

    what = fields.String(required=True)
    at = fields.AwareDateTime(required=True)


@dataclass(frozen=True)
class Seen:
    what: str
    at: datetime
    secret: str = "not in the schema"


SEEN = Seen("héron", datetime(2026, 11, 24, 7, 0, tzinfo=UTC))
API_CONFIG = {"API_TITLE": "birds", "API_VERSION": "1", "OPENAPI_VERSION": "3.1.0"}


def make_app() -> Flask:
    app = LoopFlask("birds", static_folder=None)
    app.config.update(API_CONFIG)
    birds = Blueprint("birds", __name__)

    @birds.route("/sync", methods=["POST"])
    @birds.response(201, Sight, description="Seen.")
    @birds.doc(operationId="seeSync")
    def see_sync() -> Seen:
        """See at once."""
        return SEEN

    @birds.route("/async", methods=["POST"])
    @birds.response(201, Sight(), description="Seen.")
    async def see_async() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"what": SEEN.what, "at": SEEN.at}

    @birds.route("/headed")
    @birds.response(200, Sight, description="Seen.")
    async def see_headed() -> WithHeaders:
        """See with a header."""
        return WithHeaders(SEEN, {"ETag": '"1"'})

    @birds.route("/ready/<name>")
    @birds.response(200, {"type": "string"}, content_type="text/plain", description="A text.")
    def get_ready(name: str) -> Response:
        return Response(name, 203, {"Cache-Control": "max-age=1", "x-content-type-options": "none"}, "text/plain")

    Api(app).register_blueprint(birds)
    headers.install(app)
    return app


@pytest.fixture
def client() -> FlaskClient:
    return make_app().test_client()


@pytest.mark.parametrize("path", ["/sync", "/async"])
def test_what_the_view_returns_is_dumped_by_its_schema_as_compact_json(client: FlaskClient, path: str) -> None:
    answer = client.post(path)

    assert answer.status == "201 CREATED"
    assert answer.data == b'{"what":"h\\u00e9ron","at":"2026-11-24T07:00:00+00:00"}\n'
    assert dict(answer.headers) == {
        "Content-Type": "application/json",
        "Content-Length": str(len(answer.data)),
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }


def test_a_view_may_add_headers(client: FlaskClient) -> None:
    answer = client.get("/headed")

    assert (answer.status_code, answer.json["what"], answer.headers["ETag"]) == (200, SEEN.what, '"1"')


def test_a_response_goes_out_as_the_view_made_it(client: FlaskClient) -> None:
    answer = client.get("/ready/now")

    assert (answer.status_code, answer.data, answer.mimetype) == (203, b"now", "text/plain")
    assert answer.headers.getlist("Cache-Control") == ["max-age=1"]
    assert answer.headers.getlist("X-Content-Type-Options") == ["none"]


def test_the_notes_for_the_contract_are_those_of_flask_smorest() -> None:
    ours, theirs = Blueprint("ours", __name__), super(Blueprint, Blueprint("theirs", __name__))

    def view() -> None:
        """Do nothing."""

    def noted(blueprint: Any) -> Any:
        return blueprint.doc(summary="S", responses={200: {"links": {}}})(
            blueprint.response(200, {"type": "object"}, description="D", headers={"ETag": {}}, example={"a": 1})(view)
        )._apidoc

    assert noted(ours) == noted(theirs) | {"problems": []}
    assert not hasattr(view, "_apidoc")
