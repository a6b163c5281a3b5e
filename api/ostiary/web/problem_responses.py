"""The contract's responses for problems: one for each status, with a discriminator for the codes."""

from typing import Any

from ostiary.core.problems import ProblemType
from ostiary.web.problem_format import ProblemFormat

CHALLENGE_HEADERS = {"Bearer": "WWW-Authenticate", "Basic": "WWW-Authenticate-Basic"}
"""The header components of the contract, by the authentication scheme of the challenge."""


def problem_responses(problems: list[ProblemType], form: ProblemFormat) -> dict[int, dict[str, Any]]:
    """Return the contract's responses for `problems`: one for each status, with a discriminator for the codes."""
    responses: dict[int, dict[str, Any]] = {}
    for status in sorted({problem.status for problem in problems}):
        kinds = {problem.code: problem for problem in problems if problem.status == status}
        references = {code: {"$ref": f"#/components/schemas/{kind.schema_name}"} for code, kind in kinds.items()}
        if len(references) == 1:
            schema: dict[str, Any] = next(iter(references.values()))
        else:
            schema = {
                "oneOf": list(references.values()),
                "discriminator": {
                    "propertyName": "code",
                    "mapping": {code: reference["$ref"] for code, reference in references.items()},
                },
            }
        examples = {
            code: {"summary": kind.title, "value": form.body(kind(**kind.example))} for code, kind in kinds.items()
        }
        response: dict[str, Any] = {
            "description": "\n\n".join(f"`{code}`: {kind.title}." for code, kind in kinds.items()),
            "content": {form.media_type: {"schema": schema, "examples": examples}},
        }
        headers = {}
        schemes = {(kind.challenge or "").partition(" ")[0] for kind in kinds.values()}
        if len(schemes) == 1 and schemes <= CHALLENGE_HEADERS.keys():
            headers["WWW-Authenticate"] = {"$ref": f"#/components/headers/{CHALLENGE_HEADERS[schemes.pop()]}"}
        waits = [kind.code for kind in kinds.values() if kind.retry_after is not None]
        if len(waits) == len(kinds):
            headers["Retry-After"] = {"$ref": "#/components/headers/Retry-After"}
        elif waits:
            headers["Retry-After"] = _retry_after_of(waits)
        if headers:
            response["headers"] = headers
        responses[status] = response
    return responses


def _retry_after_of(codes: list[str]) -> dict[str, Any]:
    """Return the Retry-After header of a response in which only these codes have it."""
    return {
        "description": f"With {' and '.join(f'`{code}`' for code in codes)}: seconds to wait before a retry.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 1,
    }


def name_unions(document: dict[str, Any]) -> None:
    """Turn each union of problems into a named schema that all responses with the same problems share.

    Generators name an inline union after the operation that they read first. Our name lists the problems:
    `AuthenticationRequiredOrInvalidTokenProblem`.
    """
    for item in document["paths"].values():
        for method, operation in item.items():
            for response in operation["responses"].values() if method != "parameters" else ():
                for content in response.get("content", {}).values():
                    if "oneOf" in content["schema"]:
                        content["schema"] = _shared(content["schema"], document["components"]["schemas"])


def _shared(union: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Add the schema for `union` to `schemas` and return a reference to it."""
    mapping = dict(sorted(union["discriminator"]["mapping"].items()))
    kinds = [reference.rpartition("/")[2].removesuffix("Problem") for reference in mapping.values()]
    name = f"{'Or'.join(kinds)}Problem"
    schemas[name] = {
        "title": name,
        "description": f"One of the problems {', '.join(f'`{code}`' for code in mapping)}.",
        "oneOf": [{"$ref": reference} for reference in mapping.values()],
        "discriminator": {"propertyName": "code", "mapping": mapping},
    }
    return {"$ref": f"#/components/schemas/{name}"}
