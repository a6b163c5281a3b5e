"""Operations on accounts."""

from typing import Any

from ostiary.core.problems import DATABASE_UNAVAILABLE
from ostiary.features.accounts.problems import PASSWORD_TOO_COMMON, USERNAME_TAKEN
from ostiary.features.accounts.schemas import RegisterBody, Registered
from ostiary.features.accounts.service import Accounts
from ostiary.web.admission import hashes
from ostiary.web.blueprint import Blueprint, answers
from ostiary.web.guards import public
from ostiary.web.idempotency import idempotent
from ostiary.web.provide import provided, request_info

registration = Blueprint("auth", __name__, description="Register, log in, refresh tokens, log out.")

LOG_IN = {
    "operationId": "login",
    "description": "Log in with the name and password just registered.",
    "requestBody": {"username": "$request.body#/username", "password": "$request.body#/password"},
}


@registration.route("/register", methods=["POST"])
@public
@hashes
@registration.arguments(RegisterBody(), example={"username": "user1", "password": "password123"})
@idempotent
@registration.response(201, Registered, description="The user is registered.")
@answers(USERNAME_TAKEN, PASSWORD_TOO_COMMON, DATABASE_UNAVAILABLE)
@registration.doc(operationId="register", responses={201: {"links": {"login": LOG_IN}}})
async def register(body: dict[str, str]) -> dict[str, Any]:
    """Register a user.

    User names are unique, regardless of case. Ostiary stores only an argon2id hash of the password. Registering does
    not log the user in: call `POST /login` next.
    """
    account = await provided(Accounts).register(body["username"], body["password"], info=request_info())
    return {"message": "User registered successfully!", "user": account}
