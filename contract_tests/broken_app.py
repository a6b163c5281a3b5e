"""A small API that keeps its contract, or breaks it in one way of choice: what the suite must find.

python broken_app.py FAULT     # FAULT is one of FAULTS, `unreachable_status` or `none`
"""

import sys
import time
from copy import deepcopy
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import make_server

FAULTS = (
    "undocumented_status",
    "missing_field",
    "ignored_token",
    "wrong_type",
    "wrong_content_type",
    "missing_header",
    "server_error",
    "accepts_anything",
    "refuses_good_data",
    "no_allow_header",
    "strangers_may_read",
    "deleted_but_there",
    "created_but_absent",
    "wrong_allow_header",
    "ignored_header",
    "slow",
)
"""What can be wrong with an answer."""

UNREACHABLE = "unreachable_status"
"""A fault of the contract alone: it documents a status that nothing ever answers."""

OWNERS = {"token-of-alice": "alice", "token-of-bob": "bob"}

LONGEST = 20
"""Characters of a note."""

SLOW = 0.5
"""Seconds that the fault "slow" takes for some answers."""

NOTE = {
    "type": "object",
    "required": ["id", "text", "owner"],
    "properties": {"id": {"type": "integer"}, "text": {"type": "string"}, "owner": {"type": "string"}},
}
PROBLEM = {"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}}


def _answer(description: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}, **more}


def _refusals(*statuses: int) -> dict[str, Any]:
    found = {str(status): _answer("Refused.", PROBLEM) for status in statuses}
    if "401" in found:
        found["401"]["headers"] = {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}}
    return found


_THE_NOTE = {"parameters": {"note_id": "$response.body#/id"}}
_REASON = {"name": "X-Reason", "in": "header", "required": True, "schema": {"type": "string", "pattern": "^[a-z]+$"}}
_NOTE_ID = {"name": "note_id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Notes", "version": "1"},
    "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    "security": [{"bearer": []}],
    "paths": {
        "/notes": {
            "post": {
                "operationId": "makeNote",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["text"],
                                "additionalProperties": False,
                                "properties": {"text": {"type": "string", "maxLength": LONGEST}},
                            }
                        }
                    },
                },
                "responses": {
                    "201": _answer(
                        "Made.",
                        NOTE,
                        links={
                            "read": {"operationId": "readNote", **_THE_NOTE},
                            "delete": {"operationId": "deleteNote", **_THE_NOTE},
                        },
                    ),
                    **_refusals(401, 415, 422),
                },
            }
        },
        "/notes/{note_id}": {
            "parameters": [_NOTE_ID],
            "get": {"operationId": "readNote", "responses": {"200": _answer("It.", NOTE), **_refusals(401, 404)}},
            "delete": {
                "operationId": "deleteNote",
                "parameters": [_REASON],
                "responses": {
                    "200": _answer(
                        "Gone.",
                        NOTE,
                        links={"read": {"operationId": "readNote", **_THE_NOTE}},
                    ),
                    **_refusals(400, 401, 404),
                },
            },
        },
    },
}


def document_of(fault: str) -> dict[str, Any]:
    """Return the contract, with the fault `unreachable_status` if that is the one."""
    document = deepcopy(DOCUMENT)
    if fault == UNREACHABLE:
        document["paths"]["/notes/{note_id}"]["get"]["responses"] |= _refusals(418)
    return document


class Refused(Exception):
    """The request is answered with a status of 4xx."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Notes:
    """The operations, with one fault, or with none if `fault` is "none"."""

    def __init__(self, fault: str) -> None:
        self._fault = fault
        self._notes: dict[int, dict[str, Any]] = {}
        self._made = 0

    def make(self) -> tuple[Response, int]:
        """Answer `POST /notes`."""
        owner = self._caller()
        text = self._text_of_body()
        self._made += 1
        note = {"id": self._made, "text": text, "owner": owner}
        if self._fault != "created_but_absent":
            self._notes[self._made] = note
        if self._fault == "server_error" and len(text) > 10:
            raise RuntimeError("deliberate")
        told = {name: value for name, value in note.items() if self._fault != "missing_field" or name != "owner"}
        if self._fault == "wrong_type":
            told["id"] = str(told["id"])
        return jsonify(told), 202 if self._fault == "undocumented_status" else 201

    def read(self, note_id: str) -> Response:
        """Answer `GET /notes/{note_id}`."""
        note = self._own_note(note_id, self._caller())
        if self._fault == "slow":
            time.sleep(SLOW)
        if self._fault == "wrong_content_type":
            return Response(str(note), content_type="text/plain")
        return jsonify(note)

    def delete(self, note_id: str) -> Response:
        """Answer `DELETE /notes/{note_id}`."""
        owner = self._caller()
        reason = request.headers.get("X-Reason", "")
        if self._fault != "ignored_header" and not (reason.isascii() and reason.isalpha() and reason.islower()):
            raise Refused(400)
        note = self._own_note(note_id, owner)
        if self._fault != "deleted_but_there":
            self._notes.pop(note["id"], None)
        return jsonify(note)

    def _caller(self) -> str:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token in OWNERS:
            return OWNERS[token]
        if self._fault == "ignored_token":
            return "anybody"
        raise Refused(401)

    def _text_of_body(self) -> str:
        if request.mimetype != "application/json":
            raise Refused(415)
        body = request.get_json(silent=True)
        if self._fault == "accepts_anything":
            return "whatever"
        if not isinstance(body, dict) or body.keys() != {"text"}:
            raise Refused(422)
        text = body["text"]
        longest = 5 if self._fault == "refuses_good_data" else LONGEST
        if not isinstance(text, str) or len(text) > longest:
            raise Refused(422)
        return text

    def _own_note(self, note_id: str, owner: str) -> dict[str, Any]:
        note = self._notes.get(int(note_id)) if note_id.isascii() and note_id.isdigit() else None
        shared = self._fault in ("strangers_may_read", "ignored_token")
        if note is None or (note["owner"] != owner and not shared):
            raise Refused(404)
        return note


def make_app(fault: str) -> Flask:
    """Return the API with one fault, or with none if `fault` is "none"."""
    app = Flask(__name__)
    notes = Notes(fault)
    app.add_url_rule("/notes", view_func=notes.make, methods=["POST"])
    app.add_url_rule("/notes/<note_id>", view_func=notes.read, methods=["GET"])
    app.add_url_rule("/notes/<note_id>", view_func=notes.delete, methods=["DELETE"])
    app.add_url_rule("/openapi.json", "openapi", lambda: jsonify(document_of(fault)))

    @app.errorhandler(Refused)
    def refuse(error: Refused) -> tuple[Response, int, dict[str, str]]:
        challenged = error.status == 401 and fault != "missing_header"
        return jsonify(title="Refused"), error.status, {"WWW-Authenticate": "Bearer"} if challenged else {}

    @app.errorhandler(HTTPException)
    def elsewhere(error: HTTPException) -> Response:
        answer = jsonify(title=error.name)
        answer.status_code = error.code or 500
        allowed = getattr(error, "valid_methods", None)
        if allowed and fault != "no_allow_header":
            answer.headers["Allow"] = ", ".join(allowed)
        return answer

    @app.after_request
    def advertise(answer: Response) -> Response:
        if fault == "wrong_allow_header" and request.method == "OPTIONS":
            answer.headers["Allow"] = "PUT"
        return answer

    return app


def main() -> None:
    """Serve the API with the fault named on the command line."""
    server = make_server("127.0.0.1", 0, make_app(sys.argv[1]), threaded=True)
    print(f"listens at http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
