"""A contract as a tree of parts: each has facts (a type, a bound, a tag) and further parts (a member, a status)."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator

from openapi.gate.rules import Part, Side

Object = Mapping[str, Any]

DOCUMENTATION = frozenset({"title", "summary", "description", "example", "examples", "externalDocs", "$comment"})
"""Keywords for people. Programs do not read them; `title` names the SDK type of a schema that is no component."""

SELECTED_BY = "value of the discriminator"
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_PATH_PARAMETER = re.compile(r"\{([^}]*)\}")
_SCHEMA = "#/components/schemas/"
_STRUCTURE = frozenset(
    {"$ref", "oneOf", "anyOf", "discriminator", "type", "enum", "const"}
    | {"properties", "required", "items", "additionalProperties"}
)


class NotAContract(Exception):
    """A file does not hold a valid OpenAPI document, or the gate cannot follow one of its references."""


@dataclass
class Node:
    """One part of a contract.

    part: what it is to the part that holds it. required: None where that does not apply. options: the schemas of a
    `oneOf` or `anyOf`, by name, problem code or type. codes: the problem codes (RFC 9457) of an error answer.
    """

    place: str
    side: Side = Side.REQUEST
    part: Part = Part.OPERATION
    required: bool | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    children: dict[object, "Node"] = field(default_factory=dict)
    options: dict[str, "Node"] | None = None
    codes: tuple[str, ...] = ()

    def add(
        self, key: object, text: str, part: Part, *, required: bool | None = None, side: Side | None = None
    ) -> "Node":
        """Add a part of this part and return it."""
        child = Node(f"{self.place}{text}", side or self.side, part, required)
        self.children[key] = child
        return child

    @property
    def identity(self) -> str:
        """What makes two alternatives the same one."""
        return ", ".join(self.codes) or str(self.facts.get("name") or self.facts.get("type"))


def read(path: Path) -> Object:
    """Return the valid OpenAPI document in a JSON file; raises OSError and NotAContract."""
    try:
        document = json.loads(path.read_bytes())
        if not isinstance(document, dict) or not str(document.get("openapi")).startswith("3."):
            raise NotAContract("not an OpenAPI document of version 3")
        OpenAPIV31SpecValidator(document).validate()
        Tree(document)
        major(document)
    except OSError:
        raise
    except Exception as error:  # those of the validator have no common base
        raise NotAContract(f"{path}: {' '.join(str(error).split())[:300]}") from error
    return document


def major(document: Object) -> int:
    """Return the major part of the contract's version."""
    return int(str(document["info"]["version"]).partition(".")[0])


class Tree:
    """The parts of a document. components: its schemas, once for each side on which they are used, by their place."""

    def __init__(self, document: Object) -> None:
        self.document = document
        self.root = Node("the document")
        self.components: dict[str, Node] = {}
        self._document()

    def _document(self) -> None:
        known = {"openapi", "info", "servers", "tags", "paths", "components", "security", "externalDocs"}
        self.root.facts["openapi"] = str(self.document["openapi"]).rpartition(".")[0]
        self._others(self.root, self.document, known)
        for server in self.document.get("servers") or [{"url": "/"}]:
            node = self.root.add(("server", server["url"]), f", server {server['url']}", Part.SERVER)
            node.facts["settings"] = self.expand(_without(server, {"url", "description"}))
        for path in self.document["paths"]:
            item = self._resolve(self.document["paths"][path])
            for method in filter(item.__contains__, _METHODS):
                self._operation(method, path, item)

    def _operation(self, method: str, path: str, item: Object) -> None:
        operation, names = item[method], _PATH_PARAMETER.findall(path)
        node = Node(f"{method.upper()} {path}")
        self.root.children[method, _PATH_PARAMETER.sub("{}", path)] = node
        node.facts = {"operationId": operation.get("operationId"), "tags": operation.get("tags", [])}
        self._security(node, operation)
        self._others(node, item, {"parameters", "summary", "description", *_METHODS}, " of the path")
        known = {"summary", "description", "externalDocs", "parameters", "requestBody", "responses", "security"}
        self._others(node, operation, known | node.facts.keys())
        for one in map(self._resolve, (*item.get("parameters", ()), *operation.get("parameters", ()))):
            where, name = one["in"], one["name"]
            key = names.index(name) if where == "path" else name.lower() if where == "header" else name
            text = f", {where} parameter `{name}`"
            child = node.add((where, key), text, Part.PARAMETER, required=one.get("required") is True)
            child.facts["parameter name"] = name if where == "path" else None
            self._valued(child, one, {"name", "in"})
        if "requestBody" in operation:
            body = self._resolve(operation["requestBody"])
            child = node.add("body", ", request body", Part.BODY, required=body.get("required") is True)
            self._content(child, body)
            self._others(child, body, {"description", "required", "content"})
        for status, response in operation.get("responses", {}).items():
            side = Side.ERROR if status[:1] in ("4", "5") or status == "default" else Side.ANSWER
            self._response(node.add(status, f", answer {status}", Part.STATUS, side=side), self._resolve(response))

    def _security(self, node: Node, operation: Object) -> None:
        listed = operation.get("security", self.document.get("security")) or [{}]
        node.facts["security"] = [{name: frozenset(scopes) for name, scopes in one.items()} for one in listed]
        schemes = self.document.get("components", {}).get("securitySchemes", {})
        for name in {name for one in listed for name in one} & schemes.keys():
            scheme = self._resolve(schemes[name])
            hints = {"description", "bearerFormat"}
            self.root.facts[f"security scheme of {name}"] = self.expand(_without(scheme, hints))

    def _response(self, node: Node, response: Object) -> None:
        self._content(node, response)
        for name, one in response.get("headers", {}).items():
            header = self._resolve(one)
            text, required = f", header `{name}`", header.get("required") is True
            self._valued(node.add(("header", name.lower()), text, Part.HEADER, required=required), header)
        for name, link in response.get("links", {}).items():
            child = node.add(("link", name), f", link `{name}`", Part.LINK)
            child.facts["target"] = self.expand(_without(self._resolve(link), {"description"}))
        self._others(node, response, {"summary", "description", "headers", "content", "links"})

    def _valued(self, node: Node, one: Object, known: Iterable[str] = ()) -> None:
        """Add what a parameter and a header have in common: a schema, or a media type with one."""
        self._content(node, one)
        self._schema(node, one.get("schema", {}))
        self._others(node, one, {"description", "required", "schema", "content", "example", "examples", *known})

    def _content(self, node: Node, holder: Object) -> None:
        content = holder.get("content", {})
        for name, media_type in content.items():
            text = f", {name.lower()}" if len(content) > 1 else ""
            child = node.add(("media type", name.lower()), text, Part.MEDIA_TYPE)
            self._schema(child, media_type.get("schema", {}))
            self._others(child, media_type, {"schema", "example", "examples"})

    def _schema(self, node: Node, schema: Any) -> None:
        schema = schema if isinstance(schema, Mapping) else ({} if schema else {"not": {}})
        if node.side is Side.ERROR and schema.keys() - DOCUMENTATION == {"$ref"}:
            target = self._resolve(schema)
            if target.get("discriminator", {}).get("propertyName") == "code":
                schema = target  # the name of a union of problems follows from its problems
        node.codes = self._codes(schema) if node.side is Side.ERROR else ()
        union = next((word for word in ("oneOf", "anyOf") if word in schema), None)
        if union is not None:
            listed = [one for one in schema[union] if one != {"type": "null"}]
            if len(listed) == 1 and not schema.keys() - DOCUMENTATION - {union}:
                self._schema(node, listed[0])
            else:
                self._options(node, schema, listed)
                node.facts["alternatives"] = union
            node.facts["null"] = len(listed) < len(schema[union]) or node.facts.get("null") is True
            return
        if "$ref" in schema:
            node.facts["name"] = schema["$ref"].removeprefix(_SCHEMA)
            node.facts["null"] = False
            self._component(schema["$ref"], node.side)
        self._keywords(node, schema)

    def _component(self, reference: str, side: Side) -> None:
        place = f"{reference.removeprefix(_SCHEMA)} ({side})"
        if place not in self.components:
            self.components[place] = Node(place, side)
            self._schema(self.components[place], self._resolve({"$ref": reference}))
            self.components[place].facts.pop("title", None)

    def _options(self, node: Node, schema: Object, listed: list[Any]) -> None:
        discriminator = schema.get("discriminator", {})
        node.facts["discriminator"] = self.expand(_without(discriminator, {"mapping"}))
        node.options = {}
        for one in listed:
            option = Node(node.place, node.side, Part.ALTERNATIVE)
            self._schema(option, one)
            if "$ref" in one:
                mapping = discriminator.get("mapping", {}).items()
                option.facts[SELECTED_BY] = sorted(value for value, target in mapping if target == one["$ref"])
            option.part = Part.CODE if option.codes else Part.ALTERNATIVE
            option.place = f"{node.place}, `{option.identity}`"
            same = sum(key.partition("#")[0] == option.identity for key in node.options)
            node.options[option.identity + "#" * same] = option
        self._keywords(node, schema)

    def _keywords(self, node: Node, schema: Object) -> None:
        types = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", [])
        values = [schema["const"]] if "const" in schema else schema.get("enum")
        node.facts["type"] = " or ".join(sorted(set(types) - {"null"})) or "any"
        if types or values is not None:
            node.facts["null"] = (not types or "null" in types) and (values is None or None in values)
        if values is not None:
            node.facts["values"] = [json.dumps(one, sort_keys=True) for one in values if one is not None]
        if "properties" in schema and "title" in schema:
            node.facts["title"] = schema["title"]
        self._others(node, schema, _STRUCTURE | DOCUMENTATION)
        if "items" in schema:
            self._schema(node.add("items", " /*", Part.ITEMS), schema["items"])
        if "object" in types or schema.keys() & {"properties", "required", "additionalProperties"}:
            self._members(node, schema)

    def _members(self, node: Node, schema: Object) -> None:
        hidden, required = "readOnly" if node.side is Side.REQUEST else "writeOnly", schema.get("required", [])
        properties = schema.get("properties", {})
        for name in dict.fromkeys([*properties, *required]):
            member = properties.get(name, {})
            if not (isinstance(member, Mapping) and {**self._resolve(member), **member}.get(hidden)):
                child = node.add(name, f" /{name}", Part.MEMBER, required=name in required)
                self._schema(child, member)
        further = schema.get("additionalProperties", True)
        if further is not False:
            part = Part.UNKNOWN if further in (True, {}) else Part.ANY_MEMBER
            self._schema(node.add(Part.UNKNOWN, " /{any name}", part), further)

    def _codes(self, schema: Object) -> tuple[str, ...]:
        code = self._resolve(schema).get("properties", {}).get("code", {})
        return tuple(sorted(map(str, [code["const"]] if "const" in code else code.get("enum", []))))

    def _others(self, node: Node, holder: Object, known: Iterable[str], of: str = "") -> None:
        """Add the members of `holder` that are not known as facts, to be compared as a whole."""
        for key in holder.keys() - set(known):
            node.facts[f"{key}{of}"] = self.expand(holder[key])

    def expand(self, value: Any, passed: frozenset[str] = frozenset()) -> Any:
        """Return `value` with its references followed, each once."""
        if isinstance(value, list):
            return [self.expand(one, passed) for one in value]
        if not isinstance(value, Mapping):
            return value
        reference = value.get("$ref")
        if isinstance(reference, str) and reference not in passed:
            return [value, self.expand(self._resolve(value), passed | {reference})]
        return {key: self.expand(one, passed) for key, one in value.items()}

    def _resolve(self, value: Object) -> Object:
        passed: set[str] = set()
        while "$ref" in value:
            reference, found = value["$ref"], self.document
            if reference in passed or not reference.startswith("#/"):
                raise NotAContract(f"the reference {reference} leads in a circle or out of the document")
            passed.add(reference)
            for part in reference[2:].split("/"):
                key = part.replace("~1", "/").replace("~0", "~")
                if key not in found:
                    raise NotAContract(f"the reference {reference} leads nowhere")
                found = found[key]
            value = found
        return value


def _without(holder: Object, keys: Iterable[str]) -> Object:
    return {key: value for key, value in holder.items() if key not in set(keys)}
