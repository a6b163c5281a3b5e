"""What has changed between two contracts: operations, their parameters, bodies and answers."""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from ostiary.web.compatibility import security
from ostiary.web.compatibility.document import EMPTY, Document, Object, differing, is_same, items, members
from ostiary.web.compatibility.keywords import deprecation
from ostiary.web.compatibility.rules import Change, Changes, Kind, Side, Spot
from ostiary.web.compatibility.schemas import Schemas

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_PROSE = frozenset({"summary", "description", "externalDocs"})
_ITEM = _PROSE | {"parameters", *_METHODS}
_OPERATION = _PROSE | {"tags", "operationId", "parameters", "requestBody", "responses", "deprecated", "security"}
_BODY = frozenset({"description", "required", "content"})
_HEADER = frozenset({"description", "required", "deprecated", "schema", "content", "example", "examples"})
_PARAMETER = _HEADER | {"name", "in"}
_RESPONSE = frozenset({"summary", "description", "headers", "content", "links"})
_MEDIA_TYPE = frozenset({"schema", "example", "examples"})
_PATH_PARAMETER = re.compile(r"\{([^}]*)\}")


def compare(old: Document, new: Document) -> list[Change]:
    """Return the changes from `old` to `new`, the breaking ones first; raises NotAContract."""
    return _Comparison(old, new).changes()


@dataclass(frozen=True)
class _Operation:
    """An operation with the path item that it stands in. path: its template."""

    method: str
    path: str
    item: Object
    body: Object

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same operation: the names of path parameters do not."""
        return self.method, _PATH_PARAMETER.sub("{}", self.path)

    @property
    def place(self) -> str:
        return f"{self.method.upper()} {self.path}"


class _Comparison:
    def __init__(self, old: Document, new: Document) -> None:
        self._old = old
        self._new = new
        self._changes = Changes()
        self._schemas = Schemas(old, new)

    def changes(self) -> list[Change]:
        security.document_parts(self._old, self._new, Spot(self._changes, "the document"))
        before = {one.key: one for one in _operations(self._old)}
        after = {one.key: one for one in _operations(self._new)}
        homes = {one.body.get("operationId"): one.place for key, one in after.items() if key not in before}
        for key, one in before.items():
            if key in after:
                self._operation(one, after[key])
            else:
                home = homes.get(one.body.get("operationId"))
                says = f"the operation is {home} now" if home else "the operation is removed"
                Spot(self._changes, one.place).add(Kind.OPERATION_REMOVED, says)
        for key, one in after.items():
            if key not in before:
                Spot(self._changes, one.place).add(Kind.OPERATION_ADDED, "the operation is added")
        return self._changes.all()

    def _operation(self, old: _Operation, new: _Operation) -> None:
        one, other, at = old.body, new.body, Spot(self._changes, new.place)
        name, name_now = one.get("operationId"), other.get("operationId")
        if name != name_now:
            at.add(Kind.OPERATION_ID_CHANGED, f"the operationId `{name}` is `{name_now}` now")
        tags, tags_now = items(one, "tags"), items(other, "tags")
        if tags != tags_now:
            at.add(Kind.TAGS_CHANGED, f"the tags {_listed(tags)} are {_listed(tags_now)} now")
        deprecation(at, one, other, "the operation")
        self._parameters(old, new, at)
        self._request_body(one, other, at)
        self._responses(one, other, at)
        security.of_operation(self._old, self._new, one, other, at)
        self._others(one, other, _OPERATION, at)
        self._others(old.item, new.item, _ITEM, Spot(self._changes, new.path))

    def _parameters(self, old: _Operation, new: _Operation, at: Spot) -> None:
        before, after = _parameters(self._old, old), _parameters(self._new, new)
        for key in dict.fromkeys([*before, *after]):
            one, other = before.get(key), after.get(key)
            shown = other or one or EMPTY
            what = f"{shown.get('in')} parameter `{shown.get('name')}`"
            is_in_both = at.is_in_both(f"the {what}", old=_requires(one), new=_requires(other))
            if one is None or other is None or not is_in_both:
                continue
            if one.get("in") == "path" and one.get("name") != other.get("name"):
                at.add(Kind.PARAMETER_RENAMED, f"the path parameter `{one.get('name')}` is `{other.get('name')}` now")
            self._valued(one, other, _PARAMETER, at.within(f", {what}"))

    def _request_body(self, old: Object, new: Object, at: Spot) -> None:
        one = self._old.resolve(old["requestBody"]) if "requestBody" in old else None
        other = self._new.resolve(new["requestBody"]) if "requestBody" in new else None
        is_in_both = at.is_in_both("the request body", old=_requires(one), new=_requires(other))
        if one is not None and other is not None and is_in_both:
            at = at.within(", request body")
            self._content(one, other, at)
            self._others(one, other, _BODY, at)

    def _responses(self, old: Object, new: Object, at: Spot) -> None:
        before, after = members(old, "responses"), members(new, "responses")
        for status, one in before.items():
            if status not in after:
                at.add(Kind.STATUS_REMOVED, f"the status {status} is removed")
                continue
            side = Side.ERROR if status[:1] in ("4", "5") or status == "default" else Side.ANSWER
            spot = at.within(f", answer {status}", side)
            self._response(self._old.resolve(one), self._new.resolve(after[status]), spot)
        for status in after:
            if status not in before:
                at.add(Kind.STATUS_ADDED, f"the status {status} is added")

    def _response(self, old: Object, new: Object, at: Spot) -> None:
        self._content(old, new, at)
        self._headers(old, new, at)
        before, after = members(old, "links"), members(new, "links")
        for name, one in before.items():
            if name not in after or not is_same(_link(self._old, one), _link(self._new, after[name])):
                at.add(Kind.LINK_REMOVED, f"the link `{name}` is removed or changed")
        for name in after:
            if name not in before:
                at.add(Kind.LINK_ADDED, f"the link `{name}` is added")
        self._others(old, new, _RESPONSE, at)

    def _headers(self, old: Object, new: Object, at: Spot) -> None:
        before, after = _by_name(self._old, old, "headers"), _by_name(self._new, new, "headers")
        for name in dict.fromkeys([*before, *after]):
            is_required, is_required_now = _requires(before.get(name)), _requires(after.get(name))
            if at.is_in_both(f"the header `{name}`", old=is_required, new=is_required_now):
                self._valued(before[name], after[name], _HEADER, at.within(f", header `{name}`"))

    def _valued(self, old: Object, new: Object, known: AbstractSet[str], at: Spot) -> None:
        """Compare what a parameter and a header have in common: a schema, or a media type with one."""
        deprecation(at, old, new, "it")
        self._content(old, new, at)
        self._schemas.compare(old.get("schema", EMPTY), new.get("schema", EMPTY), at)
        self._others(old, new, known, at)

    def _content(self, old: Object, new: Object, at: Spot) -> None:
        before, after = _by_name(self._old, old, "content"), _by_name(self._new, new, "content")
        for name, one in before.items():
            if name not in after:
                at.add(Kind.MEDIA_TYPE_REMOVED, f"the media type {name} is removed")
                continue
            inside = at if len(before) == len(after) == 1 else at.within(f", {name}")
            self._schemas.compare(one.get("schema", EMPTY), after[name].get("schema", EMPTY), inside)
            self._others(one, after[name], _MEDIA_TYPE, inside)
        for name in after:
            if name not in before:
                at.add(Kind.MEDIA_TYPE_ADDED, f"the media type {name} is added")

    def _others(self, old: Object, new: Object, known: AbstractSet[str], at: Spot) -> None:
        for key in differing(self._old, self._new, old, new, known):
            at.add(Kind.OTHER_CHANGED, f"`{key}` is different")


def _operations(document: Document) -> Iterator[_Operation]:
    for path in document.paths:
        item = document.resolve(document.paths[path])
        for method in _METHODS:
            if method in item:
                yield _Operation(method, path, item, document.resolve(item[method]))


def _parameters(document: Document, operation: _Operation) -> dict[tuple[str, str], Object]:
    """Return the parameters by where they stand and what they are called; those of the path by their position."""
    names = _PATH_PARAMETER.findall(operation.path)
    found: dict[tuple[str, str], Object] = {}
    for one in (*items(operation.item, "parameters"), *items(operation.body, "parameters")):
        parameter = document.resolve(one)
        where, name = str(parameter.get("in")), str(parameter.get("name"))
        if where == "path" and name in names:
            name = str(names.index(name))
        found[where, name.lower() if where == "header" else name] = parameter
    return found


def _requires(part: Object | None) -> bool | None:
    return None if part is None else part.get("required") is True


def _by_name(document: Document, holder: Object, key: str) -> dict[str, Object]:
    """Return the headers or media types at `key`, whose names are the same in upper and in lower case."""
    return {name.lower(): document.resolve(one) for name, one in members(holder, key).items()}


def _link(document: Document, link: object) -> dict[str, Any]:
    return {key: value for key, value in document.resolve(link).items() if key != "description"}


def _listed(tags: list[Any]) -> str:
    return ", ".join(f"`{tag}`" for tag in tags) or "(none)"
