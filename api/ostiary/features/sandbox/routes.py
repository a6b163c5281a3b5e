"""Operations of the sandbox, there only with OSTIARY_SANDBOX=true."""

from typing import Any

from flask import Response

from ostiary.core.problems import DATABASE_UNAVAILABLE
from ostiary.features.sandbox import service
from ostiary.features.sandbox.forcing import documented_codes
from ostiary.features.sandbox.problems import CLOCK_TOO_FAR_AHEAD
from ostiary.features.sandbox.schemas import ClockMove, ClockState, ForcedError
from ostiary.features.sandbox.service import Sandbox
from ostiary.web.admission import hashes
from ostiary.web.blueprint import Blueprint, answers, no_content
from ostiary.web.guards import public
from ostiary.web.openapi import contract
from ostiary.web.provide import provided

sandbox = Blueprint("sandbox", __name__, description="For a client's own tests. Never in production.")


@sandbox.route("/sandbox/reset", methods=["POST"])
@public
@hashes
@sandbox.response(204, description="Everything is as on a fresh server.")
@answers(DATABASE_UNAVAILABLE)
@sandbox.doc(operationId="resetSandbox")
async def reset_sandbox() -> Response:
    """Begin anew.

    Every user, session and token is gone, the clock shows the real time, and no error is forced. The signing keys stay.
    """
    await provided(Sandbox).reset()
    return no_content()


@sandbox.route("/sandbox/clock", methods=["POST"])
@public
@sandbox.arguments(ClockMove())
@sandbox.response(200, ClockState, description="The clock has been moved.")
@answers(CLOCK_TOO_FAR_AHEAD)
@sandbox.doc(operationId="moveClock")
async def move_clock(body: dict[str, int]) -> service.ClockState:
    """Move the clock ahead.

    Tokens, sessions and all else that ends by time end as they would if the time had passed. It stays moved until
    `POST /sandbox/reset`.
    """
    return provided(Sandbox).move_clock(body["advance_seconds"])


@sandbox.route("/sandbox/next-error", methods=["POST"])
@public
@sandbox.arguments(ForcedError())
@sandbox.response(204, description="The error will come.")
@sandbox.doc(operationId="forceNextError")
async def force_next_error(body: dict[str, Any]) -> Response:
    """Force an error.

    The next request to an operation that documents the code is answered with it, as if it had happened, and has no
    effect; other requests are answered as ever. It takes the place of an error that was forced before.
    """
    provided(Sandbox).force(body["code"], body["times"], documented_codes(contract().document))
    return no_content()
