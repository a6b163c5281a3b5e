"""Requests that may be repeated: `@idempotent` gives a repetition the first answer instead of doing the work again."""

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
    """The right of one request to do the work of its key."""

    def holding(self) -> AbstractContextManager[None]:
        """Hold what is written within back from being committed, until one of the two below."""
        ...

    async def keep(self, answer: KeptAnswer) -> None:
        """Commit what was written together with `answer`; raises `idempotency_key_in_use` if the claim was lost."""
        ...

    async def release(self, *, commit: bool) -> None:
        """Let the key be free again. commit: whether what was written stays. Raises nothing."""
        ...


class Keeper(Protocol):
    """Knows what was answered under which key."""

    async def begin(self, asked: Asked) -> Claim | KeptAnswer:
        """Return the first answer, or the claim of who is the first.

        Raises the problems `idempotency_key_in_use`, `idempotency_key_reused` and `database_unavailable`.
        """
        ...


def install(app: Flask, keeper: Keeper) -> None:
    """Make `keeper` the one whom idempotent views ask."""
    app.extensions[_KEEPER] = keeper


def idempotent(view: View) -> View:
    """Let a request with the header Idempotency-Key be repeated; without the header nothing changes.

    Stands between `arguments` and `response`: a body that does not fit its schema claims no key, and the answer that is
    kept is complete. What the view writes is committed together with its answer, after it has returned; so it must not
    rely on reading it back, nor hold it through slow work. Only successes are kept: a refusal has changed nothing, and
    the repetition is judged anew.
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
        # A refusal may have something to write, such as a failed attempt; a request that broke off has done nothing.
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
