"""Parameters of paths are compared with the contract, wherever they stand in it."""

from typing import Any

import pytest
from flask import Flask

from ostiary.core.problems import CATALOGUE, Problem, ProblemType
from ostiary.web import path_parameters

SESSION = "0199f6a2-7d10-7b52-9c1e-6a7d2f0b3c55"
UUID = {"schema": {"type": "string", "format": "uuid"}, "in": "path", "required": True}


def document(*codes: str) -> dict[str, Any]:
    """A contract with `GET /users/{user_id}/sessions/{session_id}`; its parameters stand in both places."""
    operation: dict[str, Any] = {"parameters": [{**UUID, "name": "session_id"}], "responses": {"200": {}}}
    if codes:
        operation["responses"]["404"] = {"content": {"application/problem+json": {"examples": dict.fromkeys(codes)}}}
    shared = [{**UUID, "name": "user_id"}, {"name": "X", "in": "header", "schema": {"type": "integer"}}]
    return {"paths": {"/users/{user_id}/sessions/{session_id}": {"parameters": shared, "get": operation}}}


def found(contract: dict[str, Any], user_id: str, session_id: str, method: str = "GET") -> ProblemType | None:
    app = Flask("parameters")
    app.add_url_rule("/users/<user_id>/sessions/<session_id>", view_func=lambda **_: "", methods=["GET", "POST"])
    app.add_url_rule("/other", view_func=lambda: "", endpoint="other")
    path_parameters.install(app, contract)
    with app.test_request_context(f"/users/{user_id}/sessions/{session_id}", method=method):
        try:
            path_parameters.check({"user_id": user_id, "session_id": session_id})
        except Problem as problem:
            return problem.kind
    return None


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_each_parameter_has_the_problem_of_its_name(method: str) -> None:
    contract = document("page_not_found", "session_not_found", "user_not_found")
    assert found(contract, SESSION, SESSION, method) is None
    assert found(contract, "x", SESSION, method) is CATALOGUE["user_not_found"]
    assert found(contract, SESSION, "x", method) is CATALOGUE["session_not_found"]


def test_without_such_a_name_it_is_the_only_one() -> None:
    assert found(document("not_found"), SESSION, "x") is CATALOGUE["not_found"]


def test_where_no_404_is_documented_nothing_is_looked_up() -> None:
    assert found(document(), "x", "x") is None
    assert found(document("page_not_found"), "x", "x") is None


def test_other_methods_are_not_concerned() -> None:
    assert found(document("not_found"), "x", "x", "POST") is None


def test_outside_of_a_route_there_is_nothing_to_compare() -> None:
    app = Flask("parameters")
    with app.test_request_context("/nowhere"):
        path_parameters.check({"user_id": "x"})
