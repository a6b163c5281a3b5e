"""What has changed between two contracts outside its operations, and in the security of each."""

from typing import Any

from ostiary.web.compatibility.document import Document, Object, differing, is_same, items, members
from ostiary.web.compatibility.rules import Kind, Spot

_TOP = frozenset({"openapi", "info", "servers", "tags", "paths", "components", "security", "externalDocs"})
_HINTS = frozenset({"description", "bearerFormat"})

Requirement = dict[str, frozenset[str]]
"""The schemes that a request must satisfy, each with its scopes or roles; an empty one asks for nothing."""


def document_parts(old: Document, new: Document, at: Spot) -> None:
    """Note the changes outside operations."""
    versions = [str(one.value["openapi"]).split(".")[:2] for one in (old, new)]
    if versions[0] != versions[1]:
        at.add(Kind.OPENAPI_CHANGED, f"OpenAPI {'.'.join(versions[0])} is {'.'.join(versions[1])} now")
    before, after = _servers(old), _servers(new)
    for url, server in before.items():
        if url not in after or not is_same(server, after[url]):
            at.add(Kind.SERVER_REMOVED, f"the server {url} is removed or changed")
    for url in after:
        if url not in before:
            at.add(Kind.SERVER_ADDED, f"the server {url} is added")
    for key in differing(old, new, old.value, new.value, _TOP):
        at.add(Kind.OTHER_CHANGED, f"`{key}` is different")


def of_operation(old: Document, new: Document, one: Object, other: Object, at: Spot) -> None:
    """Note what became of the security of an operation: what satisfied it must go on to do so."""
    before, after = _requirements(old, one), _requirements(new, other)
    refused = [given for given in before if not any(_suffices(given, asked) for asked in after)]
    accepted = [given for given in after if not any(_suffices(given, asked) for asked in before)]
    for given in refused:
        at.add(Kind.SECURITY_TIGHTENED, f"{_says(given)} no longer suffices")
    for given in accepted:
        at.add(Kind.SECURITY_LOOSENED, f"{_says(given)} suffices now")
    is_rewritten = not all(given in after for given in before) or not all(given in before for given in after)
    if is_rewritten and not refused and not accepted:
        at.add(Kind.SECURITY_LOOSENED, "security is written another way, to the same effect")
    for name in sorted({name for given in before for name in given}):
        if not is_same(_scheme(old, name), _scheme(new, name)):
            Spot(at.changes, "the document").add(
                Kind.SECURITY_SCHEME_CHANGED, f"the security scheme `{name}` is different"
            )


def _servers(document: Document) -> dict[str, Any]:
    """Return the servers by their addresses; without any there is one, `/`."""
    listed = [document.resolve(one) for one in items(document.value, "servers")] or [{"url": "/"}]
    return {str(one.get("url")): {key: one[key] for key in one if key != "description"} for one in listed}


def _requirements(document: Document, operation: Object) -> list[Requirement]:
    holder = operation if "security" in operation else document.value
    listed = [document.resolve(one) for one in items(holder, "security")] or [{}]
    return [{name: frozenset(map(str, items(one, name))) for name in one} for one in listed]


def _suffices(given: Requirement, asked: Requirement) -> bool:
    return all(name in given and scopes <= given[name] for name, scopes in asked.items())


def _scheme(document: Document, name: str) -> dict[str, Any]:
    scheme = document.resolve(members(members(document.value, "components"), "securitySchemes").get(name, {}))
    return {key: value for key, value in scheme.items() if key not in _HINTS}


def _says(requirement: Requirement) -> str:
    if not requirement:
        return "no authentication"
    return " and ".join(
        f"`{name}`" + (f" with {', '.join(sorted(scopes))}" if scopes else "") for name, scopes in requirement.items()
    )
