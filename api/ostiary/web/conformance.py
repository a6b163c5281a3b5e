"""Checks answers against the contract. A mismatch raises an error in tests, and is logged in development."""

import gzip
import json
from functools import cache
from typing import Any, Literal

import jsonschema_rs
import structlog
from flask import Flask, Request, Response, request

from ostiary.web.openapi import Contract
from ostiary.web.problem_format import format_of

log = structlog.stdlib.get_logger(__name__)


class ContractMismatch(AssertionError):
    """An answer does not match the contract."""


class Conformance:
    """Compares answers with a contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._document = contract.document
        self._components = _closed(contract.document["components"])
        self._validator = cache(self._make_validator)

    def faults(self, asked: Request, answer: Response) -> list[str]:
        """Return the mismatches of `answer`; an empty list if there are none."""
        rule = asked.url_rule
        if rule is None or asked.method in ("OPTIONS", "HEAD"):
            return self._outside_operations(asked, answer) if rule is None else []
        operation = self._contract.operation(rule.rule, asked.method)
        if operation is None:
            return [f"{asked.method} {rule.rule} is not in the contract"]
        declared = operation["responses"].get(str(answer.status_code))
        if declared is None:
            return [f"status {answer.status_code} is not declared for {operation['operationId']}"]
        return [*self._header_faults(declared, answer), *self._body_faults(declared, answer)]

    @staticmethod
    def _outside_operations(asked: Request, answer: Response) -> list[str]:
        if answer.status_code not in (400, 404, 405) or answer.mimetype != format_of(asked.path).media_type:
            return [f"an address outside the contract answered {answer.status_code} {answer.mimetype}"]
        return []

    def _header_faults(self, declared: dict[str, Any], answer: Response) -> list[str]:
        return [
            f"the required header {name} is missing"
            for name, header in declared.get("headers", {}).items()
            if self._resolve(header).get("required") and name not in answer.headers
        ]

    def _body_faults(self, declared: dict[str, Any], answer: Response) -> list[str]:
        content = declared.get("content", {})
        media_type = answer.mimetype or ""
        if not content:
            return [f"a body is not declared for status {answer.status_code}"] if answer.data or media_type else []
        if media_type not in content:
            return [f"content type {media_type!r} is not declared for status {answer.status_code}"]
        if not media_type.endswith("json"):
            return []
        sent = answer.data
        value = json.loads(gzip.decompress(sent) if answer.content_encoding == "gzip" else sent)
        validator = self._validator(_Key(content[media_type]["schema"]))
        return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)]

    def _resolve(self, value: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in value:
            return value
        found: Any = self._document
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        resolved: dict[str, Any] = found
        return resolved

    def _make_validator(self, key: "_Key") -> jsonschema_rs.Validator:
        schema = {**_closed(key.schema), "components": self._components}
        return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def _closed(schema: Any) -> Any:
    """Return `schema` without additional members.

    The contract leaves answers open, because clients must accept members that later versions add. This version has no
    others.
    """
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(one) for name, one in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


class _Key:
    """A schema as a dictionary key: by identity, since the contract does not change while the app runs."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.schema is self.schema


def install(app: Flask, contract: Contract, mode: Literal["off", "log", "raise"]) -> None:
    """Check every answer of `app`: "log" writes an error for each mismatch, "raise" fails the request."""
    if mode == "off":
        return
    conformance = Conformance(contract)

    @app.after_request
    def compare(answer: Response) -> Response:
        faults = conformance.faults(request, answer)
        if faults:
            told = f"{request.method} {request.path} answered against the contract: {'; '.join(faults)}"
            if mode == "raise":
                raise ContractMismatch(told)
            log.error(told)
        return answer
