"""Is an answer what the contract says? A judge of its own, beside the one inside Schemathesis."""

from typing import Any

import httpx
import jsonschema_rs

PROBLEM = "application/problem+json"


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the operations of an OpenAPI document by their labels, such as `POST /login`, in its order."""
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }


def address(path: str) -> str:
    """Return an address for a path of the contract; its parameters' names stand for their values."""
    return path.replace("{", "").replace("}", "")


class Contract:
    """An OpenAPI 3.1 document to judge answers by."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def faults(self, method: str, path: str, answer: httpx.Response) -> list[str]:
        """Return what is wrong with `answer` to an operation; `path` is as the contract has it: `/users/{user_id}`."""
        responses = self.document["paths"][path][method.lower()]["responses"]
        declared = responses.get(str(answer.status_code))
        if declared is None:
            return [f"{method} {path} answered {answer.status_code}, documented are {sorted(responses)}: {answer.text}"]
        return [*self._header_faults(declared, answer), *self._body_faults(declared, answer)]

    def faults_outside_operations(self, answer: httpx.Response) -> list[str]:
        """Return what is wrong with the refusal of an address or method that the contract does not have."""
        if answer.status_code not in (400, 404, 405):
            return [f"answered {answer.status_code}: {answer.text}"]
        is_oauth = "/oauth/" in answer.request.url.path
        if _media_type(answer) not in (PROBLEM, *(["application/json"] if is_oauth else [])):
            return [f"answered {answer.headers.get('Content-Type')}: {answer.text}"]
        faults = [name for name in ("type", "title", "status", "detail", "code") if name not in answer.json()]
        if answer.status_code == 405 and not answer.headers.get("Allow"):
            faults.append("the header Allow")
        return [f"{name} is missing: {answer.text}" for name in faults]

    def _header_faults(self, declared: dict[str, Any], answer: httpx.Response) -> list[str]:
        faults = []
        for name, header in declared.get("headers", {}).items():
            definition = self._resolve(header)
            if name not in answer.headers:
                faults += [f"the header {name} is missing"] if definition.get("required") else []
            elif definition["schema"]["type"] == "string":
                faults += self._schema_faults(definition["schema"], answer.headers[name])
        return faults

    def _body_faults(self, declared: dict[str, Any], answer: httpx.Response) -> list[str]:
        content = declared.get("content", {})
        media_type = _media_type(answer)
        if not content:
            return ["there is a body, and the contract has none"] if answer.content or media_type else []
        if media_type not in content:
            return [f"the content type {media_type!r} is not among {sorted(content)}: {answer.text}"]
        if not media_type.endswith("json"):
            return []
        return self._schema_faults(content[media_type]["schema"], answer.json())

    def _schema_faults(self, schema: dict[str, Any], value: object) -> list[str]:
        validator = jsonschema_rs.Draft202012Validator(
            {**schema, "components": self.document["components"]}, validate_formats=True
        )
        return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)]

    def _resolve(self, value: dict[str, Any]) -> dict[str, Any]:
        found: Any = value
        if "$ref" in value:
            found = self.document
            for part in value["$ref"].removeprefix("#/").split("/"):
                found = found[part]
        resolved: dict[str, Any] = found
        return resolved


def _media_type(answer: httpx.Response) -> str:
    return str(answer.headers.get("Content-Type", "")).partition(";")[0].strip().lower()
