"""Health, the contract, its page, and the meaning of problems."""

from flask import Response

from api.core.problems import DATABASE_UNAVAILABLE, NOT_FOUND
from api.features.operations import schemas, service, swagger_ui
from api.features.operations.service import Operations
from api.web.blueprint import Blueprint, answers
from api.web.guards import public
from api.web.openapi import contract
from api.web.provide import provided

operations = Blueprint("operations", __name__, description="For operators and for readers of the contract.")

TEXT = {"type": "string"}
BINARY = {"type": "string", "format": "binary"}
THE_FILE = "The file."


@operations.route("/healthz")
@public
@operations.response(200, schemas.Health, description="The server answers.")
@operations.doc(operationId="getHealth")
async def get_health() -> dict[str, str]:
    """Ask whether the server answers.

    For a supervisor that restarts a server which hangs. Touches nothing but the server itself.
    """
    return {"status": "ok"}


@operations.route("/readyz")
@public
@operations.response(200, schemas.Health, description="Requests can be served.")
@answers(DATABASE_UNAVAILABLE)
@operations.doc(operationId="getReadiness")
async def get_readiness() -> dict[str, str]:
    """Ask whether requests can be served.

    For a load balancer. Asks the database.
    """
    await provided(Operations).check_ready()
    return {"status": "ok"}


@operations.route("/openapi.json")
@public
@operations.response(200, {"type": "object"}, description="This contract.")
@operations.doc(operationId="getOpenapi")
def get_openapi() -> Response:
    """Get this contract.

    An OpenAPI 3.1 document, the same bytes as `ostiary spec export` writes.
    """
    return Response(contract().text, content_type="application/json", headers={"Cache-Control": "no-cache"})


@operations.route("/docs")
@public
@operations.response(200, TEXT, content_type="text/html", description="Swagger UI.")
@operations.doc(operationId="getDocs")
def get_docs() -> Response:
    """Explore this contract in Swagger UI.

    Everything that the page needs comes from this server.
    """
    return Response(
        swagger_ui.PAGE,
        content_type="text/html; charset=utf-8",
        headers={
            "Content-Security-Policy": swagger_ui.CONTENT_SECURITY_POLICY,
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-cache",
        },
    )


@operations.route(
    "/docs/<asset>",
    parameters=[
        {
            "name": "asset",
            "in": "path",
            "description": "The name of a file of Swagger UI.",
            "schema": {"type": "string", "enum": swagger_ui.ASSETS},
        }
    ],
)
@public
@operations.response(200, TEXT, content_type="text/javascript", description=THE_FILE)
@operations.alt_response(200, schema=TEXT, content_type="text/css", description=THE_FILE, success=True)
@operations.alt_response(200, schema=BINARY, content_type="image/png", description=THE_FILE, success=True)
@answers(NOT_FOUND)
@operations.doc(operationId="getDocsAsset")
def get_docs_asset(asset: str) -> Response:
    """Get a file of Swagger UI.

    A part of the page at `/docs`.
    """
    found = swagger_ui.asset(asset)
    if found is None:
        raise NOT_FOUND()
    return Response(found.content, content_type=found.media_type, headers={"Cache-Control": "public, max-age=86400"})


@operations.route(
    "/problems/<code>",
    parameters=[
        {
            "name": "code",
            "in": "path",
            "description": "The code of a problem.",
            "schema": {"type": "string", "minLength": 1},
            "example": "invalid_credentials",
        }
    ],
)
@public
@operations.response(200, schemas.ProblemDescription, description="What the problem means.")
@answers(NOT_FOUND)
@operations.doc(operationId="getProblem")
async def get_problem(code: str) -> service.ProblemDescription:
    """Look up what a problem code means.

    The `type` of every problem leads here.
    """
    return provided(Operations).describe(code)
