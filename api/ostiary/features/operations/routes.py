"""Operations for health checks, the contract and its page, and problem codes."""

from flask import Response, request

from ostiary.core.problems import DATABASE_UNAVAILABLE, NOT_FOUND
from ostiary.features.operations import schemas, service
from ostiary.features.operations.service import Operations
from ostiary.features.operations.swagger_ui import ASSETS, Page
from ostiary.web.blueprint import Blueprint, answers
from ostiary.web.cached_response import HEADERS, conditional
from ostiary.web.guards import public
from ostiary.web.openapi import contract
from ostiary.web.provide import provided

operations = Blueprint(
    "operations", __name__, description="Health checks, the contract, and the meaning of problem codes."
)

MAX_FILE = 10_000_000
"""Maximum size of a file of Swagger UI, in characters or bytes."""
TEXT = {"type": "string", "maxLength": MAX_FILE}
OTHER_FILES = {
    "text/css": {"schema": TEXT},
    "image/png": {"schema": {"type": "string", "maxLength": MAX_FILE, "format": "binary"}},
}


@operations.route("/healthz")
@public
@operations.response(200, schemas.Health, description="The server answers.")
@operations.doc(operationId="getHealth")
async def get_health() -> dict[str, str]:
    """Check whether the server is alive.

    For a supervisor that restarts a hanging server. The check does not access the database.
    """
    return {"status": "ok"}


@operations.route("/readyz")
@public
@operations.response(200, schemas.Health, description="The server is ready.")
@answers(DATABASE_UNAVAILABLE)
@operations.doc(operationId="getReadiness")
async def get_readiness() -> dict[str, str]:
    """Check whether the server is ready.

    For load balancers. The check queries the database.
    """
    await provided(Operations).check_ready()
    return {"status": "ok"}


@operations.route("/openapi.json")
@public
@conditional
@operations.response(200, {"type": "object"}, headers=HEADERS, description="This contract.")
@operations.doc(operationId="getOpenapi")
def get_openapi() -> Response:
    """Get this contract.

    Returns the OpenAPI 3.1 document, byte for byte as `ostiary spec export` writes it.
    """
    return contract().held.answer()


@operations.route("/docs")
@public
@conditional
@operations.response(200, TEXT, content_type="text/html", headers=HEADERS, description="Swagger UI.")
@operations.doc(operationId="getDocs")
def get_docs() -> Response:
    """Explore this contract in Swagger UI.

    All files of the page come from this server.
    """
    return provided(Page).html.answer()


@operations.route(
    "/docs/<asset>",
    parameters=[
        {
            "name": "asset",
            "in": "path",
            "description": "The name of a file of Swagger UI.",
            "schema": {"type": "string", "enum": ASSETS},
        }
    ],
)
@public
@conditional
@operations.response(200, TEXT, content_type="text/javascript", headers=HEADERS, description="The file.")
@answers(NOT_FOUND)
@operations.doc(operationId="getDocsAsset", responses={200: {"content": OTHER_FILES}})
def get_docs_asset(asset: str) -> Response:
    """Get a file of Swagger UI.

    The page at `/docs` loads these files.
    """
    found = provided(Page).asset(asset, request.environ.get("HTTP_HOST", ""))
    if found is None:
        raise NOT_FOUND()
    return found.answer()


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
@operations.response(200, schemas.ProblemDescription, description="The meaning of the problem code.")
@answers(NOT_FOUND)
@operations.doc(operationId="getProblem")
async def get_problem(code: str) -> service.ProblemDescription:
    """Get the meaning of a problem code.

    The `type` of each problem is the address of this operation.
    """
    return provided(Operations).describe(code)
