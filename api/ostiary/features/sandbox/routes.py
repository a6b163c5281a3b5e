"""Operations of the sandbox. They exist only with OSTIARY_SANDBOX=true."""

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

sandbox = Blueprint("sandbox", __name__, description="For the tests of clients. Never use it in production.")


@sandbox.route("/sandbox/reset", methods=["POST"])
@public
@hashes
@sandbox.response(204, description="The server is reset.")
@answers(DATABASE_UNAVAILABLE)
@sandbox.doc(operationId="resetSandbox")
async def reset_sandbox() -> Response:
    """Reset the server.

    Deletes all users, sessions and tokens, sets the clock to the real time, and cancels forced errors. The signing keys
    are kept.
    """
    await provided(Sandbox).reset()
    return no_content()


@sandbox.route("/sandbox/clock", methods=["POST"])
@public
@sandbox.arguments(ClockMove())
@sandbox.response(200, ClockState, description="The new time of the clock.")
@answers(CLOCK_TOO_FAR_AHEAD)
@sandbox.doc(operationId="moveClock")
async def move_clock(body: dict[str, int]) -> service.ClockState:
    """Move the clock ahead.

    Tokens, sessions and everything else with a lifetime expire as if the time had passed. The clock stays ahead until
    `POST /sandbox/reset`.
    """
    return provided(Sandbox).move_clock(body["advance_seconds"])


@sandbox.route("/sandbox/next-error", methods=["POST"])
@public
@sandbox.arguments(ForcedError())
@sandbox.response(204, description="The error is set.")
@sandbox.doc(operationId="forceNextError")
async def force_next_error(body: dict[str, Any]) -> Response:
    """Force the next error.

    The next request to an operation that documents the code fails with it and has no effect. Other requests are not
    affected. A new forced error replaces an earlier one.
    """
    provided(Sandbox).force(body["code"], body["times"], documented_codes(contract().document))
    return no_content()
