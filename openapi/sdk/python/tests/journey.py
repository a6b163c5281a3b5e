"""A user's way through the Python SDK, against the server whose address is the argument."""

import asyncio
import os
import sys
from typing import assert_never

from ostiary_client import (
    AsyncOstiary,
    AuthenticationRequired,
    InsufficientRole,
    InsufficientScope,
    InvalidClient,
    InvalidCredentials,
    InvalidRefreshToken,
    InvalidToken,
    Ostiary,
    PreconditionFailed,
    SessionNotFound,
    UsernameTaken,
    ValidationFailed,
    WrongPassword,
    last_response,
    models,
)

PASSWORD = "correct horse battery staple"


def refused() -> None:
    """Fail: a call came back that should have raised."""
    raise AssertionError("the call was not refused")


def register(ostiary: Ostiary, name: str) -> models.User:
    """Register, once; be told when it is for the second time, or wrong."""
    registered = ostiary.auth.register(username=name, password=PASSWORD)
    assert registered.user.username == name
    assert registered.user.roles == []
    assert registered.user.created_at.tzinfo is not None
    try:
        ostiary.auth.register(username=name.upper(), password=PASSWORD)
        refused()
    except UsernameTaken as error:
        assert error.problem.code == "username_taken"
        assert error.problem.status == 409
        assert error.detail == "User already exists!"
    try:
        ostiary.auth.register(username="", password="short")
        refused()
    except ValidationFailed as error:
        assert {member.pointer for member in error.problem.errors} == {"/username", "/password"}
        assert all(member.detail for member in error.problem.errors)
    return registered.user


def log_in(ostiary: Ostiary, name: str) -> models.TokenPair:
    """Log in; be refused before, and with a wrong password."""
    try:
        ostiary.protected.get_protected()
        refused()
    except AuthenticationRequired as error:
        assert error.status == 401
    try:
        ostiary.auth.login(username=name, password="wrong")
        refused()
    except InvalidCredentials as error:
        assert error.problem.code == "invalid_credentials"
    pair = ostiary.auth.login(username=name, password=PASSWORD)
    ostiary.token = pair.access_token
    return pair


def refresh_and_retry(ostiary: Ostiary, pair: models.TokenPair) -> models.TokenPair:
    """Go in with a token that is no longer good."""
    ostiary.token = "not.a.token"
    try:
        ostiary.protected.get_protected()
        refused()
    except InvalidToken:
        pair = ostiary.auth.refresh(refresh_token=pair.refresh_token)
        ostiary.token = pair.access_token
    assert ostiary.protected.get_protected().message == "This is a protected route!"
    return pair


def be_refused_without_the_role(ostiary: Ostiary) -> None:
    """Ask for what only administrators get."""
    try:
        ostiary.protected.get_protected_admin()
        refused()
    except InsufficientRole as error:
        assert error.problem.required_roles == ["admin"]
        assert error.problem.held_roles == []


def log_out(ostiary: Ostiary, pair: models.TokenPair) -> None:
    """Log out; be refused from then on."""
    assert ostiary.auth.logout().message == "Successfully logged out!"
    try:
        ostiary.protected.get_protected()
        refused()
    except InvalidToken as error:
        assert told_apart(error.problem) == "refresh"
    try:
        ostiary.auth.refresh(refresh_token=pair.refresh_token)
        refused()
    except InvalidRefreshToken as error:
        assert told_apart(error.problem) == "log in"


def look_after_sessions(ostiary: Ostiary, name: str) -> None:
    """See where one is logged in, end the rest, change the password, prove again who one is."""
    elsewhere = ostiary.auth.login(username=name, password=PASSWORD)
    listed = ostiary.me.list_my_sessions().sessions
    assert len(listed) == 2
    assert [session.id == elsewhere.session_id for session in listed if not session.current] == [True]
    ostiary.me.end_my_session(elsewhere.session_id)
    try:
        ostiary.me.end_my_session(elsewhere.session_id)
        refused()
    except SessionNotFound as error:
        assert error.status == 404
    try:
        ostiary.me.change_my_password(current_password="wrong", new_password=PASSWORD)
        refused()
    except WrongPassword as error:
        assert error.problem.status == 403
    ostiary.auth.login(username=name, password=PASSWORD)
    changed = ostiary.me.change_my_password(current_password=PASSWORD, new_password=PASSWORD)
    assert changed.ended_sessions == 1
    ostiary.token = ostiary.me.reauthenticate(password=PASSWORD).access_token
    assert ostiary.me.end_my_sessions().ended_sessions == 0
    types = [event.type_ for event in ostiary.me.list_my_audit_events(limit=5).events]
    assert "session.reauthenticated" in types


def change_the_own_name(ostiary: Ostiary, name: str) -> None:
    """Change what was read, and nothing newer: the entity-tag says which version that was."""
    ostiary.me.get_me()
    answer = last_response()
    assert answer is not None
    etag = answer.headers["ETag"]
    assert ostiary.me.update_me(username=f"{name}-2", if_match=etag).username == f"{name}-2"
    try:
        ostiary.me.update_me(username=f"{name}-3", if_match=etag)
        refused()
    except PreconditionFailed as error:
        assert error.status == 412
    ostiary.me.update_me(username=name)


def act_with_an_api_key(ostiary: Ostiary, url: str) -> None:
    """Give a program a key; see what it may do, and that it is over at once."""
    made = ostiary.api_keys.create_my_api_key(name="robot", scopes=["me:read"])
    with Ostiary(url, token=made.api_key) as program:
        assert program.me.get_me() == ostiary.me.get_me()
        try:
            program.admin.list_users()
            refused()
        except InsufficientScope as error:
            assert error.problem.required_scopes == ["users:read"]
            assert error.problem.held_scopes == ["me:read"]
        ostiary.api_keys.revoke_my_api_key(made.id)
        try:
            program.me.get_me()
            refused()
        except InvalidToken as error:
            assert error.status == 401


def with_threads(url: str) -> None:
    """Go the whole way."""
    name = f"ada-{os.urandom(6).hex()}"
    with Ostiary(url) as ostiary:
        user = register(ostiary, name)
        pair = log_in(ostiary, name)
        assert ostiary.protected.get_protected().message == "This is a protected route!"
        assert ostiary.me.get_me() == user
        be_refused_without_the_role(ostiary)
        pair = refresh_and_retry(ostiary, pair)
        look_after_sessions(ostiary, name)
        change_the_own_name(ostiary, name)
        act_with_an_api_key(ostiary, url)
        log_out(ostiary, pair)
        assert ostiary.operations.get_problem("invalid_token").status == 401


def told_apart(problem: models.InvalidRefreshTokenProblem | models.InvalidTokenProblem) -> str:
    """Return what to do about a problem; mypy proves that no code is forgotten."""
    match problem.code:
        case "invalid_refresh_token":
            return "log in"
        case "invalid_token":
            return "refresh"
        case never:
            assert_never(never)


async def with_asyncio(url: str) -> None:
    """Do the same with asyncio, in short."""
    name = f"grace-{os.urandom(6).hex()}"
    token: str | None = None

    async def current_token() -> str | None:
        return token

    async with AsyncOstiary(url, token=current_token) as ostiary:
        await ostiary.auth.register(username=name, password=PASSWORD)
        token = (await ostiary.auth.login(username=name, password=PASSWORD)).access_token
        greetings = await asyncio.gather(*(ostiary.protected.get_protected() for _ in range(5)))
        assert {greeting.message for greeting in greetings} == {"This is a protected route!"}
        await ostiary.auth.logout()
        try:
            await ostiary.protected.get_protected()
            refused()
        except InvalidToken as error:
            assert error.response.headers["WWW-Authenticate"].startswith("Bearer ")


def for_another_service(url: str, client: tuple[str, str]) -> None:
    """Ask about a token, end it, ask again; be refused without the secret of a client."""
    name = f"bearer-{os.urandom(6).hex()}"
    with Ostiary(url, client=client) as ostiary:
        ostiary.auth.register(username=name, password=PASSWORD)
        token = ostiary.auth.login(username=name, password=PASSWORD).access_token
        form = models.IntrospectForm(token=token)
        told = ostiary.tokens.introspect_token(body=form)
        assert told.active
        assert told.username == name
        ostiary.tokens.revoke_token(body=models.RevokeForm(token=token))
        assert not ostiary.tokens.introspect_token(body=form).active
    with Ostiary(url, token=token) as ostiary:
        try:
            ostiary.tokens.introspect_token(body=form)
            refused()
        except InvalidClient as error:
            assert error.problem.error == "invalid_client"


if __name__ == "__main__":
    with_threads(sys.argv[1])
    for_another_service(sys.argv[1], (sys.argv[2], sys.argv[3]))
    asyncio.run(with_asyncio(sys.argv[1]))
    print("arrived")
