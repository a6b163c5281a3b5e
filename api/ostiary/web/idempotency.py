"""Safe retries: for a repeated request, `@idempotent` returns the first answer instead of doing the work again."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, Protocol, TypeVar

from flask import Flask, Response, current_app, request

from ostiary.core.fields import trimmed
from ostiary.core.idempotency import (
    IDEMPOTENCY_KEY_IN_USE,
    IDEMPOTENCY_KEY_MALFORMED,
    IDEMPOTENCY_KEY_REUSED,
    MAX_KEY_LENGTH,
    PATTERN,
    Asked,
    KeptAnswer,
    read_key,
)
from ostiary.core.problems import DATABASE_UNAVAILABLE, Problem
from ostiary.web import json_body
from ostiary.web.blueprint import document
from ostiary.web.guards import caller

View = TypeVar("View", bound=Callable[..., Any])

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"

_KEEPER = "ostiary.idempotency"
_KEPT_HEADERS = ("Content-Type", "Location", "ETag")

_PARAMETER = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": (
        "Makes the request safe to repeat, for example after a lost response. A repetition with the same "
        "key and body returns the first response, and nothing is done twice. Use a new random value, such"
        " as a UUID, for each request that is not a repetition. The quotes of "
        "draft-ietf-httpapi-idempotency-key-header are optional. There is no example, because tools would"
        " send it."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": 2 * MAX_KEY_LENGTH + 2, "pattern": PATTERN},
}


class Claim(Protocol):
    """The exclusive right of one request to do the work of its key."""

    def holding(self) -> AbstractContextManager[None]:
        """Defer the commit of all writes inside, until `keep` or `release`."""
        ...

    async def keep(self, answer: KeptAnswer) -> None:
        """Commit the writes together with `answer`; raises `idempotency_key_in_use` if the claim was lost."""
        ...

    async def release(self, *, commit: bool) -> None:
        """Free the key again. commit: whether to commit the writes. Raises nothing."""
        ...


class Keeper(Protocol):
    """Stores claims and answers by key."""

    async def begin(self, asked: Asked) -> Claim | KeptAnswer:
        """Return the stored answer, or a claim if this is the first request.

        Raises the problems `idempotency_key_in_use`, `idempotency_key_reused` and `database_unavailable`.
        """
        ...


def install(app: Flask, keeper: Keeper) -> None:
    """Set the `keeper` of idempotent views."""
    app.extensions[_KEEPER] = keeper


def idempotent(view: View) -> View:
    """Make requests with an Idempotency-Key header safe to repeat. Other requests are not affected.

    Place it between `arguments` and `response`: then an invalid body claims no key, and the stored answer is complete.
    The writes of the view are committed together with the answer, after the view returns. So the view must not rely on
    reading them back, and must not do slow work after them. Only successes are stored. A refusal has changed nothing,
    and its repetition is processed again.
    """

    @wraps(view)
    def once(*args: Any, **kwargs: Any) -> Any:
        def perform() -> Response:
            answer: Response = current_app.ensure_sync(view)(*args, **kwargs)
            return answer

        written = request.headers.get(HEADER)
        return perform() if written is None else _once(read_key(trimmed(written)), perform)

    header = {REPLAYED: {"$ref": f"#/components/headers/{REPLAYED}"}}
    successes = getattr(view, "_apidoc", {}).get("success_status_codes", ())
    return document(
        once,  # type: ignore[return-value]
        problems=(
            IDEMPOTENCY_KEY_MALFORMED,
            IDEMPOTENCY_KEY_IN_USE,
            IDEMPOTENCY_KEY_REUSED,
            DATABASE_UNAVAILABLE,
        ),
        manual={"parameters": [_PARAMETER], "responses": {status: {"headers": header} for status in successes}},
    )


def _once(key: str, perform: Callable[[], Response]) -> Response:
    keeper: Keeper = current_app.extensions[_KEEPER]
    bearer = caller()
    asked = Asked(
        operation=f"{request.method} {request.full_path}",
        caller="" if bearer is None else bearer.user_id,
        key=key,
        body=_body(),
    )
    begun = current_app.async_to_sync(keeper.begin)(asked)
    if isinstance(begun, KeptAnswer):
        return Response(begun.body, status=begun.status, headers={**begun.headers, REPLAYED: "true"})
    return _first(begun, perform)


def _first(claim: Claim, perform: Callable[[], Response]) -> Response:
    release = current_app.async_to_sync(claim.release)
    try:
        with claim.holding():
            answer = perform()
    except BaseException as error:
        # A refusal can have something to write, such as a failed attempt. An aborted request has done nothing.
        release(commit=isinstance(error, Problem) and error.kind.status < 500)
        raise
    if answer.status_code >= 400:
        release(commit=answer.status_code < 500)
        return answer
    headers = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
    try:
        current_app.async_to_sync(claim.keep)(KeptAnswer(answer.status_code, headers, answer.get_data(as_text=True)))
    except BaseException:
        release(commit=False)
        raise
    return answer


def _body() -> bytes:
    raw = request.get_data(cache=True)
    return json.dumps(json_body.parse(raw), sort_keys=True).encode() if raw else b""
